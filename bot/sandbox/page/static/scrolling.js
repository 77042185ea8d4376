// A list scrolled to its end stays there when its height changes, such as for a hint or a phone's keyboard.

const NEAR_PIXELS = 40;

export function stayAtEnd(list) {
  let isAtEnd = true;
  list.addEventListener("scroll", () => {
    isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_PIXELS;
  });
  new ResizeObserver(() => {
    if (isAtEnd) list.scrollTop = list.scrollHeight;
  }).observe(list);
}
