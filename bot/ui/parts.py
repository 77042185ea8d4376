"""The few blocks that everything else is built from.

Limits are those of https://docs.slack.dev/reference/block-kit/blocks.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum

from slack_sdk.models.blocks import (
    ContextBlock,
    MarkdownTextObject,
    PlainTextObject,
    RichTextBlock,
    RichTextElementParts,
    RichTextListElement,
    RichTextPreformattedElement,
    RichTextSectionElement,
    SectionBlock,
    TextObject,
)

from bot.pasted import quote
from bot.slack import mrkdwn

MAX_SMALL_PRINT = 1500


class Mark(StrEnum):
    """How it went, before a title. Readable without color."""

    DONE = "✓"
    UNSURE = "⚠"
    FAILED = "✕"


def heading(mark: Mark, title: str, subject: str = "") -> SectionBlock:
    """The first line of an answer: how it went, its title, and what it is about. `title` and `subject` are mrkdwn."""
    return paragraph(f"{mark} *{title}*" + (f"  {subject}" if subject else ""))


def paragraph(text: str) -> SectionBlock:
    """A block of mrkdwn, which is ours or was escaped."""
    return SectionBlock(text=MarkdownTextObject(text=text, verbatim=True))


def plain_paragraph(text: str) -> SectionBlock:
    """A block of text from outside, in which nothing is markup."""
    return SectionBlock(text=PlainTextObject(text=mrkdwn.clip(text, mrkdwn.MAX_TEXT), emoji=False))


def small_print(*lines: str, quote: str = "") -> ContextBlock:
    """Grey lines under an answer: mrkdwn of ours, and a text from outside, in which nothing is markup."""
    elements: list[TextObject] = [MarkdownTextObject(text=line, verbatim=True) for line in lines]
    if quote:
        elements.append(PlainTextObject(text=mrkdwn.clip(quote, MAX_SMALL_PRINT), emoji=False))
    return ContextBlock(elements=elements)


def literal(text: str, *, is_code: bool = False, is_bold: bool = False) -> RichTextElementParts.Text:
    """Text that Slack shows character by character, with no markup to escape."""
    style = RichTextElementParts.TextStyle(code=is_code or None, bold=is_bold or None)
    return RichTextElementParts.Text(text=text, style=style if is_code or is_bold else None)


def line(*texts: RichTextElementParts.Text) -> RichTextSectionElement:
    """One line of literal texts."""
    return RichTextSectionElement(elements=list(texts))


def lines(*elements: RichTextSectionElement) -> RichTextBlock:
    """A block of such lines."""
    return RichTextBlock(elements=list(elements))


def bullets(heading: RichTextSectionElement, items: Iterable[RichTextSectionElement]) -> RichTextBlock:
    """A heading and a list of lines."""
    return RichTextBlock(elements=[heading, RichTextListElement(style="bullet", elements=list(items))])


def copyable(text: str) -> RichTextBlock:
    """Text to be selected and copied exactly, whatever characters it has."""
    return RichTextBlock(elements=[RichTextPreformattedElement(elements=[literal(text)])])


def subject(arguments: Mapping[str, str | bool]) -> str:
    """What a request names, as mrkdwn: a token ID, or all tokens of a provider, an app, or both. Empty for none."""
    return _subject(arguments, lambda value: mrkdwn.code(quote(value)))


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


def duration(seconds: int) -> str:
    """A wait in words."""
    if seconds < 120:
        return f"{seconds} second{'' if seconds == 1 else 's'}"
    minutes = -(-seconds // 60)
    return f"{minutes} minutes" if minutes < 120 else f"{-(-minutes // 60)} hours"


def moment(at: float, form: str = "{date_short_pretty} at {time}") -> str:
    """A time (seconds since the epoch, UTC) in the reader's time zone, as mrkdwn.

    https://docs.slack.dev/messaging/formatting-message-text#date-formatting
    """
    fallback = datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"<!date^{int(at)}^{form}|{fallback}>"
