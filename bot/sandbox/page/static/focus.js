// Remembers where the focus was, so it can return there after a modal or drawer closes.

// The focused element may have been redrawn by then, so a message's button is found by its place and action.
export function whereFocusIs() {
  const element = document.activeElement;
  const place = element?.closest("[data-at]")?.dataset.at;
  const action = element?.dataset?.action;
  return () => {
    const again = place && action ? document.querySelector(`[data-at="${CSS.escape(place)}"] [data-action="${CSS.escape(action)}"]`) : null;
    const target = element?.isConnected && element !== document.body ? element : again;
    (target ?? document.getElementById("line")).focus();
  };
}
