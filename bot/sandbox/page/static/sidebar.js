// The conversations, their unread messages, and the current person.

import { make } from "./dom.js";

const DIRECT = { id: "D0EXTAUTH", name: "Extauth", topic: "Your conversation with the bot" };

const number = (ts) => Number(ts.split(".")[1]);

export function conversations(told) {
  return [...told.channels.map((channel) => ({ ...channel, isChannel: true })), DIRECT];
}

// The newest message that each person has seen in a conversation, by its number.
export function readMarks() {
  const marks = new Map();
  const key = (told, place) => `${told.resets} ${told.me} ${place}`;
  const isNew = (told, place) => (message) =>
    message.channel === place && message.kind !== "typed" && message.author !== told.me && number(message.ts) > (marks.get(key(told, place)) ?? 0);
  return {
    forget: () => marks.clear(),
    unread: (told, place) => told.messages.filter(isNew(told, place)),
    read(told, place) {
      const numbers = told.messages.filter(({ channel }) => channel === place).map(({ ts }) => number(ts));
      marks.set(key(told, place), Math.max(0, marks.get(key(told, place)) ?? 0, ...numbers));
    },
  };
}

export function showConversations(told, place, marks, goTo) {
  let total = 0;
  for (const conversation of conversations(told)) {
    const list = document.getElementById(conversation.isChannel ? "channels" : "apps");
    const unread = conversation.id === place ? 0 : marks.unread(told, conversation.id).length;
    total += unread;
    const button = list.querySelector(`[data-place="${conversation.id}"]`) ?? entry(list, conversation, goTo);
    button.toggleAttribute("data-unread", unread > 0);
    if (conversation.id === place) button.setAttribute("aria-current", "page");
    else button.removeAttribute("aria-current");
    const badge = [make("span", { class: "count", "aria-hidden": "true" }, String(unread)), make("span", { class: "unseen" }, `, ${unread} new`)];
    button.querySelector(".new").replaceChildren(...(unread ? badge : []));
  }
  const known = new Set(conversations(told).map(({ id }) => id));
  for (const button of document.querySelectorAll("#sidebar [data-place]")) if (!known.has(button.dataset.place)) button.parentElement.remove();
  document.title = `${total ? `(${total}) ` : ""}Extauth sandbox`;
  document.getElementById("open-sidebar").toggleAttribute("data-unread", total > 0);
}

function entry(list, { id, name, isChannel }, goTo) {
  const sign = isChannel ? make("span", { class: "sign", "aria-hidden": "true" }, "#") : make("img", { class: "sign", src: "/page/icon.svg", alt: "" });
  const button = make("button", { type: "button", "data-place": id, onclick: () => goTo(id) }, sign, make("span", { class: "name" }, name), make("span", { class: "new" }));
  list.append(make("li", {}, button));
  return button;
}

export function showPeople(told) {
  const select = document.getElementById("people");
  const wanted = told.people.map(({ id }) => id).join();
  if (select.dataset.people !== wanted) {
    select.replaceChildren(...told.people.map(({ id, name }) => make("option", { value: id }, name)));
    select.dataset.people = wanted;
  }
  select.value = told.me;
}
