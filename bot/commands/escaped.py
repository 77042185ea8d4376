"""What Slack makes of typed text before the bot gets it, undone.

With `should_escape` in the manifest, a person's name becomes `<@U…|name>`, a channel's `<#C…|name>`, and what looks
like an address `<https://…>`, `<http://example.com|example.com>` or `<mailto:…|…>`, even within an ID or a token. The
characters `&`, `<` and `>` that somebody typed are `&amp;`, `&lt;` and `&gt;`.
https://docs.slack.dev/interactivity/implementing-slash-commands#defining_slash_command
"""

import html
import re

from bot.ids import USER_ID

_SEQUENCE = re.compile(r"<([^<>|\s]*)(?:\|([^<>]*))?>")
_ENTITY = re.compile(r"&(?:amp|lt|gt);")


def unescape(text: str) -> str:
    """Return the text as it was typed, but for people: they are `@` and their user ID, whatever they are called."""
    # Slack escapes only these three; html.unescape would also touch what somebody typed as it stands.
    return _ENTITY.sub(lambda match: html.unescape(match[0]), _SEQUENCE.sub(_typed, text))


def _typed(match: re.Match[str]) -> str:
    target, label = match[1], match[2]
    if target.startswith("@") and USER_ID.fullmatch(target[1:]):
        return target
    if target[:1] in ("@", "#", "!"):
        name = (label or target[1:]).removeprefix(target[0])
        return name if name.startswith("@") else f"{'#' if target[0] == '#' else '@'}{name}"
    return label or target.removeprefix("mailto:")
