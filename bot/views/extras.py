"""The other fields that a provider sends with a token. A value is shown only if it can't be a secret."""

import json
import re
from collections.abc import Mapping

from bot.ids import find_token, is_email
from bot.slack import mrkdwn
from bot.views import parts

HIDDEN = "••••••••"
MOST_SHOWN = 20
_LONGEST_KEY = 60
_LONGEST_SHOWN = 200
_LONGEST_VALUE = 400
_LONGEST_FIELD = 2000
"""Maximum number of characters in a value, as JSON. A longer value is hidden without a closer look."""
_DEEPEST = 6
_TELLING_PIECE = 16
_LONGEST_WORD = 20
_LONGEST_MIXED = 12
_LARGEST_NUMBER = 10**13
_LONGEST_TOKEN = 20_000
"""Maximum number of characters in a token whose pieces are searched for in texts. Otherwise, all texts are hidden."""

HARMLESS = frozenset(
    {
        *("token_type", "scope", "scopes", "granted_scopes", "expires_in", "expires_at", "expires", "ext_expires_in"),
        *("created_at", "issued_at", "updated_at", "expiration", "locale", "language", "timezone", "region"),
        *("instance_url", "api_domain", "hub_domain", "domain", "site", "host"),
        *("id", "user_id", "uid", "account_id", "team_id", "workspace_id", "org_id", "hub_id", "tenant_id", "bot_id"),
        *("app_id", "client_id", "resource_id", "owner_id", "type", "account_type", "plan", "status", "active"),
        *("name", "display_name", "username", "user", "login", "nickname", "email", "email_verified"),
        *("team_name", "workspace_name", "account_name", "org_name", "owner", "team", "workspace", "organization"),
        *("duplicated_template_id", "is_admin", "is_enterprise_install", "object", "person", "version"),
    }
)
"""Names of fields whose values may be shown, from OAuth's standard and from providers' documentation."""
_WORDS = re.compile(r"[\s,;]+")
_PIECES = re.compile(r"[._:/+-]+")
_PLAIN = re.compile(rf"(?:[A-Z]?[a-z]{{1,{_LONGEST_WORD}}}|[A-Z]{{1,{_LONGEST_WORD}}}|[0-9]{{1,13}})", re.ASCII)
_MIXED = re.compile(rf"[A-Za-z0-9]{{1,{_LONGEST_MIXED}}}", re.ASCII)
_KEY = re.compile(rf"[A-Za-z][A-Za-z_. -]{{0,{_LONGEST_KEY - 1}}}", re.ASCII)


def extras_block(extras: Mapping[str, object], token: str) -> parts.Block:
    """Return a block with the provider's other fields. `extras` must not be empty."""
    items = []
    for key, value in list(extras.items())[:MOST_SHOWN]:
        text = HIDDEN
        if len(json.dumps(value, default=str)) <= _LONGEST_FIELD:
            visible = _visible(str(key), value, token, _DEEPEST)
            text = visible if isinstance(visible, str) else json.dumps(visible, ensure_ascii=False)
        name = parts.literal(_shown_key(str(key), token) or "(no name)", is_bold=True)
        shown = mrkdwn.clip(" ".join(text.split()), _LONGEST_SHOWN) or "(empty)"
        items.append([name, parts.literal(": "), parts.literal(shown, is_code=True)])
    left_out = len(extras) - MOST_SHOWN
    if left_out > 0:
        items.append([parts.literal(f"and {left_out} more")])
    return parts.bullets([parts.literal("Also sent by the provider:")], items)


def _shown_key(key: str, token: str) -> str:
    """Return the name of a field, or `HIDDEN` if the name could be a secret."""
    return key if not key or (_KEY.fullmatch(key) and _is_harmless(key, token)) else HIDDEN


def _visible(key: str, value: object, token: str, depth: int) -> object:
    """Return the value, with everything at any depth hidden that isn't known to be harmless."""
    if value is None or value == "" or isinstance(value, bool):
        return value
    if isinstance(value, Mapping | list) and depth == 0:
        return HIDDEN
    if isinstance(value, Mapping):
        return {
            _shown_key(str(name), token): _visible(str(name), inner, token, depth - 1)
            for name, inner in list(value.items())[:MOST_SHOWN]
        }
    if isinstance(value, list):
        return [_visible(key, inner, token, depth - 1) for inner in value[:MOST_SHOWN]]
    if key.lower() not in HARMLESS:
        return HIDDEN
    if isinstance(value, str):
        return value if _is_harmless(value, token) else HIDDEN
    return value if isinstance(value, int | float) and abs(value) < _LARGEST_NUMBER else HIDDEN


def _is_harmless(text: str, token: str) -> bool:
    """Return whether a text consists only of words, numbers, short IDs, and addresses without secrets."""
    if len(text) > _LONGEST_VALUE or len(token) > _LONGEST_TOKEN or find_token(text) is not None:
        return False
    piece = min(_TELLING_PIECE, len(token))
    tells = any(text[start : start + piece] in token for start in range(len(text) - piece + 1))
    return not tells and all(_is_plain(word) for word in _WORDS.split(text) if word)


def _is_plain(word: str) -> bool:
    if is_email(word):
        return True
    scheme, address, rest = word.partition("://")
    if address:
        # A path without a digit names a scope, such as Google's, but any other path may be a webhook's secret.
        host, _, path = rest.partition("/")
        word = f"{scheme}.{host}" if not path else f"{scheme}.{host}.{path}"
        if any(character.isdigit() for character in path):
            return False
    mixed = [piece for piece in _PIECES.split(word) if piece and _PLAIN.fullmatch(piece) is None]
    return sum(map(len, mixed)) <= _LONGEST_MIXED and all(_MIXED.fullmatch(piece) for piece in mixed)
