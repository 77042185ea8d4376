"""Posts a line to a Slack channel for every outcome."""

import logging

from pydantic import SecretStr
from slack_sdk.errors import SlackApiError

from bot.audit.entries import AuditResult, Event
from bot.logs import slack_code
from bot.slack.mrkdwn import code
from bot.slack.web import ClientFactory
from bot.tasks import Tasks

log = logging.getLogger(__name__)


class AuditChannel:
    """Posts to one channel, with the bot's token, in the background."""

    def __init__(self, channel: str, bot_token: SecretStr, clients: ClientFactory, tasks: Tasks) -> None:
        self._channel = channel
        self._bot_token = bot_token
        self._clients = clients
        self._tasks = tasks

    def __call__(self, event: Event, result: AuditResult) -> None:
        """Post the line of an outcome."""
        self._tasks.start(self._post(_line(event, result)))

    async def _post(self, text: str) -> None:
        client = self._clients.web(self._bot_token)
        try:
            await client.chat_postMessage(channel=self._channel, text=text, unfurl_links=False)
        except Exception as error:
            why = slack_code(error) if isinstance(error, SlackApiError) else type(error).__name__
            log.error("a line could not be posted to EXTAUTH_AUDIT_CHANNEL", extra={"code": why})


def _line(event: Event, result: AuditResult) -> str:
    what = " ".join(code(str(value)) for value in event.parameters.values())
    why = f" ({code(result.code, 100)})" if result.code else ""
    return f"<@{event.user_id}> · {event.action} {what} · {result.outcome}{why} · {event.reference}"
