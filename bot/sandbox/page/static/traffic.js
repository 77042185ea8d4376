// The traffic between Slack and Extauth: a group for each act of a person.

import { make } from "./dom.js";
import { icon } from "./icons.js";

const MOST_GROUPS = 100;
const NAMES = { slash_commands: "slash command", interactive: "interaction", events_api: "event", response_url: "answer to the person" };
const WHAT = { acknowledgement: "The bot acknowledges", "not acknowledged": "The bot doesn't acknowledge" };

export function trafficList(place, say) {
  const groups = new Map();
  const lines = new Map();

  function add(exchange) {
    const group = groups.get(exchange.group) ?? open(exchange);
    const asked = lines.get(exchange.answers);
    if (asked) asked.answer(exchange);
    else {
      const line = new Line(exchange, say);
      lines.set(exchange.number, line);
      group.add(line);
    }
    group.measure(exchange);
  }

  function open(exchange) {
    for (const { element } of groups.values()) element.open = false;
    const group = new Group(exchange.title ?? "At the start, and in the background", exchange.group !== 0, exchange.at);
    groups.set(exchange.group, group);
    place.append(make("li", {}, group.element));
    while (groups.size > MOST_GROUPS) {
      const [oldest] = groups.keys();
      groups.get(oldest).element.parentElement.remove();
      groups.delete(oldest);
    }
    return group;
  }

  return {
    add(exchanges) {
      exchanges.forEach(add);
      if (exchanges.length) place.parentElement.scrollTop = place.parentElement.scrollHeight;
    },
    clear() {
      groups.clear();
      lines.clear();
      place.replaceChildren();
    },
  };
}

class Group {
  #began;
  #ended;
  #lines = [];
  #took = make("span", { class: "took" });

  constructor(title, isOpen, began) {
    this.#began = began;
    this.#ended = began;
    this.list = make("ol", {});
    this.element = make("details", { class: "group", open: isOpen }, make("summary", {}, make("span", { class: "title" }, title), this.#took), this.list);
  }

  add(line) {
    this.#lines.push(line);
    this.list.append(line.element);
  }

  // Draws all bars to one scale, from the first exchange to the last.
  measure({ at }) {
    this.#ended = Math.max(this.#ended, at);
    const [count, seconds] = [this.#lines.length, this.#ended - this.#began];
    this.#took.textContent = `${count} ${count === 1 ? "request" : "requests"} · ${duration(seconds * 1000)}`;
    for (const line of this.#lines) line.draw(this.#began, seconds || 1);
  }
}

class Line {
  #body;
  #began;
  #milliseconds = 0;
  #bar = make("span", { class: "bar", "aria-hidden": "true" });
  #took = make("span", { class: "took" });

  constructor(exchange, say) {
    const isBots = exchange.from === "bot";
    this.#began = exchange.at;
    this.#body = make("div", { class: "exchange" }, ...shown(isBots ? "The bot sends" : "Slack sends", exchange));
    if (exchange.curl) this.#body.append(copyButton(exchange.curl, say));
    const way = make("span", { class: `way ${exchange.from}` }, isBots ? "Bot → Slack" : "Slack → Bot");
    const name = make("span", { class: "kind" }, NAMES[exchange.kind] ?? exchange.kind);
    const summary = make("summary", {}, way, name, this.#took, make("span", { class: "track", "aria-hidden": "true" }, this.#bar));
    this.element = make("li", {}, make("details", { class: "line" }, summary, this.#body));
  }

  answer(exchange) {
    this.#milliseconds = exchange.milliseconds;
    this.#took.textContent = duration(exchange.milliseconds);
    this.#body.append(...shown(WHAT[exchange.kind] ?? "Slack answers", exchange));
  }

  draw(began, seconds) {
    const start = Math.min(98, ((this.#began - began) / seconds) * 100);
    this.#bar.style.setProperty("margin-left", `${start.toFixed(1)}%`);
    this.#bar.style.setProperty("width", `${Math.min(100 - start, Math.max(2, this.#milliseconds / seconds / 10)).toFixed(1)}%`);
  }
}

function shown(what, { parts }) {
  const text = parts.map(([part, isMasked]) => (isMasked ? make("mark", { title: "Masked: a secret" }, part, make("span", { class: "unseen" }, " (masked)")) : part));
  return [make("p", { class: "what" }, what), make("pre", { tabindex: "0", role: "group", "aria-label": what }, ...text)];
}

function copyButton(curl, say) {
  const button = make("button", { type: "button", class: "copy" }, icon("copy"), "Copy as curl");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(curl);
    say("Copied. Set the variables in it before you run it.");
  });
  return button;
}

function duration(milliseconds) {
  return milliseconds < 1000 ? `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}
