// Block Kit, drawn: every block, element, and text object that Extauth uses.

import { confirmed } from "./confirm.js";
import { make } from "./dom.js";
import { emoji } from "./emoji.js";
import { drawInput } from "./fields.js";
import { icon } from "./icons.js";
import { menu } from "./menu.js";
import { mrkdwn } from "./mrkdwn.js";

export function textNodes(text, people) {
  return text.type === "mrkdwn" ? mrkdwn(text.text, people) : [text.emoji === false ? text.text : emoji(text.text)];
}

export function drawBlocks(blocks, context) {
  return blocks.map((block) => (BLOCKS[block.type] ?? unknown)(block, context));
}

const BLOCKS = {
  section: drawSection,
  header: (block, { people }) => make("h3", {}, ...textNodes(block.text, people)),
  divider: () => make("hr"),
  context: (block, { people }) =>
    make("div", { class: "context" }, ...block.elements.map((one) => make("p", {}, ...textNodes(one, people)))),
  actions: (block, context) => make("div", { class: "actions" }, ...block.elements.map((one) => drawButton(one, context))),
  rich_text: (block) => make("div", { class: "rich" }, ...block.elements.map(drawRich)),
  input: drawInput,
};

function unknown(block) {
  return make("p", { class: "error" }, icon("alert"), `This page can't draw a block of the type ${block.type}.`);
}

function drawSection(block, context) {
  const fields = (block.fields ?? []).map((field) => make("p", {}, ...textNodes(field, context.people)));
  const text = block.text ? make("p", { class: "section" }, ...textNodes(block.text, context.people)) : null;
  const accessory = drawAccessory(block, context);
  if (!fields.length && !accessory) return text;
  return make("div", { class: "wide" }, make("div", {}, text, fields.length ? make("div", { class: "fields" }, ...fields) : null), accessory);
}

function drawAccessory({ accessory, text }, context) {
  if (accessory?.type === "button") return drawButton(accessory, context);
  return accessory?.type === "overflow" ? drawOverflow(accessory, text.text, context) : null;
}

// The menu behind an ellipsis. `row` is the text beside it.
function drawOverflow(element, row, { pick }) {
  const opener = make("button", { type: "button", class: "plain", "aria-haspopup": "menu", "aria-expanded": "false", "aria-label": "More actions", "data-action": element.action_id }, "⋯");
  const items = element.options.map(({ text }) => make("button", { type: "button", role: "menuitem" }, emoji(text.text)));
  const list = make("div", { role: "menu", "aria-label": "More actions", hidden: true }, ...items);
  menu(opener, list, (item) => busyUntil(opener, pick(row, element.options[items.indexOf(item)].text.text)));
  return make("div", { class: "overflow" }, opener, list);
}

function drawRich(element) {
  if (element.type === "rich_text_list") {
    const kind = element.style === "ordered" ? "ol" : "ul";
    return make(kind, {}, ...element.elements.map((one) => make("li", {}, ...one.elements.map(drawLeaf))));
  }
  if (element.type === "rich_text_preformatted") {
    const text = element.elements.map((leaf) => leaf.text).join("");
    return make("pre", { tabindex: "0", role: "group", "aria-label": "Preformatted text" }, text);
  }
  return make("p", {}, ...element.elements.map(drawLeaf));
}

function drawLeaf(leaf) {
  if (leaf.type === "link") return make("a", { href: leaf.url, target: "_blank", rel: "noopener noreferrer" }, leaf.text ?? leaf.url);
  let node = leaf.style?.code ? make("code", {}, leaf.text) : document.createTextNode(leaf.text);
  if (leaf.style?.bold) node = make("strong", {}, node);
  if (leaf.style?.italic) node = make("em", {}, node);
  return node;
}

function drawButton(element, { people, press }) {
  const label = element.text.text;
  const button = make("button", { type: "button", class: element.style ?? "plain", "data-action": element.action_id, "aria-label": element.accessibility_label }, emoji(label));
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-busy")) return;
    if (element.confirm && !(await confirmed(element.confirm, textNodes(element.confirm.text, people)))) return;
    if (element.url) window.open(element.url, "_blank", "noopener");
    busyUntil(button, press(label));
  });
  return button;
}

// A button spins until Extauth has acknowledged the press.
export async function busyUntil(button, done) {
  button.setAttribute("aria-busy", "true");
  await done;
  button.removeAttribute("aria-busy");
}
