"""A fetched token: masked in a message, whole in a modal and nowhere else."""

from bot.ids import quote
from bot.outcomes import Fetched
from bot.slack import mrkdwn
from bot.slack.external_auth.models import DeleteTokens, GetToken
from bot.ui import buttons, parts
from bot.ui.buttons import Button
from bot.ui.extras import extras_blocks
from bot.ui.screen import Screen

DOTS = "••••••••"
_SHORTEST_PARTLY_SHOWN = 24
_LAST_SECOND = 253402300799  # of the year 9999: later is not a date, but a mistake or a joke


def mask(token: str) -> str:
    """Return the first and last four characters of a long token; nothing of a short one."""
    if len(token) < _SHORTEST_PARTLY_SHOWN:
        return DOTS
    return f"{token[:4]}{DOTS}{token[-4:]}"


def expiry(token: str) -> int | None:
    """Return when a token says it expires, in seconds since the epoch (UTC): a JWT's `exp`. Unverified, so a hint."""
    if token.count(".") != 2:
        return None
    import jwt  # noqa: PLC0415 (it loads all kinds of keys, and most tokens aren't JWTs)

    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError):
        return None
    at = claims.get("exp")
    if not isinstance(at, int | float) or isinstance(at, bool) or not 0 < at <= _LAST_SECOND:
        return None
    return int(at)


def masked_screen(fetched: Fetched) -> Screen:
    """Return the token masked, with what is known about it and the buttons to go on."""
    token = fetched.token.token.get_secret_value()
    token_id = fetched.request.external_token_id
    shown_id = quote(token_id)
    blocks: list[parts.Block] = [
        parts.heading(parts.Mark.DONE, _title(fetched), mrkdwn.code(shown_id)),
        parts.lines(parts.line(parts.literal(mask(token), is_code=True), parts.literal(f"  {_length(token)}"))),
        *[parts.paragraph(fact) for fact in _expiry_fact(fetched, token)],
        *extras_blocks(fetched.token.extras, token),
        parts.actions(
            buttons.build(Button.SHOW, GetToken(token_id, show=True)),
            buttons.build(Button.REFRESH, GetToken(token_id, force_refresh=True)),
            buttons.build(Button.DELETE, DeleteTokens(external_token_id=token_id)),
        ),
        parts.small_print(
            f"Only you can see this. *Show token* fetches the token again and shows it in full. Reference "
            f"{fetched.reference}"
        ),
    ]
    return Screen("External token", f"{_title(fetched)}: {shown_id}", tuple(blocks))


def token_screen(fetched: Fetched) -> Screen:
    """Return the token itself, for a modal only."""
    token = fetched.token.token.get_secret_value()
    blocks: list[parts.Block] = [
        parts.heading(parts.Mark.DONE, _title(fetched), mrkdwn.code(quote(fetched.request.external_token_id))),
        parts.copyable(token),
        parts.paragraph(" · ".join([_length(token), *_expiry_fact(fetched, token)])),
        *extras_blocks(fetched.token.extras, token),
        parts.small_print(
            "Anyone with this token can act as the connected account. Extauth doesn't keep it: when you close this, "
            f"it's gone. Reference {fetched.reference}"
        ),
    ]
    return Screen("External token", _title(fetched), tuple(blocks), modal_only=True)


def _title(fetched: Fetched) -> str:
    return "Token refreshed" if fetched.request.force_refresh else "Token fetched"


def _length(token: str) -> str:
    return f"{len(token):,} characters" if len(token) != 1 else "1 character"


def _expiry_fact(fetched: Fetched, token: str) -> list[str]:
    """When it expires: as the token says, or else counted from this very refresh. Nothing where neither is known."""
    at = expiry(token)
    if at is None and fetched.request.force_refresh:
        lifetime = _seconds(fetched.token.extras.get("expires_in"))
        at = int(fetched.at) + lifetime if lifetime is not None else None
    if at is None:
        return []
    return [f"{'Expires' if at > fetched.at else '*Expired*'} {parts.moment(at)}"]


def _seconds(value: object) -> int | None:
    """Read a lifetime as RFC 6749 has it (5.1), also where a provider sends it as text."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 10 else None
