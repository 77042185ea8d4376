// Emoji, which Slack writes as :names:. These are the ones that apps use to report a result.

const EMOJI = {
  arrows_counterclockwise: "🔄", bulb: "💡", closed_lock_with_key: "🔐", hourglass: "⌛", hourglass_flowing_sand: "⏳",
  information_source: "ℹ️", key: "🔑", lock: "🔒", mag: "🔍", no_entry: "⛔", no_entry_sign: "🚫", octagonal_sign: "🛑",
  rotating_light: "🚨", wastebasket: "🗑️", warning: "⚠️", white_check_mark: "✅", x: "❌", zap: "⚡",
};

export function emoji(text) {
  return text.replace(/:([a-z0-9_+-]+):/g, (written, name) => EMOJI[name] ?? written);
}
