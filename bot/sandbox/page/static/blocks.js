// Block Kit, drawn. Every block, element and text object the bot uses.

import { make } from "./dom.js";
import { mrkdwn } from "./mrkdwn.js";

export function textNodes(text, people) {
  return text.type === "mrkdwn" ? mrkdwn(text.text, people) : [text.text];
}

export function drawBlocks(blocks, context) {
  return blocks.map((block) => (BLOCKS[block.type] ?? unknown)(block, context));
}

const BLOCKS = {
  section: (block, { people }) => make("p", { class: "section" }, ...textNodes(block.text, people)),
  header: (block, { people }) => make("h3", {}, ...textNodes(block.text, people)),
  divider: () => make("hr"),
  context: (block, { people }) =>
    make("div", { class: "context" }, ...block.elements.map((one) => make("p", {}, ...textNodes(one, people)))),
  actions: (block, context) => make("div", { class: "actions" }, ...block.elements.map((one) => drawButton(one, context))),
  rich_text: (block) => make("div", { class: "rich" }, ...block.elements.map(drawRich)),
  input: drawInput,
};

function unknown(block) {
  return make("p", { class: "problem" }, `This page cannot draw a block of the type ${block.type}.`);
}

function drawRich(element) {
  if (element.type === "rich_text_list") {
    return make("ul", {}, ...element.elements.map((one) => make("li", {}, ...one.elements.map(drawLeaf))));
  }
  if (element.type === "rich_text_preformatted") {
    const text = element.elements.map((leaf) => leaf.text).join("");
    const copy = make("button", { type: "button", class: "copy" }, "Copy");
    copy.addEventListener("click", async () => {
      await navigator.clipboard.writeText(text);
      copy.textContent = "Copied";
    });
    return make("div", { class: "preformatted" }, make("pre", { tabindex: "0", "aria-label": "Token" }, text), copy);
  }
  return make("p", {}, ...element.elements.map(drawLeaf));
}

function drawLeaf(leaf) {
  let node = leaf.style?.code ? make("code", {}, leaf.text) : document.createTextNode(leaf.text);
  if (leaf.style?.bold) node = make("strong", {}, node);
  return node;
}

function drawButton(element, { press }) {
  const label = element.text.text;
  const button = make("button", { type: "button", class: element.style ?? "plain" }, label);
  button.addEventListener("click", async () => {
    if (element.confirm && !(await confirmed(element.confirm))) return;
    button.setAttribute("aria-busy", "true");
    setTimeout(() => button.removeAttribute("aria-busy"), 3000);
    press(label);
  });
  return button;
}

function confirmed(question) {
  return new Promise((resolve) => {
    const dialog = make(
      "dialog",
      { class: "confirm", "aria-label": question.title.text },
      make("h2", {}, question.title.text),
      make("p", {}, ...textNodes(question.text, [])),
      make("button", { type: "button", onclick: () => dialog.close("no") }, question.deny.text),
      make("button", { type: "button", class: "primary", onclick: () => dialog.close("yes") }, question.confirm.text),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

let fields = 0;

function drawInput(block, context) {
  const { element } = block;
  const id = `field-${(fields += 1)}`;
  const state = context.values?.[block.block_id]?.[element.action_id] ?? {};
  const error = context.errors?.[block.block_id];
  const about = [block.hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ") || null;
  const hint = block.hint ? make("small", { id: `${id}-hint` }, block.hint.text) : null;
  const wrong = error ? make("strong", { id: `${id}-error`, class: "error" }, error) : null;
  const optional = block.optional ? make("span", { class: "optional" }, " (optional)") : null;
  if (element.type === "plain_text_input") {
    const input = make("input", {
      id,
      type: "text",
      "data-block": block.block_id,
      maxlength: element.max_length,
      "aria-describedby": about,
      "aria-invalid": error ? "true" : null,
      spellcheck: "false",
    });
    input.value = state.value ?? "";
    return make("div", { class: "field" }, make("label", { for: id }, block.label.text, optional), input, wrong, hint);
  }
  const kind = element.type === "checkboxes" ? "checkbox" : "radio";
  const chosen = (state.selected_options ?? [state.selected_option]).filter(Boolean).map((option) => option.value);
  const options = element.options.map((option, index) => {
    const box = make("input", { id: `${id}-${index}`, type: kind, name: id, value: option.value, "data-block": block.block_id });
    box.checked = chosen.includes(option.value);
    if (block.dispatch_action) box.addEventListener("change", () => context.choose(block.block_id, option.value));
    const description = option.description ? make("small", {}, option.description.text) : null;
    return make("div", { class: "option" }, box, make("label", { for: box.id }, option.text.text, description));
  });
  return make("fieldset", { "aria-describedby": about }, make("legend", {}, block.label.text, optional), ...options, wrong, hint);
}

// What is filled in, by block id, as the sandbox expects it.
export function filledIn(form) {
  const filled = {};
  for (const input of form.querySelectorAll("[data-block]")) {
    const name = input.dataset.block;
    if (input.type === "checkbox") {
      filled[name] ??= [];
      if (input.checked) filled[name].push(input.value);
    } else if (input.type === "radio") {
      if (input.checked) filled[name] = input.value;
    } else {
      filled[name] = input.value;
    }
  }
  return filled;
}
