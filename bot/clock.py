"""Time as a value that is passed in, so that tests never sleep."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Protocol, TypeVar

Result = TypeVar("Result")


class Clock(Protocol):
    """Tells the time and waits."""

    def now(self) -> float:
        """Return the wall-clock time, in seconds since the epoch (UTC)."""
        ...

    def monotonic(self) -> float:
        """Return a time in seconds that never goes back, whatever happens to the wall clock."""
        ...

    async def sleep(self, seconds: float, /) -> None:
        """Return after so many seconds."""
        ...


class SystemClock:
    """The machine's own clock."""

    now = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)
    sleep = staticmethod(asyncio.sleep)


async def retry(
    act: Callable[[], Coroutine[None, None, Result]],
    sleep: Callable[[float], Awaitable[None]],
    waits: Sequence[float],
    passes: Callable[[Exception], bool],
    failed: Callable[[Exception], None] = lambda _: None,
) -> Result:
    """Call `act`, a coroutine function, and again after each of `waits` (seconds) while what it raises `passes`.

    Raises what was raised last; `failed` is told of the others. An exception with a `retry_after`, in seconds, is
    waited for at least so long.
    """
    for wait in waits:
        try:
            return await act()
        except Exception as error:
            if not passes(error):
                raise
            failed(error)
            seconds = max(wait, getattr(error, "retry_after", None) or 0)
        await sleep(seconds)
    return await act()


async def finishes_within(clock: Clock, work: asyncio.Future[Any], seconds: float) -> bool:
    """Return whether `work` ends (well or badly) within so many seconds. It goes on either way."""
    over = asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait({work, over}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        over.cancel()
    return work.done()
