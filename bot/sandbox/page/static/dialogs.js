// The stack of dialogs. The topmost is open; Escape and Cancel close it, Enter submits it.

import { drawBlocks, filledIn } from "./blocks.js";
import { make } from "./dom.js";

const shown = { key: null, element: null };

export function showDialogs(views, context) {
  const view = views.at(-1) ?? null;
  const key = view && JSON.stringify([view.id, view.hash, view.errors, view.banner]);
  if (key === shown.key) return;
  const focused = shown.element?.contains(document.activeElement) ? document.activeElement.dataset.block : null;
  shown.element?.remove();
  shown.key = key;
  shown.element = view ? draw(view, context) : null;
  if (!shown.element) return;
  document.body.append(shown.element);
  shown.element.showModal();
  focusOn(shown.element, view, focused);
}

function focusOn(element, view, focused) {
  const wrong = Object.keys(view.errors)[0];
  const wanted = [...element.querySelectorAll("[data-block]")].filter((input) => input.dataset.block === (wrong ?? focused));
  (wanted.find((input) => input.checked) ?? wanted[0] ?? element.querySelector("input[type=text]") ?? element.querySelector("footer button")).focus();
}

function draw(view, { people, send }) {
  const { content } = view;
  const close = () => send({ do: "close", view: view.id });
  const body = make("div", { class: "blocks" });
  const submit = content.submit ? make("button", { type: "submit", class: "primary" }, content.submit.text) : null;
  const form = make(
    "form",
    { novalidate: true },
    make("header", {}, make("h2", { id: "dialog-title" }, content.title.text)),
    view.banner ? make("p", { class: "error", role: "alert" }, view.banner) : null,
    body,
    make("footer", {}, make("button", { type: "button", onclick: close }, content.close?.text ?? "Close"), submit),
  );
  body.append(
    ...drawBlocks(content.blocks, {
      people,
      values: view.values,
      errors: view.errors,
      press: (label) => send({ do: "press_in_view", view: view.id, label }),
      choose: (block, value) => send({ do: "choose", view: view.id, block, value, filled: filledIn(form) }),
    }),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!submit || submit.getAttribute("aria-busy")) return;
    submit.setAttribute("aria-busy", "true");
    setTimeout(() => submit.removeAttribute("aria-busy"), 3000);
    send({ do: "submit", view: view.id, filled: filledIn(form) });
  });
  const dialog = make("dialog", { "aria-labelledby": "dialog-title", class: "modal" }, form);
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    close();
  });
  return dialog;
}
