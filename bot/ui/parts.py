"""The few blocks that every screen is built from, as Slack's JSON.

slack_sdk's models check each object each time it's built, which takes longer than all else that answering takes. Here
the tests check, with those models: every screen, with typical and longest values. Limits are those of
https://docs.slack.dev/reference/block-kit/blocks.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from bot.ids import quote
from bot.operation import Operation, Request
from bot.slack import mrkdwn

Block = dict[str, Any]
"""A block, or an element of one. https://docs.slack.dev/reference/block-kit"""

DIVIDER: Block = {"type": "divider"}
MAX_SMALL_PRINT = 1500
MAX_VALUE = 2000
"""The longest value of a button."""
_MAX_LABEL = 75


class Mark(StrEnum):
    """How it went, before a title. Readable without color."""

    DONE = "✓"
    UNSURE = "⚠"
    FAILED = "✕"


def heading(mark: Mark, title: str, subject: str = "") -> Block:
    """The first line of an answer: how it went, its title, and what it is about. `title` and `subject` are mrkdwn."""
    return paragraph(f"{mark} *{title}*" + (f"  {subject}" if subject else ""))


def paragraph(text: str, accessory: Block | None = None) -> Block:
    """A block of mrkdwn, which is ours or was escaped, with a button or menu beside it."""
    return {"type": "section", "text": _mrkdwn(text), **({"accessory": accessory} if accessory is not None else {})}


def plain_paragraph(text: str) -> Block:
    """A block of text from outside, in which nothing is markup."""
    return {"type": "section", "text": _plain_text(mrkdwn.clip(text, mrkdwn.MAX_TEXT), emoji=False)}


def small_print(*lines: str, quote: str = "") -> Block:
    """Grey lines under an answer: mrkdwn of ours, and a text from outside, in which nothing is markup."""
    elements = [_mrkdwn(line) for line in lines]
    if quote:
        elements.append(_plain_text(mrkdwn.clip(quote, MAX_SMALL_PRINT), emoji=False))
    return {"type": "context", "elements": elements}


def literal(text: str, *, is_code: bool = False, is_bold: bool = False) -> Block:
    """Text that Slack shows character by character, with no markup to escape."""
    style = {name: True for name, is_wanted in (("code", is_code), ("bold", is_bold)) if is_wanted}
    return {"type": "text", "text": text, **({"style": style} if style else {})}


def line(*texts: Block) -> Block:
    """One line of literal texts."""
    return {"type": "rich_text_section", "elements": list(texts)}


def lines(*elements: Block) -> Block:
    """A block of such lines."""
    return {"type": "rich_text", "elements": list(elements)}


def bullets(heading: Block, items: Iterable[Block]) -> Block:
    """A heading and a list of lines."""
    return lines(heading, {"type": "rich_text_list", "style": "bullet", "elements": list(items)})


def copyable(text: str) -> Block:
    """Text to be selected and copied exactly, whatever characters it has."""
    return lines({"type": "rich_text_preformatted", "elements": [literal(text)]})


def button(
    label: str, action_id: str, value: str | None = None, style: str | None = None, spoken: str | None = None
) -> Block:
    """A button, for `actions`. `spoken` is what a screen reader says instead of the label."""
    named = {"value": value, "style": style, "accessibility_label": spoken and mrkdwn.clip(spoken, _MAX_LABEL)}
    more = {name: given for name, given in named.items() if given is not None}
    return {"type": "button", "text": _plain_text(label, emoji=True), "action_id": action_id, **more}


def overflow(action_id: str, options: Iterable[tuple[str, str]]) -> Block:
    """A menu behind an ellipsis, of at most five labels and values, for `paragraph`."""
    built = [{"text": _plain_text(label, emoji=True), "value": value} for label, value in options]
    return {"type": "overflow", "action_id": action_id, "options": built}


def actions(*buttons: Block) -> Block:
    """A row of buttons."""
    return {"type": "actions", "elements": list(buttons)}


def _mrkdwn(text: str) -> Block:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _plain_text(text: str, *, emoji: bool) -> Block:
    return {"type": "plain_text", "text": text, "emoji": emoji}


def subject(arguments: Mapping[str, str | bool]) -> str:
    """What a request names, as mrkdwn: a token ID, or all tokens of a provider, an app, or both. Empty for none."""
    return _subject(arguments, lambda value: mrkdwn.code(quote(value)))


def request_subject(request: Request) -> str:
    """What a request names, as mrkdwn. Reading the audit log is about the log, whatever is looked for."""
    return "" if request.operation is Operation.HISTORY else subject(request.arguments())


def plain_subject(arguments: Mapping[str, str | bool]) -> str:
    """The same as plain text, for a notification."""
    return _subject(arguments, quote)


def _subject(arguments: Mapping[str, str | bool], shown: Callable[[str], str]) -> str:
    named = {name: shown(str(value)) for name, value in arguments.items()}
    if "external_token_id" in named:
        return named["external_token_id"]
    if "provider_key" in named:
        return f"all {named['provider_key']} tokens" + (f" of app {named['app_id']}" if "app_id" in named else "")
    return f"all tokens of app {named['app_id']}" if "app_id" in named else ""


def count(number: int, noun: str) -> str:
    """How many there are."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def duration(seconds: int) -> str:
    """A wait in words."""
    if seconds < 120:
        return count(seconds, "second")
    minutes = -(-seconds // 60)
    return f"{minutes} minutes" if minutes < 120 else f"{-(-minutes // 60)} hours"


def moment(at: float, form: str = "{date_short_pretty} at {time}") -> str:
    """A time (seconds since the epoch, UTC) in the reader's time zone, as mrkdwn.

    https://docs.slack.dev/messaging/formatting-message-text#date-formatting
    """
    fallback = datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"<!date^{int(at)}^{form}|{fallback}>"
