"""Time as a value that is passed in, so that tests never sleep."""

import asyncio
import time
from typing import Any, Protocol

_BUSY_SECONDS = 0.05


class Clock(Protocol):
    """Tells the time and waits."""

    def now(self) -> float:
        """Return the wall-clock time, in seconds since the epoch (UTC)."""
        ...

    def monotonic(self) -> float:
        """Return a time in seconds that never goes back, whatever happens to the wall clock."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after so many seconds."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        """Return the wall-clock time, in seconds since the epoch (UTC)."""
        return time.time()

    def monotonic(self) -> float:
        """Return a time in seconds that never goes back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Return after so many seconds."""
        await asyncio.sleep(seconds)


async def is_busy() -> bool:
    """Return whether this process has more to do than it keeps up with: one turn of its event loop is much work.

    It counts the loop's own work, not what other processes take from it.
    """
    before = time.thread_time()
    await asyncio.sleep(0)
    return time.thread_time() - before > _BUSY_SECONDS


async def finishes_within(clock: Clock, work: asyncio.Future[Any], seconds: float) -> bool:
    """Return whether `work` ends (well or badly) within so many seconds. It goes on either way."""
    timer: asyncio.Future[Any] = asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait({work, timer}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        timer.cancel()
    return work.done()
