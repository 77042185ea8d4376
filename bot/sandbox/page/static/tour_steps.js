// The six steps of the tour. Each says what to do and why, and detects in the workspace that it was done.

const AUDIT = "C0AUDIT";
const ERROR = "EtErr.not_allowed_token_type";

const number = ({ ts }) => Number(ts.split(".")[1]);
const actions = (message) => (message.blocks ?? []).flatMap(({ elements }) => elements ?? []).map((element) => element.action_id);
const answers = ({ told, since }) => told.messages.filter((message) => ["private", "error"].includes(message.kind) && number(message) > since);
const hasButton = (tour, name) => (message) => actions(message).includes(tour.buttons[name]);

// The newest button with that action, or the composer, which leads to it.
function button(tour, name) {
  return [...document.querySelectorAll(`#messages [data-action="${CSS.escape(tour.buttons[name])}"]`)].at(-1) ?? tour.composer;
}

export const STEPS = [
  {
    title: "Get a token",
    text: () => "Send this command. Slack keeps the token, and Extauth asks for it by its ID.",
    command: ({ token }) => `/extauth get ${token}`,
    target: ({ composer }) => composer,
    isDone: (tour) => answers(tour).some(hasButton(tour, "show")),
  },
  {
    title: "Show it",
    text: ({ modal }) => (modal ? "Only this modal ever holds the whole token. Close it to go on." : "The message masks the token, so nobody reads it over your shoulder. Press the button to see it whole."),
    target: (tour) => (tour.modal ? tour.modal.querySelector("pre") : button(tour, "show")),
    isDone(tour) {
      tour.hasShown ||= Boolean(tour.modal?.querySelector("pre"));
      return tour.hasShown && !tour.modal;
    },
  },
  {
    title: "Refresh it",
    text: () => "Press the button to refresh the token, even though it hasn't expired. The new one takes the message's place.",
    target: (tour) => button(tour, "refresh"),
    isDone: (tour) => answers(tour).some(hasButton(tour, "show")),
  },
  {
    title: "Meet an error",
    text: () => "Send this one to run into an error on purpose. The answer says what happened, and who can fix it.",
    command: () => `/extauth get ${ERROR}`,
    target: ({ composer }) => composer,
    isDone: (tour) => answers(tour).length > 0,
  },
  {
    title: "Delete the token",
    text: ({ modal }) => (modal ? "Read what will stop working, then confirm." : "Press the button to delete the token on Slack's side. Extauth asks before it does."),
    target: (tour) => (tour.modal ? tour.modal.querySelector("footer [type=submit]") : button(tour, "delete")),
    isDone: (tour) => !tour.told.catalogue.tokens.some(({ id }) => id === tour.token) && !tour.modal,
  },
  {
    title: "Read the audit log",
    text: () => "Open #audit. Everything you did left a line there, and none holds a secret.",
    target: () => [...document.querySelectorAll(`#sidebar:not([inert]) [data-place="${AUDIT}"], #open-sidebar`)].find((one) => one.offsetParent),
    isDone: ({ place, told }) => place === AUDIT && told.messages.some(({ channel, text }) => channel === AUDIT && text.includes(told.me)),
  },
];
