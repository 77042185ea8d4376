// The commands to try. A click types one.

import { make } from "./dom.js";

let drawn = null;

export function showCatalogue(place, catalogue, type) {
  const key = JSON.stringify(catalogue);
  if (key === drawn) return;
  drawn = key;
  const open = new Set([...place.querySelectorAll("details[open]")].map((group) => group.dataset.name));
  const groups = [
    ["Tokens", "get", catalogue.tokens],
    ["Providers", "delete --provider-key", catalogue.providers.map((name) => ({ id: name, about: "all its tokens" }))],
    ["Broken answers", "get", catalogue.faults],
    ["Every error", "get", catalogue.codes],
  ];
  place.replaceChildren(...groups.map(([name, verb, entries]) => group(name, verb, entries, open.has(name) || (!open.size && name === "Tokens"), type)));
}

function group(name, verb, entries, isOpen, type) {
  const items = entries.map(({ id, about }) => {
    const command = `/extauth ${verb} ${id}`;
    const button = make("button", { type: "button", title: `Types ${command}`, onclick: () => type(command) }, make("code", {}, id));
    return make("li", {}, button, make("span", {}, about));
  });
  return make("details", { "data-name": name, open: isOpen }, make("summary", {}, name, make("span", { class: "many" }, String(entries.length))), make("ul", {}, ...items));
}
