// The composer: the command, its completions, and the lines typed before.

import { menu } from "./menu.js";
import { suggestions } from "./suggestions.js";

const $ = (id) => document.getElementById(id);

export function composer(onLine, onShortcut) {
  const form = $("composer");
  const line = $("line");
  const send = $("send");
  const list = suggestions(line, $("suggestions"), $("hint"), showSend);
  const typed = [];
  let back = 0;
  let recalled = null;

  function showSend() {
    send.setAttribute("aria-disabled", String(!line.value.trim()));
  }

  function put(text) {
    line.value = text;
    line.setSelectionRange(text.length, text.length);
    showSend();
  }

  // Recalls the lines typed before, but only from an empty line: unsent text is never replaced.
  function recall(event) {
    const isWalking = recalled !== null && line.value === recalled;
    if (line.value && !isWalking) return;
    if (!isWalking) back = 0;
    const next = Math.min(Math.max(back + (event.key === "ArrowUp" ? 1 : -1), 0), typed.length);
    if (next === back) return;
    event.preventDefault();
    back = next;
    recalled = back ? typed.at(-back) : "";
    put(recalled);
  }

  line.addEventListener("input", () => { list.update(); showSend(); });
  line.addEventListener("blur", list.close);
  line.addEventListener("keydown", (event) => {
    if (event.isComposing || list.key(event)) return;
    if ((event.key === "ArrowUp" || event.key === "ArrowDown") && !event.shiftKey && !event.altKey) recall(event);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = line.value.trim();
    if (!text) return;
    if (typed.at(-1) !== text) typed.push(text);
    recalled = null;
    put("");
    list.close();
    onLine(text);
  });
  menu($("shortcuts"), $("menu"), onShortcut);
  showSend();

  return {
    element: line,
    text: () => line.value,
    put: (text) => { put(text); recalled = null; },
    submit: (text) => { put(text); line.focus(); form.requestSubmit(); },
    offer: list.offer,
    focus: () => line.focus(),
    placeholder: (text) => { line.placeholder = text; line.setAttribute("aria-label", text); },
  };
}
