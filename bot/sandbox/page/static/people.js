// Names and avatars.

import { make } from "./dom.js";

export const BOT = "U0EXTAUTH";
const TINTS = 6;

// “Ada (admin)” signs as Ada.
export function shortName(name) {
  return name.replace(/\s*\([^()]*\)$/, "") || name;
}

export function nameOf(people, id) {
  if (id === BOT) return "Extauth";
  const person = people.find((one) => one.id === id);
  return person ? shortName(person.name) : id;
}

export function avatar(people, id) {
  if (id === BOT) return make("img", { class: "avatar", src: "/page/icon.svg", alt: "" });
  const tint = [...id].reduce((sum, character) => sum + character.codePointAt(0), 0) % TINTS;
  const [initial] = nameOf(people, id);
  return make("span", { class: `avatar tint-${tint}`, "aria-hidden": "true" }, initial.toUpperCase());
}
