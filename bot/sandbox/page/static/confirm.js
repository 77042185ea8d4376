// A button's confirmation. https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object

import { make } from "./dom.js";

export function confirmed(question, text) {
  return new Promise((resolve) => {
    const dialog = make(
      "dialog",
      { class: "confirm", "aria-label": question.title.text },
      make("h2", {}, question.title.text),
      make("p", {}, ...text),
      make(
        "footer",
        {},
        make("button", { type: "button", onclick: () => dialog.close("no") }, question.deny.text),
        make("button", { type: "button", class: question.style ?? "primary", onclick: () => dialog.close("yes") }, question.confirm.text),
      ),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
