// A menu that a button opens: the arrow keys move in it, Escape closes it.

export function menu(opener, list, onChoice) {
  const choices = [...list.children];

  function show(isOpen) {
    list.hidden = !isOpen;
    opener.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) choices[0].focus();
  }

  function move(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = choices.indexOf(document.activeElement) + step;
    choices[(next + choices.length) % choices.length].focus();
  }

  opener.addEventListener("click", () => show(list.hidden));
  list.addEventListener("keydown", (event) => {
    move(event);
    if (event.key !== "Escape" && event.key !== "Tab") return;
    if (event.key === "Escape") event.preventDefault();
    show(false);
    opener.focus();
  });
  list.addEventListener("focusout", (event) => {
    if (event.relatedTarget !== opener && !list.contains(event.relatedTarget)) show(false);
  });
  choices.forEach((choice) =>
    choice.addEventListener("click", () => {
      show(false);
      opener.focus();
      onChoice(choice);
    }),
  );
}
