"""Slack's escaping of a command's text before the app gets it.

https://docs.slack.dev/interactivity/implementing-slash-commands#defining_slash_command
https://docs.slack.dev/messaging/formatting-message-text#escaping
"""

import re
from collections.abc import Iterable

from bot.sandbox.slack.channels import Channel
from bot.sandbox.slack.state import Person

_DOMAIN = r"(?:[a-z0-9-]+\.)+(?:com|net|org|io|dev|app|ai|co|edu|gov)\b"
_FOUND = re.compile(
    r"(?P<url>https?://[^\s<>\"'`]*[^\s<>\"'`.,;:!?)])"
    rf"|(?P<email>[\w.+-]+@{_DOMAIN})"
    rf"|(?<![\w.@/-])(?P<domain>{_DOMAIN}(?:/[^\s<>\"'`]*[^\s<>\"'`.,;:!?)])?)(?![\w@-])"
    r"|(?<![\w.@#/-])(?P<name>[@#][\w.-]*\w)",
    re.IGNORECASE | re.ASCII,
)


def entities(text: str) -> str:
    """Escape the three characters of Slack's markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def escape(text: str, people: Iterable[Person], channels: Iterable[Channel]) -> str:
    """Escape a command's text as for an app with `should_escape` in its manifest.

    Names of people and channels become IDs, and URLs get angle brackets. An unknown name doesn't change.
    """
    named = {f"@{person.handle}": f"<@{person.user_id}|{person.handle}>" for person in people}
    named |= {f"#{channel.name}": f"<#{channel.channel_id}|{channel.name}>" for channel in channels}
    pieces, end = [], 0
    for match in _FOUND.finditer(text):
        pieces += [entities(text[end : match.start()]), _sequence(match, named)]
        end = match.end()
    return "".join([*pieces, entities(text[end:])])


def _sequence(match: re.Match[str], named: dict[str, str]) -> str:
    typed = entities(match[0])
    if match["url"]:
        return f"<{typed}>"
    if match["email"]:
        return f"<mailto:{typed}|{typed}>"
    return f"<http://{typed}|{typed}>" if match["domain"] else named.get(match[0].lower(), typed)
