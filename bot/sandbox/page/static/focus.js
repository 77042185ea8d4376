// Where the keyboard was, so that it can go back there after something has been in the way.

// What was focused may be drawn anew meanwhile: a button of a message is found again by its place and its action.
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
