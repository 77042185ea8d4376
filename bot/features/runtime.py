"""What every feature works with."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.clock import Clock
from bot.service import Service
from bot.slack_connection import SlackConnection
from bot.tasks import Tasks
from bot.ui.notices import interrupted_screen, unexpected_screen
from bot.ui.screen import Screen

if TYPE_CHECKING:
    from bot.features.visit import Visit

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Runtime:
    """The door, the way to Slack, the clock, and the work in progress."""

    service: Service
    connection: SlackConnection
    clock: Clock
    tasks: Tasks

    def start(self, visit: "Visit", work: Callable[["Visit"], Awaitable[None]]) -> None:
        """Do what the person came for in the background, and tell them if it breaks."""
        self.tasks.start(self._guard(visit, work))

    async def _guard(self, visit: "Visit", work: Callable[["Visit"], Awaitable[None]]) -> None:
        try:
            await work(visit)
        except asyncio.CancelledError:
            log.warning("interrupted by shutdown")
            await self._tell(visit, interrupted_screen(visit.actor.reference))
        except Exception:
            log.exception("unexpected error")
            await self._tell(visit, unexpected_screen(visit.actor.reference))

    async def _tell(self, visit: "Visit", screen: Screen) -> None:
        if visit.reply is None:
            return
        try:
            await visit.reply.show(screen)
        except Exception:
            log.exception("an error could not be told to the person")
