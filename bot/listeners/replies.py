"""Where an answer goes: back into the channel, or into an open modal."""

import logging
from enum import Enum
from typing import Protocol

from slack_sdk.errors import SlackApiError
from slack_sdk.models.views import View
from slack_sdk.web.async_client import AsyncWebClient

from bot.logs import slack_code
from bot.slack.web import ClientFactory
from bot.ui.screen import Screen, as_message, as_view

log = logging.getLogger(__name__)


class Replace(Enum):
    """When an answer takes the place of the message whose button was pressed.

    A command's `response_url` cannot replace anything: Slack posts anew whatever it is told.
    """

    NEVER = "never"
    ON_SUCCESS = "on success"
    ALWAYS = "always"


class Reply(Protocol):
    """A place for answers."""

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
        self._webhook = clients.webhook(response_url)
        self._replace = replace

    async def show(self, screen: Screen) -> None:
        """Post the answer, in place of the pressed message where that is meant."""
        await self._post(screen, self._replace is not Replace.NEVER and not screen.is_failure)

    async def show_progress(self, screen: Screen) -> None:
        """Post that it takes longer."""
        await self._post(screen, replaces=False)

    async def _post(self, screen: Screen, replaces: bool) -> None:
        response = await self._webhook.send_dict(
            {
                **as_message(screen),
                "response_type": "ephemeral",
                "replace_original": replaces or self._replace is Replace.ALWAYS,
            }
        )
        if response.status_code != 200:
            # The address is used up or too old: there is no other way to this person in this channel.
            log.error("an answer could not be posted", extra={"status": response.status_code})


class ModalReply:
    """An open modal, whose content becomes the answer."""

    def __init__(self, client: AsyncWebClient, view_id: str) -> None:
        self._client = client
        self._view_id = view_id

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
