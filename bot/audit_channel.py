"""A line to a Slack channel for everything that was done or refused. It never holds up an answer, nor fails one."""

import logging
from collections.abc import Callable

from pydantic import SecretStr
from slack_sdk.errors import SlackApiError

from bot.audit import Ending, Event, without_pasted_token
from bot.logs import slack_code
from bot.slack_connection import SlackConnection
from bot.tasks import Tasks
from bot.ui import parts

log = logging.getLogger(__name__)

Announce = Callable[[Event, Ending], None]


def announcer(channel: str | None, bot_token: SecretStr, connection: SlackConnection, tasks: Tasks) -> Announce:
    """What tells the channel of an ending; nothing is told where no channel is set."""

    async def post(text: str) -> None:
        try:
            await connection.client(bot_token).chat_postMessage(channel=channel or "", text=text, unfurl_links=False)
        except Exception as error:
            code = slack_code(error) if isinstance(error, SlackApiError) else type(error).__name__
            log.error("a line could not be posted to EXTAUTH_AUDIT_CHANNEL", extra={"code": code})

    def announce(event: Event, ending: Ending) -> None:
        if channel is not None:
            tasks.start(post(_line(event, ending)))

    return announce


def _line(event: Event, ending: Ending) -> str:
    what = " ".join(parts.code(str(without_pasted_token(value))) for value in event.parameters.values())
    code = f" ({parts.code(ending.code, 100)})" if ending.code else ""
    return f"<@{event.user_id}> · {event.action} {what} · {ending.outcome}{code} · {event.reference}"
