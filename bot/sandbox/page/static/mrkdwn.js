// Slack's mrkdwn as nodes. https://docs.slack.dev/messaging/formatting-message-text

import { make } from "./dom.js";
import { emoji } from "./emoji.js";

const ENTITIES = { "&amp;": "&", "&lt;": "<", "&gt;": ">" };
const unescape = (text) => text.replace(/&(?:amp|lt|gt);/g, (entity) => ENTITIES[entity]);

const EDGE = "[^\\p{L}\\p{N}]";
// A mark is one of * _ ~, in a character class, where none of them has another meaning.
const styled = (mark) => new RegExp(`(?<=^|${EDGE})[${mark}](?=\\S)([^${mark}\\n]*[^\\s${mark}])[${mark}](?=$|${EDGE})`, "u");
const RULES = [
  [/`([^`\n]+)`/u, (match) => make("code", {}, unescape(match[1]))],
  [/<([^<>\n]+)>/u, (match, people) => bracketed(match[1], people)],
  [styled("*"), (match, people) => make("strong", {}, ...mrkdwn(match[1], people))],
  [styled("_"), (match, people) => make("em", {}, ...mrkdwn(match[1], people))],
  [styled("~"), (match, people) => make("s", {}, ...mrkdwn(match[1], people))],
];

export function mrkdwn(text, people = []) {
  let first = null;
  for (const [pattern, draw] of RULES) {
    const match = pattern.exec(text);
    if (match && (!first || match.index < first.match.index)) first = { match, draw };
  }
  if (!first) return text ? [emoji(unescape(text))] : [];
  const { match, draw } = first;
  const rest = text.slice(match.index + match[0].length);
  return [emoji(unescape(text.slice(0, match.index))), draw(match, people), ...mrkdwn(rest, people)].filter((node) => node !== "");
}

function bracketed(inside, people) {
  const [target, ...labels] = inside.split("|");
  const label = labels.join("|");
  if (target.startsWith("@")) {
    const person = people.find((one) => one.id === target.slice(1));
    return make("span", { class: "mention" }, `@${person ? person.name : target.slice(1)}`);
  }
  if (target.startsWith("!date^")) return make("time", {}, date(target.split("^"), unescape(label)));
  if (/^(?:https?:\/\/|mailto:)/.test(target)) {
    return make("a", { href: unescape(target), target: "_blank", rel: "noopener noreferrer" }, unescape(label || target));
  }
  return unescape(`<${inside}>`);
}

function date([, seconds, format], fallback) {
  const at = new Date(Number(seconds) * 1000);
  if (Number.isNaN(at.getTime())) return fallback;
  const day = at.toDateString() === new Date().toDateString() ? "today" : at.toLocaleDateString(undefined, { dateStyle: "medium" });
  const time = at.toLocaleTimeString(undefined, { timeStyle: "short" });
  return format.replace("{date_short_pretty}", day).replace("{time}", time).replace("{ago}", ago(Number(seconds)));
}

function ago(seconds) {
  const passed = seconds - Date.now() / 1000;
  const [unit, size] = [["day", 86400], ["hour", 3600], ["minute", 60]].find(([, length]) => Math.abs(passed) >= length) ?? ["second", 1];
  return new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(Math.round(passed / size), unit);
}
