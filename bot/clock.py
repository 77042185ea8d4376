"""Time as a parameter, so that tests never sleep."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Protocol, TypeVar

Result = TypeVar("Result")


class Clock(Protocol):
    """A source of time and waits."""

    def now(self) -> float:
        """Return the wall-clock time, in seconds since the epoch (UTC)."""
        ...

    def monotonic(self) -> float:
        """Return a time in seconds that never goes back, even if the wall clock does."""
        ...

    async def sleep(self, seconds: float, /) -> None: ...


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
    """Call `act`, and again after each of `waits` (seconds) while its error `passes`.

    Raises the last error; `failed` gets the earlier ones. After an error with a `retry_after`, in seconds, the wait is
    at least that long.
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
    """Return whether `work` ends (well or badly) within this many seconds. It continues either way."""
    over = asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait({work, over}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        over.cancel()
    return work.done()
