"""The audit record, as people read it."""

from datetime import UTC, datetime

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement

from bot.audit import Entry
from bot.service import HistoryPage
from bot.ui import parts
from bot.ui.screen import Screen

MORE_BUTTON = "history_more"
MOST = 25
_ENDINGS = {"fetched": "fetched", "deleted": "deleted", "denied": "*denied*", "pruned": "pruned"}


def history_screen(page: HistoryPage, count: int) -> Screen:
    """A page of it, newest first, with a button for what is older."""
    if not page.entries:
        nothing = "There is nothing (more) on record for this workspace."
        return Screen("History", nothing, (parts.paragraph(nothing),))
    blocks: list[Block] = [parts.paragraph(f"*The newest {len(page.entries)} of what was done and refused here*")]
    blocks += [parts.paragraph(_line(entry)) for entry in page.entries]
    if not page.is_last:
        value = f"{page.entries[-1].number} {count}"
        blocks.append(ActionsBlock(elements=[ButtonElement(text="More", action_id=MORE_BUTTON, value=value)]))
    blocks.append(parts.small_print(f"Only you can see this. Reference {page.reference}"))
    return Screen("History", "The audit record", tuple(blocks))


def read_more(value: object) -> tuple[int, int]:
    """Before which entry, and how many. Raises ValueError."""
    before, count = (int(part) for part in str(value).split(" "))
    if not 0 < count <= MOST or before < 1:
        raise ValueError("The button's value is not one of this bot's.")
    return before, count


def _line(entry: Entry) -> str:
    at = int(entry.at)
    fallback = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    when = f"<!date^{at}^{{ago}}, {{date_short_pretty}} {{time}}|{fallback}>"
    who = f"<@{entry.user_id}>" if entry.user_id else "the operator"
    what = " ".join(parts.code(str(value), 300) for value in entry.parameters.values())
    return f"{when} · {who} · {entry.action} {what} · {_ending(entry)} · {parts.escape(entry.reference, 40)}"


def _ending(entry: Entry) -> str:
    if entry.outcome is None:
        return "*its ending is not on record*"
    if entry.outcome == "failed":
        return f"failed: {parts.code(entry.code or '?', 100)}"
    reason = f" ({parts.escape(entry.code, 100)})" if entry.code else ""
    return f"{_ENDINGS.get(entry.outcome, parts.escape(entry.outcome, 40))}{reason}"
