"""Holds back the calls of a method after Slack's 429, and then lets them go in turn.

One 429 says enough: without this, each call of a burst would be rejected for itself, over and over. Each process learns
from its own 429s.
https://docs.slack.dev/apis/web-api/rate-limits/
"""

import itertools
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.clock import Clock, finishes_within
from bot.slack.line import Line

SecondsLeft = Callable[[], int]
"""Returns how long a call still has to wait. That grows when others come before it, and is 0 once its turn has come."""
Progress = Callable[[SecondsLeft], None]
"""Is told of a wait, and again whenever the call looks at the line: every two seconds where it has a `Wanted`."""
Wanted = Callable[[], Awaitable[bool | None]]
"""Returns whether a call is still wanted; None where nobody can tell now."""
Waited = Callable[[str, float], None]
"""Is told of each wait that is over: the method, and the seconds."""

WAIT_SECONDS = 600.0
"""How long one call waits in all because of Slack's limits. 300 calls at once need six minutes."""
WANTED_SECONDS = 2.0
"""How often a waiting call looks whether it's still wanted."""
_LATE_SECONDS = 1.0


async def _anything_goes() -> None:
    """Check nothing."""


def tells_nobody(seconds_left: SecondsLeft) -> None:
    """Report no wait."""


def _notes_nothing(method: str, seconds: float) -> None:
    """Note nothing."""


@dataclass(frozen=True, slots=True)
class Caller:
    """On whose behalf a call is made, and what happens while it waits.

    People take turns, so that one call doesn't wait for somebody else's hundred; who `yields` goes when no other waits.
    `progress` is told of a wait. `is_wanted` is asked every two seconds during a wait, and once more after it: the call
    isn't sent if it's no longer wanted, or if that can't be told after the wait. `recheck` runs right before the call
    is sent, and may raise. `patience` is the longest wait in all, in seconds.
    """

    workspace: str = ""
    person: str = ""
    progress: Progress = tells_nobody
    recheck: Callable[[], Awaitable[None]] = _anything_goes
    patience: float = WAIT_SECONDS
    yields: bool = False
    is_wanted: Wanted | None = None


class Busy(Exception):
    """Slack's limits last longer than the call can wait. `seconds` is when its turn would come."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"{seconds} seconds")
        self.seconds = seconds


class Stopping(Exception):
    """The bot is stopping, so the call isn't sent."""


class NoLongerWanted(Exception):
    """Whoever made the call has given it up while it waited, so it isn't sent."""


class Pacer:
    """The lines of all methods and workspaces. A line is forgotten when it has been quiet for a minute."""

    def __init__(self, clock: Clock, waited: Waited = _notes_nothing) -> None:
        self.clock = clock
        self.waited = waited
        self._lines: dict[tuple[str, str], Line] = {}
        self._numbers = itertools.count()
        self._is_closed = False

    def call(self, method: str, per_minute: int, caller: Caller) -> "PacedCall":
        """Begin a call of a method that Slack allows `per_minute` times."""
        key = (method, caller.workspace)
        line = self._lines.get(key)
        if line is None or line.is_quiet:
            for quiet in [other for other, line in self._lines.items() if line.is_quiet]:
                del self._lines[quiet]
            line = self._lines[key] = Line(self.clock, per_minute)
        return PacedCall(self, method, line, caller, next(self._numbers))

    @property
    def is_closed(self) -> bool:
        """Whether nobody can wait any longer."""
        return self._is_closed

    def close(self) -> None:
        """Send away everybody who waits, now and from now on: the bot is stopping."""
        self._is_closed = True
        for line in self._lines.values():
            line.dismiss()


class PacedCall:
    """One call on its way. Enter it with `async with` each time it's sent, and say inside when it was `rejected`.

    Entering returns when it can be sent. Raises Busy, Stopping, NoLongerWanted, and what the caller's `recheck` raises.
    """

    def __init__(self, pacer: Pacer, method: str, line: Line, caller: Caller, number: int) -> None:
        self._pacer = pacer
        self._method = method
        self._clock = pacer.clock
        self._line = line
        self._caller = caller
        self._number = number
        self._until = self._clock.monotonic() + caller.patience
        self._holds = 0
        self._is_rejected = False

    async def __aenter__(self) -> None:
        waited = not self._line.passes()
        if waited:
            await self._wait()
        self._holds, self._is_rejected = self._line.holds, False
        if waited:
            try:
                await self._check_wanted(is_last=True)
                await self._caller.recheck()
            except BaseException:
                self._line.ended(accepted=False)
                raise

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        self._line.ended(accepted=not self._is_rejected)

    def rejected(self, seconds: int | None) -> bool:
        """Note a 429 with its `Retry-After`, and hold back the other calls. Returns whether to enter once more.

        What takes longer than anyone would wait holds nobody back: whoever comes later hears it from Slack, and
        whether it's still so.
        """
        self._is_rejected = True
        if seconds is None or seconds > WAIT_SECONDS:
            return False
        self._line.hold(seconds, self._holds)
        return True

    async def _wait(self) -> None:
        if self._pacer.is_closed:
            raise Stopping
        line, person = self._line, self._caller.person
        place, began = line.join(person, self._number, yields=self._caller.yields), self._clock.monotonic()

        def seconds_left() -> int:
            return 0 if place.turn.done() else max(1, math.ceil(line.seconds_until(person, place)))

        try:
            while not place.turn.done():
                seconds = line.seconds_until(person, place)
                if self._clock.monotonic() + seconds > self._until:
                    raise Busy(math.ceil(seconds))
                self._caller.progress(seconds_left)
                longest = math.inf if self._caller.is_wanted is None else WANTED_SECONDS
                if not await finishes_within(self._clock, place.turn, min(seconds + _LATE_SECONDS, longest)):
                    await self._check_wanted(is_last=False)
        except BaseException:
            if place.turn.done() and place.turn.result():
                line.ended(accepted=False)
            raise
        finally:
            line.leave(person, place)
            place.turn.cancel()  # From now on, no seconds are left. Once the turn has come, this has no effect.
            self._pacer.waited(self._method, self._clock.monotonic() - began)
        if not place.turn.result():
            raise Stopping

    async def _check_wanted(self, *, is_last: bool) -> None:
        if self._caller.is_wanted is None:
            return
        is_wanted = await self._caller.is_wanted()
        if is_wanted is False or (is_last and is_wanted is None):
            raise NoLongerWanted
