"""A fetched token: masked in a message, whole in a dialog and nowhere else."""

from datetime import UTC, datetime

import jwt
from slack_sdk.models.blocks import ActionsBlock, Block

from bot.external_auth.models import DeleteTokens, GetToken
from bot.service import Fetched
from bot.ui import buttons, parts
from bot.ui.buttons import Button, Deed, Errand
from bot.ui.extras import extras_blocks
from bot.ui.screen import Screen

DOTS = "••••••••"
_SHORTEST_PARTLY_SHOWN = 24
_LAST_SECOND = 253402300799  # of the year 9999: later is not a date, but a mistake or a joke


def mask(token: str) -> str:
    """First and last four characters of a long token; of a short one nothing."""
    if len(token) < _SHORTEST_PARTLY_SHOWN:
        return DOTS
    return f"{token[:4]}{DOTS}{token[-4:]}"


def expiry(token: str) -> int | None:
    """When the token says it expires, in seconds since the epoch (UTC): a JWT's `exp`. Unverified, so a hint."""
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError):
        return None
    at = claims.get("exp")
    if not isinstance(at, int | float) or isinstance(at, bool) or not 0 < at <= _LAST_SECOND:
        return None
    return int(at)


def masked_screen(fetched: Fetched) -> Screen:
    """The token, masked, with what can be said of it and done with it."""
    token = fetched.token.token.get_secret_value()
    token_id = fetched.request.external_token_id
    blocks: list[Block] = [
        parts.paragraph(f"*Token {parts.code(token_id)}*"),
        parts.lines(parts.line(parts.literal(mask(token), is_code=True), parts.literal(f"  {_length(token)}"))),
        parts.paragraph("\n".join(_facts(fetched, token))),
        *extras_blocks(fetched.token.extras, token),
        ActionsBlock(
            elements=[
                buttons.build(Button.SHOW, Errand(Deed.SHOW, GetToken(token_id))),
                buttons.build(Button.REFRESH, Errand(Deed.GET, GetToken(token_id, force_refresh=True))),
                buttons.build(Button.DELETE, Errand(Deed.DELETE, DeleteTokens(external_token_id=token_id))),
            ]
        ),
        parts.small_print(
            f"Only you can see this. *Show token* fetches it anew and shows it in a dialog. Reference "
            f"{fetched.reference}"
        ),
    ]
    return Screen("External token", f"Fetched the token {token_id}", tuple(blocks))


def token_screen(fetched: Fetched) -> Screen:
    """The token itself. For a dialog only: never make a message of it."""
    token = fetched.token.token.get_secret_value()
    blocks: list[Block] = [
        parts.paragraph(f"*Token {parts.code(fetched.request.external_token_id)}*"),
        parts.copyable(token),
        parts.paragraph("\n".join([_length(token), *_facts(fetched, token)])),
        parts.small_print(
            "Whoever has this token can act as the connected account. It is not kept by the bot: when this dialog "
            f"closes, it is gone from here. Reference {fetched.reference}"
        ),
    ]
    return Screen("External token", "The token is in the dialog", tuple(blocks))


def _length(token: str) -> str:
    return f"{len(token):,} characters" if len(token) != 1 else "1 character"


def _facts(fetched: Fetched, token: str) -> list[str]:
    refreshed = (
        "Refreshed just now, as asked."
        if fetched.request.force_refresh
        else "No refresh was forced: Slack renews it by itself only once it has expired."
    )
    at = expiry(token)
    if at is None:
        return ["The token does not say when it expires.", refreshed]
    verb = "Expires" if at > fetched.at else "*Expired*"
    return [f"{verb} <!date^{at}^{{date_short_pretty}} at {{time}}|{_utc(at)}>.", refreshed]


def _utc(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
