"""What a provider sent beside the token, with everything that may be secret hidden."""

import json
import re
from collections.abc import Mapping

from bot.slack import mrkdwn
from bot.ui import parts

HIDDEN = "••••••••"
MOST_SHOWN = 20
_LONGEST_KEY = 60
_LONGEST_VALUE = 200
_DEEPEST = 6
_TELLING_PIECE = 16

_SECRET_WORDS = (
    "token|secret|passw|passphrase|pwd|key|code|assertion|credential|signature|cookie|session|auth|jwt|otp|cert|private"
)
_SECRET_KEY = re.compile(_SECRET_WORDS, re.IGNORECASE)
_BETWEEN_PARAMETERS = re.compile(r"[?&#;\s]")
_URL_WITH_PASSWORD = re.compile(r"//[^/\s@]{1,300}@")
_JWT = re.compile(r"eyJ[\w-]+\.[\w-]+\.")
_TOKEN_TYPE = re.compile(r"[A-Za-z-]{1,20}")


def extras_block(extras: Mapping[str, object], token: str) -> parts.Block:
    """Return a list of the provider's other fields, of which there are some."""
    items = [
        [
            parts.literal(mrkdwn.clip(_visible_text(str(key), token), _LONGEST_KEY) or "(no name)", is_bold=True),
            parts.literal(": "),
            parts.literal(_shown(str(key), value, token), is_code=True),
        ]
        for key, value in list(extras.items())[:MOST_SHOWN]
    ]
    left_out = len(extras) - MOST_SHOWN
    if left_out > 0:
        items.append([parts.literal(f"and {left_out} more")])
    return parts.bullets([parts.literal("Also sent by the provider:")], items)


def _shown(key: str, value: object, token: str) -> str:
    visible = _visible(key, value, token, _DEEPEST)
    text = visible if isinstance(visible, str) else json.dumps(visible, ensure_ascii=False)
    return mrkdwn.clip(" ".join(text.split()), _LONGEST_VALUE) or "(empty)"


def _visible(key: str, value: object, token: str, depth: int) -> object:
    """The value with its secrets hidden, at every depth."""
    if value is None or value == "":
        return value
    if _SECRET_KEY.search(key) and not _is_token_type(key, value):
        return HIDDEN
    if isinstance(value, Mapping | list) and depth == 0:
        return HIDDEN
    if isinstance(value, Mapping):
        # A name can hide a secret as well as a value can.
        return {
            _visible_text(str(name), token): _visible(str(name), inner, token, depth - 1)
            for name, inner in list(value.items())[:MOST_SHOWN]
        }
    if isinstance(value, list):
        return [_visible(key, inner, token, depth - 1) for inner in value[:MOST_SHOWN]]
    return _visible_text(value, token) if isinstance(value, str) else value


def _visible_text(text: str, token: str) -> str:
    # No more than this is ever shown, with room for a secret that begins in what is.
    looked_at = text[: _LONGEST_VALUE * 2]
    is_secret = (
        _tells(looked_at, token)
        or _JWT.search(looked_at)
        or _URL_WITH_PASSWORD.search(looked_at)
        or any(_is_secret_parameter(part) for part in _BETWEEN_PARAMETERS.split(looked_at))
    )
    return HIDDEN if is_secret else looked_at


def _is_secret_parameter(part: str) -> bool:
    name, equals, _ = part.partition("=")
    return bool(equals) and _SECRET_KEY.search(name) is not None


def _tells(text: str, token: str) -> bool:
    """Whether the text holds the token, or a piece of it long enough to matter."""
    piece = min(_TELLING_PIECE, len(token))
    return any(text[start : start + piece] in token for start in range(len(text) - piece + 1))


def _is_token_type(key: str, value: object) -> bool:
    # RFC 6749, 5.1: how the token is used, such as "Bearer".
    return key == "token_type" and isinstance(value, str) and _TOKEN_TYPE.fullmatch(value) is not None
