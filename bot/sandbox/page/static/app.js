// The page: who one is, where one is, and what one sees there.

import { drawBlocks } from "./blocks.js";
import { composer } from "./composer.js";
import { connect } from "./connection.js";
import { showDialogs } from "./dialogs.js";
import { make } from "./dom.js";
import { mrkdwn } from "./mrkdwn.js";
import { addTraffic, showCatalogue } from "./panel.js";

const $ = (id) => document.getElementById(id);
let place = "C0GENERAL";
let told = null;
let drawnHome = null;

const send = connect(
  (news) => {
    if (news.completions) line.offer(news.completions);
    else {
      addTraffic($("traffic"), news.traffic);
      told = news;
      show();
    }
  },
  (problem) => {
    $("problem").textContent = problem ?? "";
    $("problem").hidden = !problem;
  },
);

const line = composer(
  (text) => {
    if (place === "home") goTo("D0EXTAUTH");
    if (text.startsWith("/")) {
      $("problem").hidden = true;
      send({ do: "command", line: text, channel: place });
    } else {
      $("problem").textContent = "Nobody else is here: type /extauth.";
      $("problem").hidden = false;
    }
  },
  () => send({ do: "shortcut" }),
);

function show() {
  showPeople();
  showMessages();
  showHome();
  showDialogs(told.dialogs, { people: told.people, send });
  showCatalogue($("catalogue"), told.catalogue, line.type);
}

function showPeople() {
  const select = $("people");
  if (select.children.length !== told.people.length) {
    select.replaceChildren(...told.people.map(({ id, name }) => make("option", { value: id }, name)));
  }
  select.value = told.me;
}

function showMessages() {
  const list = $("messages");
  const wanted = told.messages.filter(({ channel }) => channel === place);
  const keep = new Set(wanted.map(({ ts }) => `${told.me} ${place} ${ts}`));
  for (const old of [...list.children]) if (!keep.has(old.dataset.key)) old.remove();
  const drawn = new Set([...list.children].map((old) => old.dataset.key));
  const fresh = wanted.filter(({ ts }) => !drawn.has(`${told.me} ${place} ${ts}`));
  list.append(...fresh.map(drawMessage));
  if (fresh.length) list.scrollTop = list.scrollHeight;
  list.dataset.empty = place === "C0GENERAL" ? "Type /extauth help, or pick something to try." : "This is your conversation with Extauth.";
}

function drawMessage({ ts, text, blocks }) {
  const press = (label) => send({ do: "press", ts, label });
  const body = blocks.length ? drawBlocks(blocks, { people: told.people, press }) : [make("p", {}, ...mrkdwn(text, told.people))];
  return make(
    "article",
    { "data-key": `${told.me} ${place} ${ts}` },
    make("p", { class: "private" }, "Only visible to you"),
    make("p", { class: "author" }, make("strong", {}, "Extauth"), make("span", { class: "badge" }, "APP")),
    ...body,
  );
}

function showHome() {
  const isHome = place === "home";
  $("home").hidden = !isHome;
  $("messages").hidden = isHome;
  const home = told.home;
  const key = home && `${told.me} ${home.hash}`;
  if (!isHome || key === drawnHome) return;
  drawnHome = key;
  const press = (label) => send({ do: "press_in_view", view: home.id, label });
  $("home").replaceChildren(...(home ? drawBlocks(home.content.blocks, { people: told.people, press }) : [make("p", {}, "…")]));
}

function goTo(where) {
  place = where;
  for (const button of document.querySelectorAll("nav button")) {
    if (button.dataset.place === where) button.setAttribute("aria-current", "page");
    else button.removeAttribute("aria-current");
  }
  if (where === "home") send({ do: "home" });
  if (told) show();
}

$("people").addEventListener("change", (event) => {
  location.hash = event.target.value;
  send({ do: "become", user: event.target.value });
  if (place === "home") send({ do: "home" });
});
for (const button of document.querySelectorAll("nav button")) button.addEventListener("click", () => goTo(button.dataset.place));
if (location.hash) send({ do: "become", user: location.hash.slice(1) });
line.focus();
