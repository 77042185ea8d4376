// The composer's suggestions while a command is typed.

import { make } from "./dom.js";

// The part of a usage such as “/extauth get ID [--show]” before the person's own arguments.
const fixedPart = (usage) => usage.split(/ (?=[A-Z[])/)[0];

export function suggestions(line, list, hint, onTake) {
  let offered = [];
  let active = -1;

  function update() {
    const text = line.value;
    const isAtEnd = line.selectionStart === text.length;
    const fits = text.startsWith("/") && isAtEnd ? offered.filter(({ usage }) => fixedPart(usage).startsWith(text.toLowerCase())) : [];
    list.replaceChildren(...fits.map(({ usage, does }, index) =>
      make("li", { role: "option", id: `suggestion-${index}`, "aria-selected": "false", "data-fixed": fixedPart(usage), "data-usage": usage, onmousedown: (event) => { event.preventDefault(); take(index); } },
        make("code", {}, usage), make("span", {}, does)),
    ));
    showHint(text);
    open(fits.length > 0);
  }

  // Once arguments are typed, the usage is only shown: there is nothing left to complete.
  function showHint(text) {
    const known = offered.filter(({ usage }) => fixedPart(usage).includes(" ") && text.toLowerCase().startsWith(`${fixedPart(usage)} `));
    const [best] = known.sort((one, other) => fixedPart(other.usage).length - fixedPart(one.usage).length);
    hint.textContent = best ? `${best.usage}: ${best.does}` : "";
    hint.hidden = !best;
  }

  function open(isOpen) {
    list.hidden = !isOpen;
    line.setAttribute("aria-expanded", String(isOpen));
    mark(-1);
  }

  function mark(index) {
    active = index;
    [...list.children].forEach((item, at) => item.setAttribute("aria-selected", String(at === index)));
    if (index >= 0) {
      line.setAttribute("aria-activedescendant", `suggestion-${index}`);
      list.children[index].scrollIntoView({ block: "nearest" });
    } else line.removeAttribute("aria-activedescendant");
  }

  // Only ever adds to the typed text.
  function take(index) {
    const { fixed, usage } = list.children[index].dataset;
    const rest = fixed.slice(line.value.length) + (usage.length > fixed.length ? " " : "");
    line.setRangeText(rest, line.value.length, line.value.length, "end");
    line.focus();
    update();
    open(false);
    onTake();
  }

  function close() {
    open(false);
    hint.hidden = true;
  }

  // Returns whether the list used the key.
  function key(event) {
    if (list.hidden) return false;
    const last = list.children.length - 1;
    if (event.key === "Escape") open(false);
    else if ((event.key === "Tab" && !event.shiftKey) || event.key === "Enter") {
      if (active < 0) return false;
      take(active);
    } else if (event.key === "ArrowDown") mark(active < last ? active + 1 : 0);
    else if (event.key === "ArrowUp") mark(active > 0 ? active - 1 : last);
    else return false;
    event.preventDefault();
    return true;
  }

  return { update, close, key, offer: (entries) => { offered = entries; } };
}
