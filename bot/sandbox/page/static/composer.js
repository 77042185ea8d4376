// The line one types in: completion of the command, its usage hint, and the lines typed before.

import { make } from "./dom.js";

export function composer(onLine, onShortcut) {
  const form = document.getElementById("composer");
  const line = document.getElementById("line");
  const list = document.getElementById("suggestions");
  const menuButton = document.getElementById("shortcuts");
  const menu = document.getElementById("menu");
  const typed = [];
  let completions = [];
  let chosen = -1;
  let back = 0;

  function suggest() {
    const text = line.value.toLowerCase();
    const fixed = (usage) => usage.split(/ (?=[A-Z[])/)[0];
    const fits = text.startsWith("/") ? completions.filter(({ usage }) => fixed(usage).startsWith(text) || text.startsWith(`${fixed(usage)} `)) : [];
    const best = fits.filter(({ usage }) => !text.startsWith("/extauth ") || fixed(usage) !== "/extauth");
    list.replaceChildren(...best.map(({ usage, does }, index) =>
      make("li", { role: "option", id: `suggestion-${index}`, "aria-selected": "false", onmousedown: (event) => { event.preventDefault(); take(index); } }, make("code", {}, usage), make("span", {}, does)),
    ));
    list.hidden = best.length === 0;
    line.setAttribute("aria-expanded", String(!list.hidden));
    mark(-1);
  }

  function mark(index) {
    chosen = index;
    [...list.children].forEach((item, at) => item.setAttribute("aria-selected", String(at === index)));
    if (index >= 0) line.setAttribute("aria-activedescendant", `suggestion-${index}`);
    else line.removeAttribute("aria-activedescendant");
  }

  function take(index) {
    const usage = list.children[index].querySelector("code").textContent;
    line.value = usage.split(/ (?=[A-Z[])/)[0] + (/ [A-Z]/.test(usage) ? " " : "");
    line.focus();
    suggest();
    if (!/ [A-Z]/.test(usage)) hide();
  }

  function hide() {
    list.hidden = true;
    line.setAttribute("aria-expanded", "false");
    mark(-1);
  }

  function recall(step) {
    back = Math.min(Math.max(back + step, 0), typed.length);
    line.value = back ? typed.at(-back) : "";
  }

  line.addEventListener("input", suggest);
  line.addEventListener("blur", hide);
  line.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
    else if (event.key === "Tab" && !list.hidden && !event.shiftKey) {
      event.preventDefault();
      take(Math.max(chosen, 0));
    } else if (event.key === "Enter" && chosen >= 0) {
      event.preventDefault();
      take(chosen);
    } else if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      if (line.value.startsWith("/") && !list.hidden && !back) mark(Math.min(Math.max(chosen + step, -1), list.children.length - 1));
      else recall(-step);
    }
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = line.value.trim();
    if (!text) return;
    typed.push(text);
    back = 0;
    line.value = "";
    hide();
    onLine(text);
  });

  function showMenu(isOpen) {
    menu.hidden = !isOpen;
    menuButton.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) menu.firstElementChild.focus();
  }
  menuButton.addEventListener("click", () => showMenu(menu.hidden));
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    showMenu(false);
    menuButton.focus();
  });
  menu.firstElementChild.addEventListener("click", () => {
    showMenu(false);
    menuButton.focus();
    onShortcut();
  });

  return {
    type: (text) => { line.value = text; line.focus(); form.requestSubmit(); },
    offer: (offered) => { completions = offered; },
    focus: () => line.focus(),
  };
}
