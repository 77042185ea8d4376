"""Holds back the calls of a method after Slack's 429, and then lets them go one by one.

One 429 says enough: without this, each call of a burst would be rejected for itself, over and over. Each process learns
from its own 429s.
https://docs.slack.dev/apis/web-api/rate-limits/
"""

import asyncio
import bisect
import itertools
import math
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bot.clock import Clock, Timer, finishes_within

GET = "apps.auth.external.get"
DELETE = "apps.auth.external.delete"
LIST = "apps.auth.external.list"
PER_MINUTE = {GET: 50, DELETE: 100, LIST: 20}
"""How often Slack allows each method in a workspace at least: tiers 3 and 4. What it allows for a list isn't public."""

SecondsLeft = Callable[[], int]
"""Returns how long a call still has to wait. It's 0 once its turn has come."""
Progress = Callable[[SecondsLeft], None]
"""Is told of a wait, and again when it grows; every two seconds where there is a `Wanted`."""
Wanted = Callable[[], Awaitable[bool | None]]
"""Returns whether a call is still wanted; None where nobody can tell now."""
Waited = Callable[[str, float], None]
"""Is told of each wait that is over: the method, and the seconds."""

WAIT_SECONDS = 600.0
"""How long one call waits in all because of Slack's limits. 300 calls at once need six minutes."""
WANTED_SECONDS = 2.0
"""How often a waiting call looks whether it's still wanted."""
_MINUTE = 61.0
"""The minute that Slack counts by, in seconds, with one for the way there and back."""
_MOMENT = 0.001


async def _anything_goes() -> None:
    """Check nothing."""


def tells_nobody(seconds_left: SecondsLeft) -> None:
    """Report no wait."""


def _notes_nothing(method: str, seconds: float) -> None:
    """Note nothing."""


@dataclass(frozen=True, slots=True)
class Caller:
    """What happens while a call waits.

    `progress` is told of a wait. `is_wanted` is asked every two seconds during a wait, and once more after it: the call
    isn't sent if it's no longer wanted, or if that can't be told after the wait. `recheck` runs right before the call
    is sent, and may raise. `patience` is the longest wait in all, in seconds. Calls that are `in_batch` take at most
    half of what Slack allows, so that nobody else meets a 429 because of them.
    """

    workspace: str = ""
    progress: Progress = tells_nobody
    recheck: Callable[[], Awaitable[None]] = _anything_goes
    patience: float = WAIT_SECONDS
    in_batch: bool = False
    is_wanted: Wanted | None = None


class Busy(Exception):
    """Slack's limits last longer than the call can wait. `seconds` is when its turn would come."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"{seconds} seconds")
        self.seconds = seconds


class Stopping(Exception):
    """The bot is stopping, so the call isn't sent."""


class NoLongerWanted(Exception):
    """The call has been given up while it waited, so it isn't sent."""


@dataclass(order=True, slots=True)
class _Place:
    """A call's place in a line. `turn` becomes None when the call goes, or why it doesn't."""

    number: int
    caller: Caller = field(compare=False)
    until: float = field(compare=False)
    turn: "asyncio.Future[Exception | None]" = field(compare=False)


class _Line:
    """The calls of one method in one workspace, first come, first served.

    They go at once until a 429, and then at the pace that Slack documents. Those of batches never go more than half as
    often.
    """

    def __init__(self, clock: Clock, per_minute: int) -> None:
        self._clock = clock
        self._interval = _MINUTE / per_minute
        self._half = per_minute // 2
        self._is_limited = False
        self._free_at = clock.monotonic()
        self._batch_went: deque[float] = deque(maxlen=self._half)
        self._waiting: list[_Place] = []
        self._timer: Timer | None = None

    @property
    def is_quiet(self) -> bool:
        """Whether nothing waits, and Slack no longer counts what went."""
        last = max(self._free_at, *self._batch_went) if self._batch_went else self._free_at
        return not self._waiting and self._clock.monotonic() >= last + _MINUTE

    def join(self, place: _Place) -> None:
        """Go at once, or wait behind those that began earlier."""
        bisect.insort(self._waiting, place)
        self._release()
        self._tell(place)

    def leave(self, place: _Place) -> None:
        """Wait no longer."""
        if place in self._waiting:
            self._waiting.remove(place)
            self._release()

    def hold(self, seconds: float) -> None:
        """Let nobody go for so many seconds."""
        before, self._is_limited = self._free_at, True
        self._free_at = max(before, self._clock.monotonic() + seconds)
        self._release()
        # Of a burst, each call is rejected for about as long.
        if self._free_at > before + 1:
            for place in self._waiting:
                self._tell(place)

    def dismiss(self) -> None:
        """Send everybody away."""
        for place in self._waiting:
            _end(place, Stopping())

    def seconds_left(self, place: _Place) -> int:
        """Return the seconds until the turn comes; 0 once it has."""
        return 0 if place.turn.done() else max(1, math.ceil(self._seconds_until(place)))

    def batch_seconds(self, count: int) -> float:
        """Return the seconds until so many more calls of a batch have gone, while it takes turns with other batches."""
        batches = sum(place.caller.in_batch for place in self._waiting)
        paced = self._held() + count * self._interval if self._is_limited else 0.0
        return max(paced, self._half_free_in(max(count * max(batches, 1) - 1, 0)))

    def _release(self) -> None:
        """Let those go whose turn has come, and come back for the next one."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for place in list(self._waiting):
            if self._held() > 0:
                break
            if not place.caller.in_batch or self._half_free_in(0) == 0:
                self._waiting.remove(place)
                self._go(place)
        if self._waiting:
            is_batch = all(place.caller.in_batch for place in self._waiting)
            seconds = max(self._held(), self._half_free_in(0) if is_batch else 0.0)
            self._timer = self._clock.call_later(seconds, self._release)

    def _go(self, place: _Place) -> None:
        if place.turn.done():
            return
        now = self._clock.monotonic()
        if self._is_limited:
            # From when it was due, so that being woken late doesn't add up.
            self._free_at = max(self._free_at, now - self._interval) + self._interval
        if place.caller.in_batch:
            self._batch_went.append(now)
        place.turn.set_result(None)

    def _tell(self, place: _Place) -> None:
        """Tell a call that waits how long, or send it away if that's too long for it."""
        if place.turn.done():
            return
        seconds = self._seconds_until(place)
        if self._clock.monotonic() + seconds > place.until:
            _end(place, Busy(math.ceil(seconds)))
        else:
            place.caller.progress(lambda: self.seconds_left(place))

    def _seconds_until(self, place: _Place) -> float:
        before = self._waiting[: self._waiting.index(place)]
        batches = sum(other.caller.in_batch for other in before)
        if place.caller.in_batch:
            return max(self._held() + len(before) * self._interval, self._half_free_in(batches))
        skipped = batches if self._half_free_in(0) > 0 else 0
        return self._held() + (len(before) - skipped) * self._interval

    def _held(self) -> float:
        """Return the seconds until Slack takes another call."""
        seconds = self._free_at - self._clock.monotonic()
        return seconds if seconds > _MOMENT else 0.0

    def _half_free_in(self, more: int) -> float:
        """Return the seconds until another call of a batch can go when so many more have gone before it."""
        now = self._clock.monotonic()
        recent = [at for at in self._batch_went if at > now - _MINUTE + _MOMENT]
        minutes, number = divmod(more + len(recent), self._half)
        if not minutes:
            return 0.0
        return (recent[number] if number < len(recent) else now) - now + minutes * _MINUTE


def _end(place: _Place, why: Exception) -> None:
    if not place.turn.done():
        place.turn.set_result(why)


class RateLimiter:
    """The lines of all methods and workspaces. A line is forgotten when it has been quiet for a minute."""

    def __init__(self, clock: Clock, waited: Waited = _notes_nothing) -> None:
        self.clock = clock
        self.waited = waited
        self._lines: dict[tuple[str, str], _Line] = {}
        self._numbers = itertools.count()
        self._is_closed = False

    def call(self, method: str, caller: Caller) -> "LimitedCall":
        """Begin a call."""
        until = self.clock.monotonic() + caller.patience
        return LimitedCall(self, method, caller, next(self._numbers), until)

    def line(self, method: str, workspace: str) -> _Line:
        """Return the line of a method in a workspace."""
        line = self._lines.get((method, workspace))
        if line is None or line.is_quiet:
            for quiet in [other for other, line in self._lines.items() if line.is_quiet]:
                del self._lines[quiet]
            line = self._lines[method, workspace] = _Line(self.clock, PER_MINUTE[method])
        return line

    def batch_seconds(self, method: str, workspace: str, count: int) -> float:
        """Return the seconds until so many more calls of a batch have gone, as far as can be told now."""
        return self.line(method, workspace).batch_seconds(count)

    @property
    def is_closed(self) -> bool:
        """Whether nobody can wait any longer."""
        return self._is_closed

    def close(self) -> None:
        """Send away everybody who waits, now and from now on: the bot is stopping."""
        self._is_closed = True
        for line in self._lines.values():
            line.dismiss()


@dataclass(frozen=True, slots=True)
class LimitedCall:
    """One call on its way. Await its `turn` each time it's sent, and say when it was `rejected`."""

    limiter: RateLimiter
    method: str
    caller: Caller
    number: int
    until: float

    async def turn(self) -> None:
        """Return when it can be sent.

        Raises Busy, Stopping, NoLongerWanted, and what the caller's `recheck` raises.
        """
        turn: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        line = self.limiter.line(self.method, self.caller.workspace)
        place = _Place(self.number, self.caller, self.until, turn)
        line.join(place)
        if turn.done() and turn.result() is None:
            return
        if self.limiter.is_closed:
            _end(place, Stopping())
        began = self.limiter.clock.monotonic()
        try:
            await self._wait(line, place)
        finally:
            turn.cancel()  # From now on, no seconds are left. Once the turn has come, this has no effect.
            line.leave(place)
            self.limiter.waited(self.method, self.limiter.clock.monotonic() - began)
        why = turn.result()
        if why is not None:
            raise why
        await self._check_wanted(is_last=True)
        await self.caller.recheck()

    def rejected(self, seconds: int | None) -> bool:
        """Note a 429 with its `Retry-After`, and hold back the other calls. Returns whether to send it once more.

        What takes longer than anyone would wait holds nobody back: whoever comes later hears it from Slack, and
        whether it's still so.
        """
        if seconds is None or seconds > WAIT_SECONDS:
            return False
        self.limiter.line(self.method, self.caller.workspace).hold(seconds)
        return True

    async def _wait(self, line: _Line, place: _Place) -> None:
        if self.caller.is_wanted is None:
            await place.turn
            return
        while not await finishes_within(self.limiter.clock, place.turn, WANTED_SECONDS):
            await self._check_wanted(is_last=False)
            self.caller.progress(lambda: line.seconds_left(place))

    async def _check_wanted(self, *, is_last: bool) -> None:
        if self.caller.is_wanted is None:
            return
        is_wanted = await self.caller.is_wanted()
        if is_wanted is False or (is_last and is_wanted is None):
            raise NoLongerWanted
