"""The readiness of this process, which needs the database, Slack, and a receiver that Slack's requests can reach."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from bot.audit.log import AuditLog
from bot.audit.verify import LastVerification
from bot.cache import Cache
from bot.clock import Clock
from bot.jobs.schedules import Schedules
from bot.slack.calls import SlackHealth
from bot.storage.engine import DatabaseError

IDLE_SECONDS = 30.0
"""Seconds that Slack may be quiet before Extauth makes a call to test the connection."""
LOST_SECONDS = 90.0
"""Seconds of quiet after which Slack counts as lost: enough for several calls, so that one failure changes nothing."""
ASK_SECONDS = 10.0
"""The minimum seconds between two calls to Slack, regardless of how often readiness is requested."""
READ_SECONDS = 5.0
"""The minimum seconds between two checks of the database, each a read and a write."""
ANSWER_SECONDS = 2.0
"""Seconds that a response waits for a check."""
log = logging.getLogger(__name__)


class Readiness:
    """The results of recent checks, which are repeated once they are too old.

    `ask_slack` makes a cheap call, whose outcome `slack` records. `receiving` returns the reason no request can come
    in, or None. Set it once there is a receiver. `judges_age` is True if old requests are rejected, as over HTTP.
    """

    def __init__(
        self,
        audit_log: AuditLog,
        schedules: Schedules,
        slack: SlackHealth,
        ask_slack: Callable[[], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self._audit_log = audit_log
        self._schedules = schedules
        self._slack = slack
        self._ask_slack = ask_slack
        self._clock = clock
        self._readings: Cache[None, str | None] = Cache(clock, READ_SECONDS, keeps_none=True)
        self._calls: Cache[None, str | None] = Cache(clock, ASK_SECONDS, keeps_none=True)
        self.receiving: Callable[[], str | None] = lambda: "starting"
        self.is_stopping = False
        self.judges_age = False
        self.entries: int | None = None
        self.verified: LastVerification | None = None

    async def problems(self) -> Mapping[str, str | None]:
        """Return the problem with each part, by the part's name; None for a part that works."""
        database, slack = await asyncio.gather(_soon(self._readings, self._read), self._slack_problem())
        receiving = "stopping" if self.is_stopping else self.receiving()
        return {"database": database, "slack": slack, "clock": self._clock_problem(), "receiver": receiving}

    def _clock_problem(self) -> str | None:
        """Return the problem with a clock by which Extauth rejects, or soon rejects, Slack's requests."""
        return self._slack.clock_problem if self.judges_age else None

    def close(self) -> None:
        """Cancel the checks in progress."""
        for asked in (*self._readings.pending(), *self._calls.pending()):
            asked.cancel()

    async def _read(self) -> str | None:
        try:
            self.entries, self.verified = await self._audit_log.status()
        except DatabaseError as error:
            # The error's text may name a host, so it's logged but not shown to strangers.
            log.warning("the database doesn't answer", extra={"why": str(error)})
            return "the audit log can't be read"
        try:
            await self._schedules.beat()
        except DatabaseError as error:
            log.warning("the database can't be written", extra={"why": str(error)})
            return "the database can't be written"
        return None

    async def _slack_problem(self) -> str | None:
        if self._clock.monotonic() - self._slack.heard_at >= IDLE_SECONDS:
            await _soon(self._calls, self._ask_slack)
        quiet = self._clock.monotonic() - self._slack.heard_at
        if self._slack.refusal is not None:
            return f"Slack refuses SLACK_BOT_TOKEN ({self._slack.refusal})"
        if quiet >= LOST_SECONDS:
            return "no answer yet" if quiet == float("inf") else f"no answer for {quiet:.0f} seconds"
        return None


async def _soon(cache: Cache[None, str | None], ask: Callable[[], Awaitable[str | None]]) -> str | None:
    """Return the problem found by a recent or a new check, or by a check that takes too long; None if there is none."""

    async def asked() -> str | None:
        try:
            return await ask()
        except Exception as error:
            log.warning("a check of readiness failed", extra={"error_type": type(error).__name__})
            return type(error).__name__

    try:
        return await asyncio.wait_for(cache.get(None, asked), ANSWER_SECONDS)
    except TimeoutError:
        return f"no answer within {ANSWER_SECONDS:.0f} seconds"
