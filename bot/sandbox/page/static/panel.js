// Beside the conversation: what there is to try, and what passes between Slack and the bot.

import { make } from "./dom.js";

const MOST_TRAFFIC = 300;
const ARROWS = { slack: "Slack →", bot: "→ Slack" };
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
  const items = entries.map(({ id, about }) =>
    make("li", {}, make("button", { type: "button", onclick: () => type(`/extauth ${verb} ${id}`) }, make("code", {}, id)), make("span", {}, about)),
  );
  return make("details", { "data-name": name, open: isOpen }, make("summary", {}, `${name} (${entries.length})`), make("ul", {}, ...items));
}

export function addTraffic(place, exchanges) {
  for (const { from, kind, milliseconds, body } of exchanges) {
    const took = milliseconds === null ? "" : ` ${milliseconds.toFixed(1)} ms`;
    const line = make("summary", {}, make("span", { class: from }, ARROWS[from] ?? from), ` ${kind}${took}`);
    place.append(make("li", {}, make("details", {}, line, make("pre", { tabindex: "0" }, body))));
  }
  while (place.children.length > MOST_TRAFFIC) place.firstChild.remove();
  if (exchanges.length) place.scrollTop = place.scrollHeight;
}
