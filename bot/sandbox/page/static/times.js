// Time stamps as people read them.

const DAY = 24 * 3600 * 1000;

const when = (ts) => new Date(Number(ts.split(".")[0]) * 1000);

export function clockTime(ts) {
  return when(ts).toLocaleTimeString("en-US", { hour: "numeric", minute: "2-digit" });
}

export function fullTime(ts) {
  return when(ts).toLocaleString("en-US", { dateStyle: "full", timeStyle: "medium" });
}

export function isoTime(ts) {
  return when(ts).toISOString();
}

export function dayOf(ts) {
  const day = when(ts).toDateString();
  if (day === new Date().toDateString()) return "Today";
  if (day === new Date(Date.now() - DAY).toDateString()) return "Yesterday";
  return when(ts).toLocaleDateString("en-US", { weekday: "long", month: "long", day: "numeric" });
}
