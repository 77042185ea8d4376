"""Places for a reply: an open modal, the channel, or a private message."""

import asyncio
import logging
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import Protocol

import aiohttp
from pydantic import SecretStr
from slack_sdk.errors import SlackApiError

from bot.actor import Actor
from bot.logs import slack_code
from bot.slack.calls import header, passes, retry_after
from bot.slack.client import ClientFactory, UntrustedAddress, host_of, is_slack_address
from bot.tasks import retry
from bot.views.metadata import Origin
from bot.views.notices import UNSHOWN
from bot.views.parts import Screen, View, as_message, as_view

log = logging.getLogger(__name__)

RESPONSE_URL_SECONDS = 29 * 60
"""Seconds to use a `response_url`: the half hour that Slack allows, less a minute for the transmission.
https://docs.slack.dev/interactivity/handling-user-interaction#message_responses"""
RETRY_SECONDS = (1, 2, 5, 10, 30, 60, 120, 300)
"""Seconds to wait before each retry of a reply that Slack didn't accept. Even after the longest wait for Slack's
limits, all retries fit in the half hour that a `response_url` lasts."""
MODAL_RETRY_SECONDS = (1, 2, 5)
"""Seconds to wait before each retry of a modal that Slack didn't update."""


ACKNOWLEDGED_SECONDS = 0.05
"""Seconds for Slack to put a submission's acknowledgement into the modal. A reply that came earlier would be
replaced by the acknowledgement."""


class Replace(Enum):
    """The cases in which a reply replaces the message whose button the person clicked.

    A command's `response_url` can't replace anything, because each post is a new message.
    """

    NEVER = "never"
    ON_SUCCESS = "on success"
    ALWAYS = "always"


class NotPosted(Exception):
    """A message that Slack didn't accept. `retry_after` is the wait that Slack asks for, in seconds."""

    def __init__(self, why: str, *, is_passing: bool = False, retry_after: int | None = None) -> None:
        super().__init__(why)
        self.is_passing = is_passing
        self.retry_after = retry_after


class Reply(Protocol):
    """A place for replies."""

    async def show(self, screen: Screen) -> None: ...

    async def show_progress(self, screen: Screen) -> None:
        """Show that the work is still going on. The result replaces this notice. Raises any error from showing it."""
        ...


@dataclass(frozen=True, slots=True)
class DirectReply:
    """Private messages: in the person's channel if Extauth is a member, otherwise as direct messages.

    They don't need a `response_url`, so they reach a person whose `response_url` is used up or too old.
    """

    clients: ClientFactory
    bot_token: SecretStr
    user_id: str
    channel: str | None = None

    async def show(self, screen: Screen) -> None:
        """Post the screen, or log that it can't be posted, because there is no other way to reach the person."""
        client = self.clients.web(self.bot_token)
        message = as_message(UNSHOWN if screen.modal_only else screen)
        why = ""
        if self.channel is not None:
            try:
                await client.chat_postEphemeral(channel=self.channel, user=self.user_id, **message)
                return
            except Exception as error:
                why = reason(error)
        try:
            # Slack accepts a person's ID in place of the ID of their conversation with Extauth.
            await client.chat_postMessage(channel=self.user_id, unfurl_links=False, **message)
        except Exception as error:
            log.error("an answer couldn't be posted", extra={"code": reason(error), "code_in_channel": why})

    async def show_progress(self, screen: Screen) -> None:
        """Show nothing, because a private message would remain after the result."""


@dataclass(frozen=True, slots=True)
class ChannelReply:
    """Ephemeral messages in the channel where the person started.

    Slack accepts five messages within half an hour, and no path through Extauth needs more than four. If Slack doesn't
    accept one, the `actor`, if known, gets it directly. Raises UntrustedAddress for a `response_url` not at Slack.
    """

    clients: ClientFactory
    origin: Origin = field(repr=False)
    actor: Actor | None = None
    replace: Replace = Replace.NEVER

    def __post_init__(self) -> None:
        if not is_slack_address(self.origin.response_url, self.clients.base_url):
            raise UntrustedAddress(
                f"Slack's requests ask for answers at {host_of(self.origin.response_url)}, but SLACK_API_URL is at "
                f"{host_of(self.clients.base_url)}. Answers go only to Slack's own hosts and to that one."
            )

    async def show(self, screen: Screen) -> None:
        """Post the screen, with retries, in place of the message with the clicked button if `replace` allows it."""
        replaces = self.replace is not Replace.NEVER and not screen.is_failure

        def failed(error: Exception) -> None:
            log.warning("an answer couldn't be posted yet", extra={"status": _why(error)})

        try:
            sleep = self.clients.clock.sleep
            await retry(partial(self._post, screen, replaces), sleep, RETRY_SECONDS, _may_post, failed)
        except _UNPOSTED as error:
            if self.actor is None:
                log.error("an answer couldn't be posted", extra={"status": _why(error)})
                return
            log.warning("an answer couldn't be posted to its response_url", extra={"status": _why(error)})
            direct = DirectReply(self.clients, self.actor.bot_token, self.actor.user_id, self.origin.channel)
            await direct.show(screen)

    async def show_progress(self, screen: Screen) -> None:
        """Post a notice, without retries. Raises NotPosted, and aiohttp's errors."""
        await self._post(screen, replaces=False)

    async def _post(self, screen: Screen, replaces: bool) -> None:
        if self.clients.clock.now() - self.origin.at >= RESPONSE_URL_SECONDS:
            raise NotPosted("too old")
        message = {
            **as_message(UNSHOWN if screen.modal_only else screen),
            "response_type": "ephemeral",
            "replace_original": replaces or self.replace is Replace.ALWAYS,
        }
        answer = await self.clients.post(self.origin.response_url, message)
        if "html" in (header(answer.headers, "content-type") or ""):
            # Slack doesn't respond with a web page, but a proxy may, for example to ask for a sign-in.
            raise NotPosted("a page", is_passing=True)
        if answer.status_code != 200:
            wait = retry_after(answer.headers)
            is_passing = answer.status_code >= 500 or answer.status_code == 429
            is_soon = (wait or 0) <= RESPONSE_URL_SECONDS
            raise NotPosted(str(answer.status_code), is_passing=is_passing and is_soon, retry_after=wait)


_UNPOSTED = (NotPosted, aiohttp.ClientError, OSError, UnicodeError)
"""Errors after which it is certain or possible that Slack didn't accept a message."""


def _may_post(error: Exception) -> bool:
    return error.is_passing if isinstance(error, NotPosted) else isinstance(error, _UNPOSTED)


def _why(error: Exception) -> str:
    return str(error) if isinstance(error, NotPosted) else type(error).__name__


def reason(error: Exception) -> str:
    """Return Slack's error code, or for another error its type, because its text may contain a secret."""
    return slack_code(error) if isinstance(error, SlackApiError) else type(error).__name__


@dataclass(slots=True)
class ModalReply:
    """An open modal, whose content each reply replaces. A reply that Slack doesn't accept there goes `elsewhere`.

    With `keeps_answer`, a reply also goes `elsewhere` if the person has closed the modal. With `seen`, a hash from
    Slack, the modal changes only while it still has that hash. It doesn't change before `earliest`, a time of the event
    loop.
    """

    clients: ClientFactory
    bot_token: SecretStr
    view_id: str
    elsewhere: Reply | None
    keeps_answer: bool = False
    seen: str | None = None
    earliest: float = 0.0

    async def show(self, screen: Screen) -> None:
        """Put the screen into the modal, with retries."""

        def failed(error: Exception) -> None:
            log.warning("a modal couldn't be updated yet", extra={"code": reason(error)})

        try:
            sleep = self.clients.clock.sleep
            is_open = await retry(partial(self.put, as_view(screen)), sleep, MODAL_RETRY_SECONDS, passes, failed)
        except Exception as error:
            is_open, level = False, logging.ERROR if self.elsewhere is None else logging.WARNING
            log.log(level, "a modal couldn't be updated", extra={"code": reason(error)})
        else:
            is_open = is_open or not self.keeps_answer
        if not is_open and self.elsewhere is not None:
            await self.elsewhere.show(screen)

    async def show_progress(self, screen: Screen) -> None:
        """Put a notice into the modal, without retries."""
        await self.put(as_view(screen))

    async def put(self, view: View) -> bool:
        """Replace the modal's view. Returns False if the modal was closed or has changed since."""
        await asyncio.sleep(self.earliest - asyncio.get_running_loop().time())
        try:
            client = self.clients.web(self.bot_token)
            await client.views_update(view_id=self.view_id, hash=self.seen, view=view)
        except SlackApiError as error:
            if slack_code(error) not in {"not_found", "hash_conflict"}:
                raise
            # The person closed the modal, or a later click changed it, so this view is no longer needed.
            log.info("a modal was gone before its answer", extra={"code": slack_code(error)})
            return False
        return True
