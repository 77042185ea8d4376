// Extauth's App Home, as it was published.

import { drawBlocks } from "./blocks.js";
import { make } from "./dom.js";

let drawn = null;

export function showHome(place, told, send) {
  const { home } = told;
  const key = `${told.resets} ${told.me} ${home?.hash}`;
  if (key === drawn) return;
  drawn = key;
  const press = (label) => send({ do: "press_in_view", view: home.id, label });
  const pick = (row, label) => send({ do: "pick_in_view", view: home.id, row, label });
  place.replaceChildren(...(home ? drawBlocks(home.content.blocks, { people: told.people, press, pick }) : [make("p", { class: "loading" }, "Loading…")]));
}
