// The menu of shortcuts beside the composer.

export function menu(opener, list, onChoice) {
  const choice = list.firstElementChild;

  function show(isOpen) {
    list.hidden = !isOpen;
    opener.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) choice.focus();
  }

  opener.addEventListener("click", () => show(list.hidden));
  list.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" && event.key !== "Tab") return;
    if (event.key === "Escape") event.preventDefault();
    show(false);
    opener.focus();
  });
  list.addEventListener("focusout", (event) => {
    if (event.relatedTarget !== opener && !list.contains(event.relatedTarget)) show(false);
  });
  choice.addEventListener("click", () => {
    show(false);
    opener.focus();
    onChoice();
  });
}
