// The guided tour: a card that says the next step, offers the command, and waits for Extauth's real answer.

import { make } from "./dom.js";
import { STEPS } from "./tour_steps.js";

const card = document.getElementById("tour");
const number = ({ ts }) => Number(ts.split(".")[1]);

// `page` has the composer, the buttons' ids, and functions that act on the page.
export function guidedTour(page) {
  let tour = null;
  let target = null;

  function start(told, place) {
    tour = { step: 0, told, place, buttons: page.buttons(), composer: page.composer.element, token: told.catalogue.tokens[0].id, resets: told.resets, modal: null, since: 0, offered: "" };
    card.hidden = false;
    enter(0);
  }

  function enter(step) {
    tour.step = step;
    tour.since = Math.max(0, ...tour.told.messages.map(number));
    draw();
    if (step < STEPS.length) offer(false);
    else point();
  }

  // Fills in the command, unless the person is typing text of their own, and focuses the control to press.
  function offer(isAsked) {
    const command = STEPS[tour.step].command?.(tour);
    const isFree = ["", tour.offered].includes(page.composer.text());
    if (command && (isFree || isAsked)) {
      page.composer.put(command);
      tour.offered = command;
    }
    point();
    if (target && (isFree || isAsked) && !tour.modal) target.focus();
  }

  function point() {
    const next = STEPS[tour.step]?.target(tour) ?? null;
    if (next === target) return;
    target?.classList.remove("tour-target");
    target = next;
    target?.classList.add("tour-target");
    target?.scrollIntoView({ block: "nearest" });
  }

  function draw() {
    const isOver = tour.step === STEPS.length;
    const step = STEPS[tour.step];
    const buttons = isOver
      ? [button("Reset the sandbox", "", () => { leave(); page.reset(); }), button("Done", "primary", leave)]
      : [button("Leave the tour", "", leave), button(step.command ? "Fill it in" : "Take me there", "primary", () => offer(true))];
    card.querySelector("h2").textContent = isOver ? "That's the tour" : step.title;
    card.querySelector(".step").textContent = isOver ? "All six steps done" : `Step ${tour.step + 1} of ${STEPS.length}`;
    card.querySelector("progress").value = tour.step;
    card.querySelector(".actions").replaceChildren(...buttons);
    say();
    if (isOver) buttons[1].focus();
  }

  function say() {
    const over = "You fetched, showed, refreshed and deleted a token, and met an error. Go on with anything in the panel, or type a command of your own.";
    const text = STEPS[tour.step]?.text(tour) ?? over;
    const place = card.querySelector(".text");
    if (place.textContent !== text) place.textContent = text;
  }

  function button(label, kind, onclick) {
    return make("button", { type: "button", class: kind || "plain", onclick }, label);
  }

  function leave() {
    if (!tour) return;
    const isInCard = card.contains(document.activeElement);
    if (page.composer.text() === tour.offered) page.composer.put("");
    target?.classList.remove("tour-target");
    target = tour = null;
    card.hidden = true;
    if (isInCard) page.composer.focus();
  }

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && tour && !event.defaultPrevented && !document.querySelector("dialog[open]")) leave();
  });

  return {
    start,
    leave,
    isOn: () => tour !== null,
    // Checks the workspace after each change.
    look(told, place) {
      if (!tour) return;
      if (told.resets !== tour.resets) {
        leave();
        return;
      }
      Object.assign(tour, { told, place, modal: document.querySelector("dialog.modal") });
      if (tour.step === STEPS.length) return;
      if (STEPS[tour.step].isDone(tour)) enter(tour.step + 1);
      else {
        point();
        say();
      }
    },
    // The element in front holds the card, so that it can be reached there.
    comeAlong(top) {
      if (card.parentElement !== top) top.append(card);
    },
  };
}
