"""A rate limiter that holds back a method's calls after Slack's 429, then releases them one by one.

Without the limiter, each call of a burst would be rejected separately, over and over. Each process learns only from the
429s that it gets itself.
https://docs.slack.dev/apis/web-api/rate-limits/
"""

import asyncio
import bisect
import itertools
import math
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bot.clock import Clock
from bot.tasks import finishes_within

GET = "apps.auth.external.get"
DELETE = "apps.auth.external.delete"
LIST = "apps.auth.external.list"
START = "apps.auth.external.start"
PER_MINUTE = {GET: 50, DELETE: 100, LIST: 20, START: 20}
"""Minimum calls per minute that Slack's tiers 3 and 4 allow in a workspace. The limit for a list isn't public.

Any other method gets the lowest of these limits.
"""

SecondsLeft = Callable[[], int]
"""A function that returns the seconds that a call still has to wait, or 0 once its turn has come."""
Progress = Callable[[SecondsLeft], None]
"""A callback for a waiting call, called each time that the call's place in the line is checked."""
IsWanted = Callable[[], Awaitable[bool | None]]
"""A check that returns whether a call is still wanted, or None if the check fails."""
WaitObserver = Callable[[str, float], None]
"""A callback for each finished wait, which gets the method and the seconds."""

WAIT_SECONDS = 600.0
"""Maximum seconds that one call waits for Slack's limits. The last of 300 calls made at once waits six minutes."""
WANTED_SECONDS = 2.0
"""Seconds between checks that a waiting call is still wanted."""
_MINUTE = 61.0
"""Seconds in a minute as Slack counts it, plus one for the network's delay."""
_MOMENT = 0.001


def tells_nobody(seconds_left: SecondsLeft) -> None:
    """Ignore a wait."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A call's limits, and the callbacks while it waits.

    `progress` is called during a wait. `is_wanted` is called every two seconds during a wait, and again after it. The
    call isn't sent once that returns False, or None after the wait. `recheck` runs after a wait, right before the call
    is sent, and may raise. `patience` is the maximum total wait, in seconds. Calls that are `in_batch` take at most
    half of Slack's limit, so that they cause no 429 for other calls.
    """

    workspace: str = ""
    progress: Progress = tells_nobody
    recheck: Callable[[], Awaitable[None]] | None = None
    patience: float = WAIT_SECONDS
    in_batch: bool = False
    is_wanted: IsWanted | None = None


class Busy(Exception):
    """A wait for Slack's limits that exceeds the call's patience. `seconds` is the time until the call's turn."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"{seconds} seconds")
        self.seconds = seconds


class ShuttingDown(Exception):
    """A shutdown of the process, so the call isn't sent."""


class NoLongerWanted(Exception):
    """A call that was canceled by its caller while it waited, so it isn't sent."""


class _Line:
    """The waiting calls of one method in one workspace, in the order in which they were made.

    Calls are sent at once until a 429, then at Slack's documented pace. Batch calls never exceed half that pace.
    """

    def __init__(self, clock: Clock, per_minute: int) -> None:
        self._clock = clock
        self._interval = _MINUTE / per_minute
        self._half = per_minute // 2
        self._free_at = -math.inf
        self._batch_went: deque[float] = deque(maxlen=self._half)
        self.waiting: list[LimitedCall] = []
        self.changed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def is_quiet(self) -> bool:
        """True if no call is waiting, and Slack no longer counts the calls that were sent."""
        last = max((self._free_at, *self._batch_went))
        return not self.waiting and self._clock.monotonic() >= last + _MINUTE

    def leave(self, call: "LimitedCall", *, goes: bool) -> None:
        """Take a call out of the line, because it `goes` to Slack or was canceled."""
        now = self._clock.monotonic()
        if goes and now < self._free_at + _MINUTE:
            # The next turn is counted from this call's due time, so that late wake-ups don't add up.
            self._free_at = max(self._free_at, now - self._interval) + self._interval
        if goes and call.caller.in_batch:
            self._batch_went.append(now)
        self.waiting.remove(call)
        if self.waiting:
            self.wake()

    def hold(self, seconds: float) -> None:
        """Send no calls for this many seconds."""
        before, self._free_at = self._free_at, max(self._free_at, self._clock.monotonic() + seconds)
        # All calls of a burst are rejected with about the same wait, so only the first rejection wakes the line.
        if self._free_at > before + 1:
            self.wake()

    def wake(self) -> None:
        """Make every waiting call check the line again."""
        self.changed.set_result(None)
        self.changed = asyncio.get_running_loop().create_future()

    def seconds_until(self, call: "LimitedCall") -> float:
        """Return the estimated seconds until a waiting call's turn; 0 once the turn has come."""
        held = self._free_at - self._clock.monotonic()
        held = held if held > _MOMENT else 0.0
        before = self.waiting[: bisect.bisect_left(self.waiting, call)]
        batches = sum(other.caller.in_batch for other in before)
        if call.caller.in_batch:
            return max(held + len(before) * self._interval, self._half_free_in(batches))
        skipped = batches if batches and self._half_free_in(0) > 0 else 0
        return held + (len(before) - skipped) * self._interval

    def batch_seconds(self, count: int) -> float:
        """Return the estimated seconds until `count` more calls of a batch are sent.

        The estimate assumes that other batches take turns with this one.
        """
        batches = sum(call.caller.in_batch for call in self.waiting)
        held = self._free_at - self._clock.monotonic()
        paced = max(held, 0.0) + count * self._interval if held > -_MINUTE else 0.0
        return max(paced, self._half_free_in(max(count * max(batches, 1) - 1, 0)))

    def _half_free_in(self, more: int) -> float:
        """Return the seconds until a batch can send a call, after `more` other batch calls."""
        now = self._clock.monotonic()
        recent = [at for at in self._batch_went if at > now - _MINUTE + _MOMENT]
        minutes, number = divmod(more + len(recent), self._half)
        if not minutes:
            return 0.0
        return (recent[number] if number < len(recent) else now) - now + minutes * _MINUTE


@dataclass(slots=True, eq=False)
class RateLimiter:
    """The lines of all methods and workspaces. Quiet lines are dropped when a new line begins."""

    clock: Clock
    waited: WaitObserver = lambda method, seconds: None
    is_closed: bool = False
    _lines: dict[tuple[str, str], _Line] = field(default_factory=dict, init=False)

    def line(self, method: str, workspace: str) -> _Line:
        """Return the line of a method in a workspace. Creating a line drops the quiet lines."""
        line = self._lines.get((method, workspace))
        if line is None:
            for quiet in [other for other, line in self._lines.items() if line.is_quiet]:
                del self._lines[quiet]
            line = self._lines[method, workspace] = _Line(self.clock, PER_MINUTE.get(method, min(PER_MINUTE.values())))
        return line

    def close(self) -> None:
        """Reject all present and future calls that have to wait, because the process is stopping."""
        self.is_closed = True
        for line in self._lines.values():
            line.wake()


@dataclass(order=True, frozen=True, slots=True)
class LimitedCall:
    """One call subject to Slack's limits. Its sender awaits its `turn` before each attempt, and reports a 429."""

    limiter: RateLimiter = field(compare=False)
    method: str = field(compare=False)
    caller: Caller = field(compare=False)
    until: float = field(compare=False)
    number: int = field(default_factory=itertools.count().__next__, init=False)

    async def turn(self) -> None:
        """Wait until the call can be sent.

        Raises Busy, ShuttingDown, NoLongerWanted, and the errors of the caller's `recheck`.
        """
        line, goes = self.limiter.line(self.method, self.caller.workspace), False
        bisect.insort(line.waiting, self)
        try:
            waits = line.seconds_until(self) > 0
            if waits:
                await self._wait(line)
            goes = True
        finally:
            line.leave(self, goes=goes)
        if waits:
            await self._check_wanted(is_last=True)
            if self.caller.recheck is not None:
                await self.caller.recheck()

    def rejected(self, seconds: int | None) -> bool:
        """Record a 429 with its `Retry-After`, and hold back the other calls. Returns whether to retry this call.

        A wait that exceeds any call's patience holds no calls back, because later calls may be allowed sooner.
        """
        if seconds is None or seconds > WAIT_SECONDS:
            return False
        self.limiter.line(self.method, self.caller.workspace).hold(seconds)
        return True

    async def _wait(self, line: _Line) -> None:
        clock = self.limiter.clock
        began, longest = clock.monotonic(), math.inf if self.caller.is_wanted is None else WANTED_SECONDS
        try:
            while (seconds := line.seconds_until(self)) > 0:
                if self.limiter.is_closed:
                    raise ShuttingDown
                if clock.monotonic() + seconds > self.until:
                    raise Busy(math.ceil(seconds))
                # The callback may call this function later, even after the call has left the line.
                self.caller.progress(lambda: max(1, math.ceil(line.seconds_until(self))) if self in line.waiting else 0)
                if not await finishes_within(clock, line.changed, min(seconds, longest)):
                    await self._check_wanted(is_last=False)
        finally:
            self.limiter.waited(self.method, clock.monotonic() - began)

    async def _check_wanted(self, *, is_last: bool) -> None:
        if self.caller.is_wanted is None:
            return
        is_wanted = await self.caller.is_wanted()
        if is_wanted is False or (is_last and is_wanted is None):
            raise NoLongerWanted
