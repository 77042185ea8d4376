"""The audit log, as people read it."""

import re

from bot.audit.entries import Entry, ReadHistory
from bot.service import HistoryPage
from bot.slack import mrkdwn
from bot.ui import parts
from bot.ui.buttons import UnreadableValue
from bot.ui.screen import Screen

MORE_BUTTON = "history_more"
MAX_COUNT = 25
_MORE_VALUE = re.compile(r"([1-9]\d{0,17}) (\d{1,2})", re.ASCII)
_OUTCOMES = {"fetched": "fetched", "deleted": "deleted", "listed": "listed", "denied": "*denied*", "pruned": "pruned"}


def history_screen(page: HistoryPage) -> Screen:
    """Return a page of it, newest first, with a button for what is older."""
    if not page.entries:
        older = " older" if page.request.before is not None else ""
        nothing = f"The audit log has no{older} entries for this workspace."
        return Screen("Audit log", nothing, (parts.paragraph(nothing),))
    title = _title(page)
    blocks: list[parts.Block] = [parts.paragraph(f"*{title}*")]
    blocks += [parts.paragraph(_line(entry)) for entry in page.entries]
    if not page.is_last:
        value = f"{page.entries[-1].number} {page.request.count}"
        blocks.append(parts.actions(parts.button("Older", MORE_BUTTON, value)))
    blocks.append(parts.small_print(f"Only you can see this. Reference {page.reference}"))
    return Screen("Audit log", title, tuple(blocks))


def read_more(value: object) -> ReadHistory:
    """Read which page the button asks for. Raises UnreadableValue."""
    match = _MORE_VALUE.fullmatch(value) if isinstance(value, str) else None
    if match is None or not 0 < int(match[2]) <= MAX_COUNT:
        raise UnreadableValue("The button's value isn't one of this bot's.")
    return ReadHistory(int(match[2]), before=int(match[1]))


def _title(page: HistoryPage) -> str:
    count = len(page.entries)
    which = "Older" if page.request.before is not None else "Last"
    return f"{which} {count} audit log entries" if count != 1 else f"{which} audit log entry"


def _line(entry: Entry) -> str:
    when = parts.moment(entry.at, "{ago}, {date_short_pretty} {time}")
    who = f"<@{entry.user_id}>" if entry.user_id else "from the command line"
    what = " ".join([entry.action, *(mrkdwn.code(str(value), 300) for value in entry.parameters.values())])
    return f"{when} · {who} · {what} · {_outcome(entry)} · {mrkdwn.escape(entry.reference, 40)}"


def _outcome(entry: Entry) -> str:
    if entry.outcome is None:
        return "*in progress, or the result isn't recorded*"
    if entry.outcome == "failed":
        return f"failed: {mrkdwn.code(entry.code or '?', 100)}"
    reason = f" ({mrkdwn.escape(entry.code, 100)})" if entry.code else ""
    return f"{_OUTCOMES.get(entry.outcome, mrkdwn.escape(entry.outcome, 40))}{reason}"
