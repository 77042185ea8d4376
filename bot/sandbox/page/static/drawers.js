// On narrow screens, the conversations and the panel are drawers: one at a time, in front of the rest.

const $ = (id) => document.getElementById(id);
const DRAWERS = [
  { element: $("sidebar"), opener: $("open-sidebar"), isDrawer: matchMedia("(max-width: 44rem)") },
  { element: $("panel"), opener: $("open-panel"), isDrawer: matchMedia("(max-width: 66rem)") },
];
let open = null;

function arrange() {
  if (open && !open.isDrawer.matches) open = null;
  for (const drawer of DRAWERS) {
    const { element, opener, isDrawer } = drawer;
    element.classList.toggle("drawer", isDrawer.matches);
    element.classList.toggle("open", drawer === open);
    element.inert = drawer !== open && (isDrawer.matches || open !== null);
    opener.setAttribute("aria-expanded", String(drawer === open));
    if (drawer === open) element.setAttribute("role", "dialog");
    else element.removeAttribute("role");
  }
  document.querySelector("main").inert = open !== null;
  $("scrim").hidden = open === null;
}

function show(drawer) {
  open = drawer;
  arrange();
  (drawer.element.querySelector(".close-drawer") ?? drawer.element).focus();
}

// Closes the open drawer, if any, and returns the focus.
export function closeDrawer() {
  if (!open) return;
  const { opener } = open;
  open = null;
  arrange();
  opener.focus();
}

export function drawers() {
  for (const drawer of DRAWERS) {
    drawer.isDrawer.addEventListener("change", arrange);
    drawer.opener.addEventListener("click", () => show(drawer));
    drawer.element.querySelector(".close-drawer").addEventListener("click", closeDrawer);
  }
  // Before any other listener: Escape closes the drawer in front.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !open || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    closeDrawer();
  }, true);
  $("scrim").addEventListener("click", closeDrawer);
  arrange();
}
