// The page: the person, the conversation, and the messages in it.

import { showCatalogue } from "./catalogue.js";
import { composer } from "./composer.js";
import { connect } from "./connection.js";
import { closeDrawer, drawers } from "./drawers.js";
import { showHome } from "./home.js";
import { intro } from "./intro.js";
import { showMessages } from "./messages.js";
import { showModals } from "./modals.js";
import { stayAtEnd } from "./scrolling.js";
import { conversations, readMarks, showConversations, showPeople } from "./sidebar.js";
import { tabs } from "./tabs.js";
import { guidedTour } from "./tour.js";
import { trafficList } from "./traffic.js";

const START = "C0GENERAL";
const APP = "D0EXTAUTH";
const MOST_ATTEMPTS = 20;
const $ = (id) => document.getElementById(id);

const marks = readMarks();
const traffic = trafficList($("traffic"), say);
const selectTab = tabs($("tabs"));
let place = START;
let isHome = false;
let told = null;
let buttons = {};
let firstNew = null;
let opened = null;
let wantsTour = false;
let attempts = 0;

const send = connect(hear, (problem) => {
  $("problem-text").textContent = problem ?? "";
  $("problem").hidden = !problem;
});
const line = composer(
  (text) => {
    $("problem").hidden = true;
    if (isHome) openApp(false);
    send({ do: "type", line: text, channel: place });
  },
  () => send({ do: "shortcut" }),
);
const tour = guidedTour({ composer: line, buttons: () => buttons, reset });

function hear(news) {
  if (news.completions) {
    // A new connection gets everything again, perhaps from another sandbox.
    traffic.clear();
    marks.forget();
    opened = null;
    line.offer(news.completions);
    buttons = news.buttons;
    return;
  }
  const isReset = told !== null && told.resets !== news.resets;
  told = news;
  if (isReset) startAgain();
  traffic.add(told.traffic);
  show();
}

function startAgain() {
  traffic.clear();
  opened = null;
  say("The sandbox is back at its start.");
  goTo(START);
}

function show() {
  if (!conversations(told).some(({ id }) => id === place)) place = START;
  openPlace();
  marks.read(told, place);
  showPeople(told);
  showConversations(told, place, marks, goTo);
  showMessages($("messages"), told, place, firstNew, send);
  showHome($("home"), told, send);
  showModals(told.modals, { people: told.people, channels: told.channels, send }, tour.comeAlong);
  showCatalogue($("catalogue"), told.catalogue, (command) => {
    closeDrawer();
    line.submit(command);
  });
  if (wantsTour) startTour();
  tour.look(told, place);
}

// Runs once each time a person comes to a conversation: marks the new messages and sets the heading.
function openPlace() {
  const key = `${told.resets} ${told.me} ${place}`;
  if (key === opened) return;
  if (!opened) marks.read(told, place);
  opened = key;
  firstNew = marks.unread(told, place)[0]?.ts ?? null;
  const here = conversations(told).find(({ id }) => id === place);
  $("place").textContent = `${here.isChannel ? "# " : ""}${here.name}`;
  $("topic").textContent = here.topic;
  line.placeholder(`Message ${here.isChannel ? "#" : ""}${here.name}`);
  $("messages").replaceChildren(intro(here, startTour));
  $("views").hidden = place !== APP;
}

function goTo(where) {
  closeDrawer();
  place = where;
  openApp(false);
}

function openApp(home) {
  isHome = home;
  if (home) {
    place = APP;
    send({ do: "home" });
  }
  $("home").hidden = !home;
  $("messages").hidden = home;
  for (const button of $("views").children) {
    if ((button.dataset.view === "home") === home) button.setAttribute("aria-current", "page");
    else button.removeAttribute("aria-current");
  }
  if (told) show();
}

function become(user) {
  location.hash = user;
  send({ do: "become", user });
  if (isHome) send({ do: "home" });
}

function reset() {
  tour.leave();
  closeDrawer();
  send({ do: "reset" });
}

// The tour needs a person who may do everything, and a token. It waits for both.
function startTour() {
  closeDrawer();
  const admin = told.people.find((person) => person.admin);
  const isReady = admin?.id === told.me && told.catalogue.tokens.length > 0 && place === START && !isHome;
  attempts = isReady ? 0 : attempts + 1;
  wantsTour = !isReady && attempts < MOST_ATTEMPTS;
  if (isReady) {
    selectTab("tab-traffic");
    tour.start(told, place);
  } else if (!wantsTour || !admin) say("The tour needs an admin and a token. Start the sandbox without --seed.");
  else if (admin.id !== told.me) become(admin.id);
  else if (!told.catalogue.tokens.length) send({ do: "reset" });
  else goTo(START);
}

function say(text) {
  const toast = $("toast");
  toast.textContent = text;
  toast.classList.remove("shown");
  requestAnimationFrame(() => toast.classList.add("shown"));
}

drawers();
stayAtEnd($("messages"));
$("people").addEventListener("change", (event) => become(event.target.value));
$("tour-again").addEventListener("click", startTour);
$("reset").addEventListener("click", reset);
$("problem").querySelector("button").addEventListener("click", () => { $("problem").hidden = true; });
for (const button of $("views").children) button.addEventListener("click", () => openApp(button.dataset.view === "home"));
if (location.hash) send({ do: "become", user: location.hash.slice(1) });
line.focus();
