// The text at the very beginning of a conversation. The first screen explains the sandbox.

import { make } from "./dom.js";

export function intro({ id, name, topic, isChannel }, startTour) {
  if (id === "C0GENERAL") {
    return make(
      "section",
      { class: "intro welcome", "aria-labelledby": "welcome" },
      make("h3", { id: "welcome" }, "Try Extauth without a workspace"),
      make("p", {}, "Extauth fetches and deletes the tokens Slack keeps."),
      make("p", {}, "The bot is real. The workspace is simulated."),
      make("p", {}, "Type ", make("code", {}, "/extauth help"), ", or take the six-step tour."),
      make("p", { class: "actions" }, make("button", { type: "button", class: "primary", id: "start-tour", onclick: startTour }, "Take the tour")),
    );
  }
  const beginning = isChannel ? `This is the very beginning of #${name}` : "This is your conversation with Extauth";
  return make("section", { class: "intro" }, make("h3", {}, beginning), make("p", {}, `${topic}.`));
}
