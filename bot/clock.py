"""Time as a value that is passed in, so that tests never sleep."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Protocol

_BUSY_SECONDS = 0.05


class Timer(Protocol):
    """Something that will happen."""

    def cancel(self) -> object:
        """See that it doesn't."""
        ...


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

    def call_later(self, seconds: float, act: Callable[[], None]) -> Timer:
        """Call `act` after so many seconds. It costs a tenth of a task that sleeps."""
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

    def call_later(self, seconds: float, act: Callable[[], None]) -> Timer:
        """Call `act` after so many seconds."""
        return asyncio.get_running_loop().call_later(seconds, act)


async def is_busy() -> bool:
    """Return whether this process has more to do than it keeps up with: one turn of its event loop is much work.

    It counts the loop's own work, not what other processes take from it.
    """
    before = time.thread_time()
    await asyncio.sleep(0)
    return time.thread_time() - before > _BUSY_SECONDS


async def finishes_within(clock: Clock, work: asyncio.Future[Any], seconds: float) -> bool:
    """Return whether `work` ends (well or badly) within so many seconds. It goes on either way."""
    over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def end(_: object = None) -> None:
        if not over.done():
            over.set_result(None)

    work.add_done_callback(end)
    timer = clock.call_later(seconds, end)
    try:
        await over
    finally:
        timer.cancel()
        work.remove_done_callback(end)
    return work.done()
