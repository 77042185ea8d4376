"""A fetched token: masked in a message, whole in a modal and nowhere else."""

from datetime import UTC, datetime

import jwt
from slack_sdk.models.blocks import ActionsBlock, Block

from bot.pasted import quote
from bot.service import Fetched
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
    """Return when the token says it expires, in seconds since the epoch (UTC): a JWT's `exp`. Unverified, so a hint."""
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
    blocks: list[Block] = [
        parts.paragraph(f"*Token {mrkdwn.code(quote(token_id))}*"),
        parts.lines(parts.line(parts.literal(mask(token), is_code=True), parts.literal(f"  {_length(token)}"))),
        parts.paragraph("\n".join(_facts(fetched, token))),
        *extras_blocks(fetched.token.extras, token),
        ActionsBlock(
            elements=[
                buttons.build(Button.SHOW, GetToken(token_id, show=True)),
                buttons.build(Button.REFRESH, GetToken(token_id, force_refresh=True)),
                buttons.build(Button.DELETE, DeleteTokens(external_token_id=token_id)),
            ]
        ),
        parts.small_print(
            f"Only you can see this. *Show token* fetches it anew and shows it in a dialog. Reference "
            f"{fetched.reference}"
        ),
    ]
    return Screen("External token", f"Fetched the token {quote(token_id)}", tuple(blocks))


def token_screen(fetched: Fetched) -> Screen:
    """Return the token itself, for a modal only."""
    token = fetched.token.token.get_secret_value()
    blocks: list[Block] = [
        parts.paragraph(f"*Token {mrkdwn.code(quote(fetched.request.external_token_id))}*"),
        parts.copyable(token),
        parts.paragraph("\n".join([_length(token), *_facts(fetched, token)])),
        parts.small_print(
            "Whoever has this token can act as the connected account. It is not kept by the bot: when this dialog "
            f"closes, it is gone from here. Reference {fetched.reference}"
        ),
    ]
    return Screen("External token", "The token is in the dialog", tuple(blocks), modal_only=True)


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
