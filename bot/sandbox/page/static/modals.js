// The stack of modals. The topmost is open; Escape and Cancel close it, Enter submits it.

import { busyUntil, drawBlocks } from "./blocks.js";
import { make } from "./dom.js";
import { filledIn } from "./fields.js";
import { whereFocusIs } from "./focus.js";
import { icon } from "./icons.js";

const shown = { key: null, element: null, giveBackFocus: null };

// Calls `onTop` with the element in front, each time it changes.
export function showModals(views, context, onTop) {
  const view = views.at(-1) ?? null;
  const key = view && JSON.stringify([view.id, view.hash, view.errors, view.banner]);
  if (key === shown.key) return;
  shown.giveBackFocus ??= whereFocusIs();
  const focused = shown.element?.contains(document.activeElement) ? document.activeElement.dataset.block : null;
  const before = shown.element;
  shown.key = key;
  shown.element = view ? draw(view, context) : null;
  if (shown.element) {
    document.body.append(shown.element);
    shown.element.showModal();
    focusOn(shown.element, view, focused);
  }
  onTop(shown.element ?? document.body);
  before?.remove();
  if (!shown.element) {
    shown.giveBackFocus();
    shown.giveBackFocus = null;
  }
}

function focusOn(element, view, focused) {
  const wrong = Object.keys(view.errors)[0];
  const wanted = [...element.querySelectorAll("[data-block]")].filter((input) => input.dataset.block === (wrong ?? focused));
  const first = element.querySelector("input[type=text], textarea") ?? element.querySelector("footer button");
  (wanted.find((input) => input.checked) ?? wanted[0] ?? first).focus();
}

function draw(view, { people, channels, send }) {
  const { content } = view;
  const close = () => send({ do: "close", view: view.id });
  const body = make("div", { class: "blocks" });
  const submit = content.submit ? make("button", { type: "submit", class: "primary" }, content.submit.text) : null;
  const form = make(
    "form",
    { novalidate: true },
    make(
      "header",
      {},
      make("h2", { id: "modal-title" }, content.title.text),
      make("button", { type: "button", class: "cross", "aria-label": `Close “${content.title.text}”`, onclick: close }, "✕"),
    ),
    view.banner ? make("p", { class: "banner error", role: "alert" }, icon("alert"), view.banner) : null,
    body,
    make("footer", {}, make("button", { type: "button", onclick: close }, content.close?.text ?? "Close"), submit),
  );
  body.append(
    ...drawBlocks(content.blocks, {
      people,
      channels,
      values: view.values,
      errors: view.errors,
      press: (label) => send({ do: "press_in_view", view: view.id, label }),
      pick: (row, label) => send({ do: "pick_in_view", view: view.id, row, label }),
      suggest: (block, text) => send({ do: "suggest", view: view.id, block, text }),
      choose: (block, value) => send({ do: "choose", view: view.id, block, value, filled: filledIn(form) }),
    }),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!submit || submit.getAttribute("aria-busy")) return;
    busyUntil(submit, send({ do: "submit", view: view.id, filled: filledIn(form) }));
  });
  const dialog = make("dialog", { "aria-labelledby": "modal-title", class: "modal" }, form);
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    close();
  });
  return dialog;
}
