"""Time as a parameter, so that tests never sleep."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """A source of the current time, and of delays."""

    def now(self) -> float:
        """Return the wall-clock time, in seconds since the epoch (UTC)."""
        ...

    def monotonic(self) -> float:
        """Return a time in seconds that never goes back, even if the wall clock is set back."""
        ...

    async def sleep(self, seconds: float, /) -> None: ...


class SystemClock:
    """The machine's own clock."""

    now = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)
    sleep = staticmethod(asyncio.sleep)
