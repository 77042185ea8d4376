"""Where an answer goes: back into the channel, or into an open modal."""

import json
import logging
from enum import Enum
from typing import Protocol

import aiohttp
from pydantic import SecretStr
from slack_sdk.errors import SlackApiError
from slack_sdk.models.views import View
from slack_sdk.web.async_client import AsyncWebClient

from bot.logs import slack_code
from bot.slack.web import ClientFactory
from bot.ui.screen import Screen, as_message, as_view

log = logging.getLogger(__name__)

RESPONSE_URL_SECONDS = 29 * 60
"""Slack's half hour for a `response_url`, less a minute for the way.
https://docs.slack.dev/interactivity/handling-user-interaction#message_responses"""
RETRY_SECONDS = (1, 2, 5, 10, 30, 60, 120, 300)
"""How long to wait, in seconds, before each retry of an answer that Slack didn't accept. With the longest wait for
Slack's limits before it, all fit in its half hour."""


class Replace(Enum):
    """When an answer replaces the message whose button was pressed.

    A command's `response_url` can't replace anything: each post is a new message.
    """

    NEVER = "never"
    ON_SUCCESS = "on success"
    ALWAYS = "always"


class Reply(Protocol):
    """A place for answers."""

    @property
    def address(self) -> SecretStr:
        """Where another process can answer later, for `reply_at`."""
        ...

    async def show(self, screen: Screen) -> None:
        """Show the answer."""
        ...

    async def show_progress(self, screen: Screen) -> None:
        """Show that it takes longer; the answer follows in the same place."""
        ...


class ChannelReply:
    """Ephemeral messages in the channel where the person is.

    Slack takes five of them in half an hour; no path through the bot needs more than two.
    """

    def __init__(self, clients: ClientFactory, response_url: str, replace: Replace = Replace.NEVER) -> None:
        self._clients = clients
        self._response_url = response_url
        self._webhook = clients.webhook(response_url)
        self._replace = replace

    @property
    def address(self) -> SecretStr:
        """The `response_url`."""
        return SecretStr(json.dumps({"response_url": self._response_url, "at": self._clients.clock.now()}))

    async def show(self, screen: Screen) -> None:
        """Post the answer, in place of the pressed message where that is meant, until Slack takes it."""
        replaces = self._replace is not Replace.NEVER and not screen.is_failure
        for seconds in (*RETRY_SECONDS, None):
            try:
                status = await self._post(screen, replaces)
                why = str(status)
            except (aiohttp.ClientError, OSError) as error:
                status, why = 500, type(error).__name__
            if status == 200:
                return
            if seconds is None or status < 500:
                # The address is used up or too old: there is no other way to this person in this channel.
                log.error("an answer couldn't be posted", extra={"status": why})
                return
            log.warning("an answer couldn't be posted yet", extra={"status": why})
            await self._clients.clock.sleep(seconds)

    async def show_progress(self, screen: Screen) -> None:
        """Post that it takes longer, once."""
        await self._post(screen, replaces=False)

    async def _post(self, screen: Screen, replaces: bool) -> int:
        message = {
            **as_message(screen),
            "response_type": "ephemeral",
            "replace_original": replaces or self._replace is Replace.ALWAYS,
        }
        return (await self._webhook.send_dict(message)).status_code


class ModalReply:
    """An open modal, whose content becomes the answer."""

    def __init__(self, client: AsyncWebClient, view_id: str) -> None:
        self._client = client
        self._view_id = view_id

    @property
    def address(self) -> SecretStr:
        """The modal's ID."""
        return SecretStr(json.dumps({"view_id": self._view_id}))

    async def show(self, screen: Screen) -> None:
        """Put the answer into the modal."""
        await self.put(as_view(screen))

    async def show_progress(self, screen: Screen) -> None:
        """Say in the modal that it takes longer."""
        await self.put(as_view(screen))

    async def put(self, view: View) -> None:
        """Make the modal this one."""
        try:
            await self._client.views_update(view_id=self._view_id, view=view)
        except SlackApiError as error:
            if slack_code(error) not in {"not_found", "hash_conflict"}:
                raise
            # Closed by the person, or already changed by a later click: nobody waits for this any more.
            log.info("a modal was gone before its answer", extra={"code": slack_code(error)})


def reply_at(address: SecretStr, clients: ClientFactory, bot_token: SecretStr) -> Reply | None:
    """Return the place that another process noted down; None where it is too old or can't be read."""
    try:
        noted = json.loads(address.get_secret_value())
        if "view_id" in noted:
            return ModalReply(clients.web(bot_token), str(noted["view_id"]))
        is_fresh = clients.clock.now() - float(noted["at"]) < RESPONSE_URL_SECONDS
        return ChannelReply(clients, str(noted["response_url"])) if is_fresh else None
    except (ValueError, KeyError, TypeError):
        return None
