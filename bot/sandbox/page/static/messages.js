// The messages of a conversation, under the days they came on.

import { drawBlocks } from "./blocks.js";
import { make } from "./dom.js";
import { whereFocusIs } from "./focus.js";
import { icon } from "./icons.js";
import { mrkdwn } from "./mrkdwn.js";
import { avatar, BOT, nameOf } from "./people.js";
import { clockTime, dayOf, fullTime, isoTime } from "./times.js";

const TOGETHER_SECONDS = 300;

// `firstNew` is the message below the “New” line.
export function showMessages(list, told, place, firstNew, send) {
  const key = (name) => `${told.resets} ${told.me} ${place} ${name}`;
  const wanted = [];
  let day = null;
  let before = null;
  for (const message of told.messages.filter(({ channel }) => channel === place)) {
    const today = dayOf(message.at);
    if (today !== day) wanted.push([key(today), () => make("h3", { class: "day" }, make("span", {}, today))]);
    day = today;
    if (message.ts === firstNew) wanted.push([key("new"), () => make("p", { class: "new-line" }, make("span", {}, "New"))]);
    const isMore = continues(before, message) && message.ts !== firstNew;
    wanted.push([key(`${message.ts} ${message.edits ?? 0}`), () => drawMessage(message, told, send, isMore)]);
    before = message;
  }
  arrange(list, wanted);
}

// Slack signs only the first of several messages in a row.
function continues(before, message) {
  const isSameAuthor = before?.kind === "post" && message.kind === "post" && before.author === message.author;
  return isSameAuthor && dayOf(before.at) === dayOf(message.at) && Number(message.at) - Number(before.at) < TOGETHER_SECONDS;
}

// Leaves existing messages in place, so that neither focus nor scrolling is lost.
function arrange(list, wanted) {
  const drawn = new Map([...list.querySelectorAll(":scope > [data-key]")].map((node) => [node.dataset.key, node]));
  const keys = new Set(wanted.map(([key]) => key));
  const gone = [...drawn].filter(([key]) => !keys.has(key)).map(([, node]) => node);
  const giveBackFocus = gone.some((node) => node.contains(document.activeElement)) ? whereFocusIs() : null;
  gone.forEach((node) => node.remove());
  let before = list.querySelector(":scope > .intro");
  let fresh = null;
  for (const [key, draw] of wanted) {
    const known = drawn.get(key);
    const node = known ?? draw();
    node.dataset.key = key;
    if (!known) fresh = node;
    const next = before ? before.nextSibling : list.firstChild;
    if (next !== node) list.insertBefore(node, next);
    before = node;
  }
  giveBackFocus?.();
  if (fresh === list.lastElementChild) list.scrollTop = list.scrollHeight;
  else fresh?.scrollIntoView({ block: "nearest" });
}

function drawMessage(message, told, send, isMore) {
  const { kind, ts, at, text, blocks = [] } = message;
  const author = kind === "typed" ? told.me : (message.author ?? BOT);
  const isError = kind === "error";
  const press = (label) => send({ do: "press", ts, label });
  const pick = (row, label) => send({ do: "pick", ts, row, label });
  const isPlain = kind === "typed";
  const body = blocks.length ? drawBlocks(blocks, { people: told.people, press, pick }) : [make("p", { class: "section" }, ...(isPlain ? [text] : mrkdwn(text, told.people)))];
  const signed = isError ? "Sandbox" : nameOf(told.people, author);
  const byline = make(
    "p",
    { class: "byline" },
    make("strong", {}, signed),
    author === BOT && !isError ? make("span", { class: "badge" }, "APP") : null,
    make("time", { datetime: isoTime(at), title: fullTime(at) }, clockTime(at)),
  );
  const isPrivate = kind === "private" || isError;
  return make(
    "article",
    { class: `message ${kind}${isMore ? " more" : ""}`, "data-at": at, "data-ts": ts, "aria-label": `${signed}, ${clockTime(at)}` },
    isPrivate ? make("p", { class: "private" }, icon("eye"), "Only visible to you") : null,
    isError ? make("span", { class: "avatar failed", "aria-hidden": "true" }, icon("alert")) : avatar(told.people, author),
    make("div", { class: "body" }, byline, isError ? make("strong", { class: "unseen" }, "Error: ") : null, ...body),
  );
}
