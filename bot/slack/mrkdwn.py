"""Functions that make untrusted text safe in Slack's mrkdwn.

https://docs.slack.dev/messaging/formatting-message-text
"""

from bot.ids import CHANNEL_ID, GROUP_ID, USER_ID

MAX_TEXT = 3000
"""Maximum characters in a section block's text. https://docs.slack.dev/reference/block-kit/blocks/section-block"""
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def clip(text: str, limit: int) -> str:
    """Shorten text to at most `limit` characters, with an ellipsis if it was cut."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def escape(text: str, limit: int = MAX_TEXT) -> str:
    """Return mrkdwn that shows the text unchanged, shortened to at most `limit` characters after escaping.

    https://docs.slack.dev/messaging/formatting-message-text#escaping
    """
    escaped: list[str] = []
    length = 0
    for character in text:
        piece = _ESCAPES.get(character, character)
        length += len(piece)
        if length > limit - 1:
            return "".join(escaped) + "…"
        escaped.append(piece)
    return "".join(escaped)


def code(text: str, limit: int = MAX_TEXT) -> str:
    """Return the text in a code span, with quotes in place of backticks, which mrkdwn can't escape."""
    one_line = " ".join(text.replace("`", "'").split())
    return f"`{escape(one_line, limit - 2)}`" if one_line else ""


def mention(contact: str | None) -> str:
    """Return the person, user group, channel, or link in `EXTAUTH_CONTACT` as mrkdwn; without one, an admin."""
    if contact is None:
        return "a workspace admin"
    for form, sign in ((USER_ID, "@"), (GROUP_ID, "!subteam^"), (CHANNEL_ID, "#")):
        if form.fullmatch(contact):
            return f"<{sign}{contact}>"
    return f"<{escape(contact)}>"
