"""Where an answer goes: into an open modal, back into the channel, or to the person directly."""

import logging
from enum import Enum
from functools import partial
from typing import Protocol

import aiohttp
from pydantic import SecretStr
from slack_sdk.errors import SlackApiError
from slack_sdk.models.views import View

from bot.clock import retry
from bot.listeners.direct import reason, without_token
from bot.logs import slack_code
from bot.slack.calls import header, passes, retry_after
from bot.slack.client import ClientFactory, UntrustedAddress, is_slack_address
from bot.ui.screen import Screen, as_message, as_view

log = logging.getLogger(__name__)

RESPONSE_URL_SECONDS = 29 * 60
"""Slack's half hour for a `response_url`, less a minute for the way.
https://docs.slack.dev/interactivity/handling-user-interaction#message_responses"""
RETRY_SECONDS = (1, 2, 5, 10, 30, 60, 120, 300)
"""How long to wait, in seconds, before each retry of an answer that Slack didn't accept. With the longest wait for
Slack's limits before it, all fit in its half hour."""
MODAL_RETRY_SECONDS = (1, 2, 5)
"""How long to wait, in seconds, before each retry of a modal that Slack didn't update."""


class Replace(Enum):
    """When an answer replaces the message whose button was pressed.

    A command's `response_url` can't replace anything: each post is a new message.
    """

    NEVER = "never"
    ON_SUCCESS = "on success"
    ALWAYS = "always"


class NotPosted(Exception):
    """Slack didn't take a message. `retry_after` is how many seconds it asks to wait."""

    def __init__(self, why: str, *, is_passing: bool = False, retry_after: int | None = None) -> None:
        super().__init__(why)
        self.is_passing = is_passing
        self.retry_after = retry_after


class Reply(Protocol):
    """A place for answers."""

    async def show(self, screen: Screen) -> None:
        """Show the answer."""
        ...

    async def show_progress(self, screen: Screen) -> None:
        """Show that it takes longer; the answer follows in the same place. May raise anything where that fails."""
        ...


class ChannelReply:
    """Ephemeral messages in the channel where the person is.

    Slack takes five of them in half an hour; no path through the bot needs more than four. What can't be posted there
    goes `elsewhere`. `at` is when the `response_url` was made.
    """

    def __init__(
        self,
        clients: ClientFactory,
        response_url: str,
        replace: Replace = Replace.NEVER,
        *,
        at: float | None = None,
        elsewhere: Reply | None = None,
    ) -> None:
        self._clients = clients
        self._response_url = response_url
        if not is_slack_address(response_url, clients.base_url):
            raise UntrustedAddress("A response_url isn't an address of Slack's.")
        self._replace = replace
        self._at = clients.clock.now() if at is None else at
        self._elsewhere = elsewhere

    @property
    def is_too_old(self) -> bool:
        """Whether Slack no longer takes anything at this address."""
        return self._clients.clock.now() - self._at >= RESPONSE_URL_SECONDS

    async def show(self, screen: Screen) -> None:
        """Post the answer, in place of the pressed message where that is meant, until Slack takes it."""
        replaces = self._replace is not Replace.NEVER and not screen.is_failure

        def failed(error: Exception) -> None:
            log.warning("an answer couldn't be posted yet", extra={"status": _why(error)})

        try:
            await retry(
                partial(self._post, screen, replaces), self._clients.clock.sleep, RETRY_SECONDS, _may_post, failed
            )
        except _UNPOSTED as error:
            if self._elsewhere is None:
                log.error("an answer couldn't be posted", extra={"status": _why(error)})
            else:
                log.warning("an answer couldn't be posted to its response_url", extra={"status": _why(error)})
                await self._elsewhere.show(screen)

    async def show_progress(self, screen: Screen) -> None:
        """Post that it takes longer, once. Raises NotPosted, and what aiohttp does."""
        await self._post(screen, replaces=False)

    async def _post(self, screen: Screen, replaces: bool) -> None:
        if self.is_too_old:
            raise NotPosted("too old")
        message = {
            **as_message(without_token(screen)),
            "response_type": "ephemeral",
            "replace_original": replaces or self._replace is Replace.ALWAYS,
        }
        answer = await self._clients.post(self._response_url, message)
        if "html" in (header(answer.headers, "content-type") or ""):
            # A page, such as a proxy's for signing in, isn't from Slack.
            raise NotPosted("a page", is_passing=True)
        if answer.status_code != 200:
            wait = retry_after(answer.headers)
            is_passing = answer.status_code >= 500 or answer.status_code == 429
            is_soon = (wait or 0) <= RESPONSE_URL_SECONDS
            raise NotPosted(str(answer.status_code), is_passing=is_passing and is_soon, retry_after=wait)


_UNPOSTED = (NotPosted, aiohttp.ClientError, OSError, UnicodeError)
"""What posting raises where Slack didn't take the message, or nobody knows."""


def _may_post(error: Exception) -> bool:
    return error.is_passing if isinstance(error, NotPosted) else isinstance(error, _UNPOSTED)


def _why(error: Exception) -> str:
    return str(error) if isinstance(error, NotPosted) else type(error).__name__


class ModalReply:
    """An open modal, whose content becomes the answer. What Slack doesn't put there goes `elsewhere`.

    With `keeps_answer` that includes what comes after the person closed it.
    """

    def __init__(
        self,
        clients: ClientFactory,
        bot_token: SecretStr,
        view_id: str,
        elsewhere: Reply | None,
        *,
        keeps_answer: bool = False,
    ) -> None:
        self.keeps_answer = keeps_answer
        self._clients = clients
        self._bot_token = bot_token
        self.view_id = view_id
        self._elsewhere = elsewhere
        self._hash: str | None = None

    def only_at(self, seen: str) -> "ModalReply":
        """Return the same, as long as the modal is as it was `seen`: by the hash that Slack gave it then."""
        reply = ModalReply(self._clients, self._bot_token, self.view_id, self._elsewhere)
        reply._hash = seen
        return reply

    async def show(self, screen: Screen) -> None:
        """Put the answer into the modal, until Slack takes it."""

        def failed(error: Exception) -> None:
            log.warning("a modal couldn't be updated yet", extra={"code": reason(error)})

        try:
            sleep = self._clients.clock.sleep
            is_open = await retry(partial(self.put, as_view(screen)), sleep, MODAL_RETRY_SECONDS, passes, failed)
        except Exception as error:
            is_open, level = False, logging.ERROR if self._elsewhere is None else logging.WARNING
            log.log(level, "a modal couldn't be updated", extra={"code": reason(error)})
        else:
            is_open = is_open or not self.keeps_answer
        if not is_open and self._elsewhere is not None:
            await self._elsewhere.show(screen)

    async def show_progress(self, screen: Screen) -> None:
        """Say in the modal that it takes longer."""
        await self.put(as_view(screen))

    async def put(self, view: View) -> bool:
        """Make the modal this one. Returns whether it was still open."""
        try:
            client = self._clients.web(self._bot_token)
            await client.views_update(view_id=self.view_id, hash=self._hash, view=view)
        except SlackApiError as error:
            if slack_code(error) not in {"not_found", "hash_conflict"}:
                raise
            # Closed by the person, or already changed by a later click: nobody waits for this any more.
            log.info("a modal was gone before its answer", extra={"code": slack_code(error)})
            return False
        return True
