"""A clock that a test turns."""

import asyncio
import time

from bot.server.socket_connection import PING_SECONDS


class ManualClock:
    """Starts at the machine's time and then stands still until it is advanced."""

    def __init__(self) -> None:
        self._now = time.time()
        self._monotonic_ahead = 0.0
        self._sleepers: list[tuple[float, asyncio.Event]] = []
        self._pings: set[asyncio.Event] = set()
        self._asleep = asyncio.Event()

    @property
    def sleepers(self) -> int:
        """The number of sleeps that aren't over."""
        return len(self._sleepers)

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._now + self._monotonic_ahead

    def set_back(self, seconds: float) -> None:
        """Set the wall clock back, as an operator or a time server does. Nobody's sleep ends sooner or later."""
        self._now -= seconds
        self._monotonic_ahead += seconds
        self._sleepers[:] = [(due - seconds, over) for due, over in self._sleepers]

    async def sleep(self, seconds: float) -> None:
        over = asyncio.Event()
        self._sleepers.append((self._now + seconds, over))
        if seconds == PING_SECONDS:
            self._pings.add(over)
        self._asleep.set()
        try:
            await over.wait()
        finally:
            self._pings.discard(over)
            self._sleepers[:] = [sleeper for sleeper in self._sleepers if sleeper[1] is not over]

    def advance(self, seconds: float) -> None:
        self._now += seconds
        for due, over in self._sleepers:
            if due <= self._now:
                over.set()

    def advance_to_next(self, at_most: float) -> None:
        """Advance to when the next sleep ends, unless that is too far off. Socket Mode's pings are passed over."""
        due = min(
            (due for due, over in self._sleepers if not over.is_set() and over not in self._pings), default=self._now
        )
        if 0 < due - self._now <= at_most:
            self.advance(due - self._now + 0.001)

    def advance_when_asleep(self, seconds: float) -> None:
        """Advance by so many seconds as soon as somebody sleeps for them."""

        async def advance() -> None:
            await self.until_asleep(seconds)
            self.advance(seconds)

        self._advancing = asyncio.ensure_future(advance())

    async def until_sleeping(self, count: int) -> None:
        """Wait until so many sleep."""
        async with asyncio.timeout(30):
            while len(self._sleepers) < count:
                self._asleep.clear()
                await self._asleep.wait()

    async def until_asleep(self, seconds: float, count: int = 1) -> None:
        """Wait until somebody, or so many, sleep for so long."""
        async with asyncio.timeout(30):
            while sum(abs(due - self._now - seconds) < 0.01 for due, _ in self._sleepers) < count:
                self._asleep.clear()
                await self._asleep.wait()
