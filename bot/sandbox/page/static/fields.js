// The fields of a modal, and their values.

import { combobox } from "./combobox.js";
import { make } from "./dom.js";
import { icon } from "./icons.js";

let fields = 0;

export function drawInput(block, context) {
  const { element } = block;
  const id = `field-${(fields += 1)}`;
  const state = context.values?.[block.block_id]?.[element.action_id] ?? {};
  const error = context.errors?.[block.block_id];
  const about = [block.hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ") || null;
  const hint = block.hint ? make("small", { id: `${id}-hint` }, block.hint.text) : null;
  const wrong = error ? make("p", { id: `${id}-error`, class: "error" }, icon("alert"), error) : null;
  const optional = block.optional ? make("span", { class: "optional" }, " (optional)") : null;
  if (element.type === "external_select") {
    const input = make("input", { id, type: "text", "data-block": block.block_id, placeholder: element.placeholder?.text, "aria-describedby": about, "aria-invalid": error ? "true" : null, spellcheck: "false" });
    const list = combobox(input, state.selected_option, (text) => context.suggest(block.block_id, text));
    return make("div", { class: "field" }, make("label", { for: id }, block.label.text, optional), input, ...list, wrong, hint);
  }
  if (element.type === "static_select") {
    const options = element.options.map((option) => make("option", { value: option.value }, option.text.text));
    const select = make("select", { id, "data-block": block.block_id, "aria-describedby": about, "aria-invalid": error ? "true" : null }, make("option", { value: "" }, element.placeholder?.text ?? ""), ...options);
    select.value = state.selected_option?.value ?? "";
    return make("div", { class: "field" }, make("label", { for: id }, block.label.text, optional), select, wrong, hint);
  }
  if (element.type === "multi_users_select" || element.type === "conversations_select") {
    const isMany = element.type === "multi_users_select";
    const chosen = isMany ? (state.selected_users ?? []) : [state.selected_conversation ?? ""];
    const people = context.people.map((one) => [one.id, one.name]);
    const channels = (context.channels ?? []).map((one) => [one.id, `#${one.name}`]);
    const known = isMany ? people : [["", element.placeholder?.text ?? "None"], ...channels];
    const options = known.map(([value, text]) => make("option", { value }, text));
    const select = make("select", { id, multiple: isMany ? "" : null, "data-block": block.block_id, "aria-describedby": about });
    select.append(...options);
    for (const option of options) option.selected = chosen.includes(option.value);
    return make("div", { class: "field" }, make("label", { for: id }, block.label.text, optional), select, wrong, hint);
  }
  if (element.type === "plain_text_input") {
    const input = make(element.multiline ? "textarea" : "input", {
      id,
      type: element.multiline ? null : "text",
      "data-block": block.block_id,
      maxlength: element.max_length,
      placeholder: element.placeholder?.text,
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

// Returns the values by block id, as the sandbox expects them.
export function filledIn(form) {
  const filled = {};
  for (const input of form.querySelectorAll("[data-block]")) {
    const name = input.dataset.block;
    if (input.type === "checkbox") {
      filled[name] ??= [];
      if (input.checked) filled[name].push(input.value);
    } else if (input.type === "radio") {
      if (input.checked) filled[name] = input.value;
    } else if (input.multiple) {
      filled[name] = [...input.selectedOptions].map((option) => option.value);
    } else {
      filled[name] = input.dataset.value ?? input.value;
    }
  }
  return filled;
}
