// A field whose options Extauth has: typing asks for them, and the person takes one.
// https://www.w3.org/WAI/ARIA/apg/patterns/combobox/

import { make } from "./dom.js";

export function combobox(input, chosen, suggest) {
  const list = make("div", { id: `${input.id}-list`, role: "listbox", "aria-label": "Options", class: "options", hidden: true });
  const nothing = make("p", { role: "status", class: "options" });
  let taken = chosen ?? null;
  let options = [];
  let active = -1;
  let asked = 0;

  for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-controls": list.id, autocomplete: "off" })) input.setAttribute(name, value);
  settle();
  open(false);

  async function ask() {
    const number = (asked += 1);
    const answer = await suggest(input.value.trim());
    if (number !== asked || !input.isConnected) return;
    options = [];
    list.replaceChildren(...groups(answer ?? {}).map(drawGroup));
    nothing.textContent = options.length ? "" : "No results";
    open(options.length > 0);
    if (input.value.trim()) mark(0);
  }

  function groups({ options: listed, option_groups: grouped }) {
    return grouped ?? [{ options: listed ?? [] }];
  }

  function drawGroup(group) {
    const drawn = group.options.map(drawOption);
    if (!group.label) return make("div", { role: "presentation" }, ...drawn);
    return make("div", { role: "group", "aria-label": group.label.text }, make("div", { class: "label", "aria-hidden": "true" }, group.label.text), ...drawn);
  }

  function drawOption(option) {
    const index = options.push(option) - 1;
    return make("div", { id: `${list.id}-${index}`, role: "option", "aria-selected": "false", onmousedown: (event) => { event.preventDefault(); take(index); } }, option.text.text);
  }

  function open(isOpen) {
    list.hidden = !isOpen;
    input.setAttribute("aria-expanded", String(isOpen));
    mark(-1);
  }

  function mark(index) {
    active = options.length && index >= 0 ? (index + options.length) % options.length : -1;
    list.querySelector('[aria-selected="true"]')?.setAttribute("aria-selected", "false");
    const item = active < 0 ? null : list.querySelector(`#${list.id}-${active}`);
    item?.setAttribute("aria-selected", "true");
    item?.scrollIntoView({ block: "nearest" });
    if (item) input.setAttribute("aria-activedescendant", item.id);
    else input.removeAttribute("aria-activedescendant");
  }

  function take(index) {
    taken = options[index];
    settle();
    close();
  }

  // The field shows only the option taken.
  function settle() {
    input.value = taken?.text.text ?? "";
    input.dataset.value = taken?.value ?? "";
  }

  function close() {
    asked += 1;
    nothing.textContent = "";
    open(false);
  }

  input.addEventListener("input", ask);
  input.addEventListener("click", () => list.hidden && ask());
  input.addEventListener("blur", () => {
    if (!input.value.trim()) taken = null;
    settle();
    close();
  });
  input.addEventListener("keydown", (event) => {
    const { key } = event;
    if ((key === "ArrowDown" || key === "ArrowUp") && list.hidden) ask();
    else if (key === "ArrowDown") mark(active + 1);
    else if (key === "ArrowUp") mark(active < 1 ? options.length - 1 : active - 1);
    else if (key === "Enter" && active >= 0) take(active);
    else if (key === "Escape" && !list.hidden) close();
    else return;
    event.preventDefault();
  });
  return [list, nothing];
}
