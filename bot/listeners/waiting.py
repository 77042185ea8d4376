"""Notices for a person who waits: that the answer takes longer, and by how much."""

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Any

from bot.clock import Clock, finishes_within, retry
from bot.listeners.replies import Reply
from bot.operation import Request
from bot.slack.rate_limit import SecondsLeft
from bot.views.notices import waiting_screen
from bot.views.parts import Screen

log = logging.getLogger(__name__)

NOTICE_SECONDS = 2.8
"""Seconds after which a person is told that it takes longer, so that they hear something within three."""
SHORT_SECONDS = 3
"""Seconds of waiting that are too short to mention."""
NOTICE_RETRY_SECONDS = (2.0, 10.0, 30.0)
"""Seconds to wait before each further try to show a notice."""
MAX_NOTICES = 2
"""Maximum number of notices that it takes longer. A `response_url` takes five messages in all."""


@dataclass(slots=True)
class Wait:
    """The remaining wait of a request because of Slack's limits."""

    clock: Clock
    _seconds_left: SecondsLeft = lambda: 0
    _told_until: float = 0.0
    _is_news: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, seconds_left: SecondsLeft) -> None:
        """Note a wait. A short one isn't news, nor one that ends about when the person expects."""
        self._seconds_left = seconds_left
        seconds = seconds_left()
        if seconds > SHORT_SECONDS and self.clock.monotonic() + seconds > self._told_until + SHORT_SECONDS:
            self._is_news.set()

    @property
    def is_known(self) -> bool:
        """True while a wait because of Slack's limits is still to be told."""
        return self._is_news.is_set()

    def tell(self) -> int | None:
        """Return the seconds left to tell the person; None if no limit applies."""
        left = self._seconds_left()
        self._told_until = self.clock.monotonic() + left
        self._is_news.clear()
        return left or None

    async def news(self) -> None:
        """Wait until there is something to tell."""
        await self._is_news.wait()


async def tell_waits(clock: Clock, reply: Reply, request: Request, running: asyncio.Future[Any], wait: Wait) -> None:
    """Tell the person when it takes longer, and again when a wait begins or grows later."""
    if await finishes_within(clock, running, NOTICE_SECONDS):
        return
    for number in range(MAX_NOTICES):
        if number:
            await _until_news(running, wait)
        await _tell_wait(clock, reply, request, running, wait)


async def _tell_wait(clock: Clock, reply: Reply, request: Request, running: asyncio.Future[Any], wait: Wait) -> None:
    """Show one notice, with retries while the person still waits."""

    async def tell() -> None:
        if not running.done():
            await reply.show_progress(waiting_screen(request, wait.tell()))

    async def sleep(seconds: float) -> None:
        await finishes_within(clock, running, seconds)

    try:
        await retry(tell, sleep, NOTICE_RETRY_SECONDS, lambda _: True, _not_shown)
    except Exception as error:
        _not_shown(error)


async def _until_news(running: asyncio.Future[Any], wait: Wait) -> None:
    news = asyncio.ensure_future(wait.news())
    try:
        await asyncio.wait({running, news}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        news.cancel()


async def show_progress(reply: Reply, screen: Screen) -> bool:
    """Show a notice, and return whether that worked. A failure is no reason to give up the work."""
    try:
        await reply.show_progress(screen)
    except Exception as error:
        _not_shown(error)
        return False
    return True


def _not_shown(error: Exception) -> None:
    log.warning("a notice couldn't be shown", extra={"error_type": type(error).__name__})
