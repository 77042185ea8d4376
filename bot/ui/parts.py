"""The few blocks that everything else is built from.

Limits are those of https://docs.slack.dev/reference/block-kit/blocks.
"""

from collections.abc import Iterable, Mapping

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


def what(arguments: Mapping[str, str | bool]) -> str:
    """What a deletion names, as mrkdwn: a token, or all tokens of a provider, an app, or both."""
    if "external_token_id" in arguments:
        return f"the token {mrkdwn.code(quote(str(arguments['external_token_id'])))}"
    owners = [
        f"{kind} {mrkdwn.code(quote(str(arguments[name])))}"
        for name, kind in (("provider_key", "the provider"), ("app_id", "the app"))
        if name in arguments
    ]
    return f"all tokens of {' in '.join(owners)}"
