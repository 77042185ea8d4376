"""The screen of the audit log, and the buttons for older and newer pages.

A button's value contains the request for its page. The value comes back from outside, so it is parsed strictly.
"""

import json
from dataclasses import replace
from typing import Any

from bot.audit.entries import Entry, ReadHistory, about, deed, doer
from bot.outcomes import HistoryPage
from bot.slack import mrkdwn
from bot.slack.external_auth.models import InvalidParameter
from bot.views import parts
from bot.views.buttons import UnreadableValue
from bot.views.parts import Screen

OLDER_BUTTON, NEWER_BUTTON = "history_older", "history_newer"


def history_screen(page: HistoryPage) -> Screen:
    """Return a page of the log, newest first, with buttons for older and newer entries."""
    request, title, numbers = page.request, _title(page), [entry.number for entry in page.entries]
    blocks = [parts.paragraph(f"*{title}*" if page.entries else title)]
    blocks += [parts.paragraph(entry_line(entry)) for entry in page.entries]
    # If the page's entries have been deleted, the request still shows where the page began.
    newest = max(numbers, default=(request.before or 1) - 1)
    buttons = []
    if page.has_newer and newest:
        newer = replace(request, before=None, after=newest)
        buttons.append(parts.button("Newer", NEWER_BUTTON, write_page(newer)))
    if page.has_older:
        older = replace(request, before=min(numbers), after=None)
        buttons.append(parts.button("Older", OLDER_BUTTON, write_page(older)))
    if buttons:
        blocks.append(parts.actions(*buttons))
    if page.entries:
        blocks.append(parts.small_print(f"Only you can see this. Reference {page.reference}"))
    return Screen("Audit log", title, tuple(blocks))


def write_page(request: ReadHistory) -> str:
    """Return the value of a button for a page."""
    places = {"before": request.before, "after": request.after}
    given = {name: place for name, place in places.items() if place is not None}
    return json.dumps({"count": request.count, **request.arguments(), **given}, separators=(",", ":"))


def read_page(value: object) -> ReadHistory:
    """Return the request for a page from a button's value. Raises UnreadableValue."""
    try:
        given: Any = json.loads(value) if isinstance(value, str) else None
        return ReadHistory(**given)
    except (InvalidParameter, TypeError, ValueError, RecursionError):
        raise UnreadableValue("The button's value isn't one of this bot's.") from None


def _title(page: HistoryPage) -> str:
    request, count = page.request, len(page.entries)
    is_by_person_alone = list(request.arguments()) == ["user_id"]
    found = f"{'' if is_by_person_alone else ' for'} {about(request.arguments())}" if request.arguments() else ""
    if not count:
        older = " older" if request.before is not None else ""
        return f"The audit log has no{older} entries{found} in this workspace."
    which = "Older" if request.before is not None else "Newer" if request.after is not None else "Last"
    return f"{which} {count} audit log entries{found}" if count != 1 else f"{which} audit log entry{found}"


def entry_line(entry: Entry) -> str:
    """Return an entry in one line: time, person, action, outcome, and reference."""
    when = parts.moment(entry.at, "{ago}, {date_short_pretty} {time}")
    what = deed(entry.action, entry.parameters, entry.outcome)
    if entry.outcome is None:
        ended = "*in progress, or the result isn't recorded*"
    elif entry.outcome == "failed":
        ended = f"failed: {mrkdwn.code(entry.code or '?', 100)}"
    else:
        reason = f" ({mrkdwn.escape(entry.code, 100)})" if entry.code else ""
        outcome = "*denied*" if entry.outcome == "denied" else mrkdwn.escape(entry.outcome, 40)
        ended = f"{outcome}{reason}"
    return f"{when} · {doer(entry.user_id)} · {what} · {ended} · {mrkdwn.escape(entry.reference, 40)}"
