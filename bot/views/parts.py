"""Screens, which are shown as messages or modals, and the blocks that they consist of, as Slack's JSON.

slack_sdk's models validate each object when it's built, which takes longer than all other work for a reply. Instead,
the tests validate every screen with these models, for typical and longest values. The limits are from
https://docs.slack.dev/reference/block-kit/blocks.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from bot.ids import TypedText
from bot.operation import Operation, Request
from bot.slack import mrkdwn

Block = dict[str, Any]
"""A block, or an element of a block. https://docs.slack.dev/reference/block-kit"""

View = dict[str, Any]
"""A modal, or the App Home. https://docs.slack.dev/reference/views"""

Line = Sequence[Block]
"""The elements of one line of rich text."""
DIVIDER: Block = {"type": "divider"}
MAX_SMALL_PRINT = 1500
MAX_VALUE = 2000
"""Maximum number of characters in the value of a button."""
_MAX_LABEL = 75


class Mark(StrEnum):
    """A mark before a title for the kind of result, which is readable without color."""

    DONE = "✓"
    UNSURE = "⚠"
    FAILED = "✕"


def heading(mark: Mark, title: str, subject: str = "") -> Block:
    """Build the first line of a screen, with a mark, a title, and a subject. `title` and `subject` are mrkdwn."""
    return paragraph(f"{mark} *{title}*" + (f"  {subject}" if subject else ""))


def paragraph(text: str, accessory: Block | None = None) -> Block:
    """Build a block of mrkdwn, with a button or menu beside it. Any text from outside must be escaped."""
    shown = {"type": "mrkdwn", "text": text, "verbatim": True}
    return {"type": "section", "text": shown, **({"accessory": accessory} if accessory is not None else {})}


def plain_text(text: str, *, emoji: bool = True) -> Block:
    """Build text without markup. For text from outside, `emoji` is False, so names of emoji stay as they are."""
    return {"type": "plain_text", "text": text, "emoji": emoji}


def plain_paragraph(text: str) -> Block:
    """Build a block of text from outside."""
    return {"type": "section", "text": plain_text(mrkdwn.clip(text, mrkdwn.MAX_TEXT), emoji=False)}


def small_print(*lines: str, quote: str = "") -> Block:
    """Build gray lines for the end of a screen from mrkdwn by Extauth, and a `quote` from outside without markup."""
    elements: list[Block] = [{"type": "mrkdwn", "text": line, "verbatim": True} for line in lines]
    if quote:
        elements.append(plain_text(mrkdwn.clip(quote, MAX_SMALL_PRINT), emoji=False))
    return {"type": "context", "elements": elements}


def literal(text: str, *, is_code: bool = False, is_bold: bool = False) -> Block:
    """Build text that Slack shows literally, so nothing in it has to be escaped."""
    style = {name: True for name, is_wanted in (("code", is_code), ("bold", is_bold)) if is_wanted}
    return {"type": "text", "text": text, **({"style": style} if style else {})}


def rich_text(*lines: Line) -> Block:
    """Build a block of lines of literal texts."""
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [*line]} for line in lines]}


def bullets(heading: Line, items: Iterable[Line]) -> Block:
    block = rich_text(heading)
    block["elements"].append({"type": "rich_text_list", "style": "bullet", "elements": rich_text(*items)["elements"]})
    return block


def copyable(text: str) -> Block:
    """Build a block of preformatted text, which people can copy without a change to any character."""
    return {"type": "rich_text", "elements": [{"type": "rich_text_preformatted", "elements": [literal(text)]}]}


def element(kind: str, action_id: str, **properties: object) -> Block:
    """Build an element of a block, without the properties that are None.

    https://docs.slack.dev/reference/block-kit/block-elements
    """
    given = {name: value for name, value in properties.items() if value is not None}
    return {"type": kind, "action_id": action_id, **given}


def option(label: str, value: str, description: str | None = None) -> Block:
    """Build an option of a menu or of checkboxes."""
    described = {"description": plain_text(description)} if description is not None else {}
    return {"text": plain_text(label), "value": value, **described}


def field(
    block_id: str, label: str, element: Block, hint: str | None = None, *, optional: bool = False, **properties: object
) -> Block:
    """Build an input block. https://docs.slack.dev/reference/block-kit/blocks/input-block"""
    block = {"type": "input", "block_id": block_id, "label": plain_text(label), "element": element}
    hinted = {"hint": plain_text(hint)} if hint is not None else {}
    return {**block, "optional": optional, **hinted, **properties}


def button(
    label: str, action_id: str, value: str | None = None, style: str | None = None, spoken: str | None = None
) -> Block:
    """Build a button for a block of `actions`. Screen readers read `spoken` instead of the label."""
    spoken = spoken and mrkdwn.clip(spoken, _MAX_LABEL)
    return element("button", action_id, text=plain_text(label), value=value, style=style, accessibility_label=spoken)


def link_button(label: str, action_id: str, url: str) -> Block:
    """Build a button that opens an address in the browser. Slack reports the click, too."""
    return element("button", action_id, text=plain_text(label), url=url, style="primary")


def actions(*buttons: Block) -> Block:
    return {"type": "actions", "elements": list(buttons)}


def subject(arguments: Mapping[str, str | TypedText | bool], *, plain: bool = False) -> str:
    """Return a request's subject: a token ID, or all tokens of a provider, an app, or both. It's empty without one.

    The subject is mrkdwn, or `plain` text for a notification.
    """
    quoted = {name: str(value) for name, value in arguments.items()}
    named = quoted if plain else {name: mrkdwn.code(value) for name, value in quoted.items()}
    if "external_token_id" in named:
        return named["external_token_id"]
    if "provider_key" in named:
        return f"all {named['provider_key']} tokens" + (f" of app {named['app_id']}" if "app_id" in named else "")
    return f"all tokens of app {named['app_id']}" if "app_id" in named else ""


def request_subject(request: Request, *, plain: bool = False) -> str:
    """Return a request's subject, as mrkdwn or plain. It's empty for the audit log, even if a token is named."""
    arguments = request.arguments()
    if request.operation is Operation.CONNECT:
        key = str(arguments.get("provider_key", ""))
        return key if plain else mrkdwn.code(key)
    return "" if request.operation is Operation.HISTORY else subject(arguments, plain=plain)


def count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def duration(seconds: int) -> str:
    """Return a duration in words."""
    if seconds < 120:
        return count(seconds, "second")
    minutes = -(-seconds // 60)
    return f"{minutes} minutes" if minutes < 120 else f"{-(-minutes // 60)} hours"


def moment(at: float, form: str = "{date_short_pretty} at {time}") -> str:
    """Return mrkdwn that Slack shows as a time in the reader's time zone. `at` is in seconds since the epoch, UTC.

    https://docs.slack.dev/messaging/formatting-message-text#date-formatting
    """
    fallback = datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"<!date^{int(at)}^{form}|{fallback}>"


@dataclass(frozen=True, slots=True)
class Screen:
    """The content of a message or a modal.

    `title` is the title of a modal (24 characters at most). `text` is the notification, which must make sense alone and
    never contain a secret. `is_failure` keeps the screen from replacing a message that is still useful. `modal_only`
    marks a screen with a token in full, which can't become a message.
    """

    title: str
    text: str
    blocks: tuple[Block, ...]
    is_failure: bool = False
    modal_only: bool = False


def notice(
    label: str, title: str, said: str, fine_print: str = "", *, subject: str = "", mark: Mark = Mark.FAILED
) -> Screen:
    """Return a screen with one short text. `label` is the title of a modal. `said` and `fine_print` are mrkdwn."""
    blocks = (
        heading(mark, title, subject),
        paragraph(said),
        *([small_print(fine_print)] if fine_print else []),
    )
    return Screen(label, title, blocks, is_failure=mark is not Mark.DONE)


def failed_line(label: str, said: str) -> Screen:
    """Return a screen with one line about a failure."""
    text = f"{Mark.FAILED} {said}"
    return Screen(label, text, (paragraph(text),), is_failure=True)


def as_message(screen: Screen) -> dict[str, Any]:
    """Return the `text` and `blocks` of a message. Raises ValueError for a screen that only a modal can show."""
    if screen.modal_only:
        raise ValueError("A screen that shows a token can't be a message.")
    return {"text": screen.text, "blocks": list(screen.blocks)}


def as_view(screen: Screen) -> View:
    """Return a modal that shows the screen and has no fields."""
    blocks = list(screen.blocks)
    return {"type": "modal", "title": plain_text(screen.title), "close": plain_text("Close"), "blocks": blocks}
