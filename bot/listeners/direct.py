"""Reaches a person without a `response_url` and without a modal."""

import logging

from pydantic import SecretStr
from slack_sdk.errors import SlackApiError

from bot.logs import slack_code
from bot.slack.client import ClientFactory
from bot.ui.notices import unshown_screen
from bot.ui.screen import Screen, as_message

log = logging.getLogger(__name__)


class DirectReply:
    """Private messages from the bot: in the channel where the person is, if the bot is there too, else directly.

    They need no `response_url`, so they reach a person whose one is used up or too old.
    """

    def __init__(
        self,
        clients: ClientFactory,
        bot_token: SecretStr,
        user_id: str,
        channel: str | None = None,
    ) -> None:
        self._clients = clients
        self._bot_token = bot_token
        self._user_id = user_id
        self._channel = channel

    async def show(self, screen: Screen) -> None:
        """Post the answer. One that can't be posted is logged: there's no other way to the person."""
        client = self._clients.web(self._bot_token)
        message = as_message(without_token(screen))
        why = ""
        if self._channel is not None:
            try:
                await client.chat_postEphemeral(channel=self._channel, user=self._user_id, **message)
                return
            except Exception as error:
                why = reason(error)
        try:
            # Slack takes a person's ID for their conversation with the bot.
            await client.chat_postMessage(channel=self._user_id, unfurl_links=False, **message)
        except Exception as error:
            log.error("an answer couldn't be posted", extra={"code": reason(error), "code_in_channel": why})

    async def show_progress(self, screen: Screen) -> None:
        """Say nothing: a message of this kind stays."""


def without_token(screen: Screen) -> Screen:
    """Return what can be a message: a token is only ever shown in a modal."""
    return unshown_screen() if screen.modal_only else screen


def reason(error: Exception) -> str:
    """Return Slack's code, or the kind of an error whose text must not be printed."""
    return slack_code(error) if isinstance(error, SlackApiError) else type(error).__name__
