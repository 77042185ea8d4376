"""Time as a value that is passed in, so that tests never sleep."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

_BUSY_SECONDS = 0.05
Result = TypeVar("Result")


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


async def retry(
    act: Callable[[], Awaitable[Result]],
    sleep: Callable[[float], Awaitable[None]],
    waits: Sequence[float],
    passes: Callable[[Exception], bool],
    failed: Callable[[Exception], None] = lambda _: None,
) -> Result:
    """Act, and again after each of `waits` (seconds) while what it raises `passes`.

    Raises what was raised last; `failed` is told of the others. An exception with a `retry_after`, in seconds, is
    waited for at least so long.
    """

    async def attempt() -> Result:  # tenacity awaits nothing but coroutine functions.
        return await act()

    def raised(state: RetryCallState) -> Exception:
        error = state.outcome.exception() if state.outcome is not None else None
        if not isinstance(error, Exception):
            raise TypeError("Only what raised is tried again.")
        return error

    def wait(state: RetryCallState) -> float:
        return max((*waits, 0.0)[state.attempt_number - 1], getattr(raised(state), "retry_after", None) or 0)

    result: Result = await AsyncRetrying(
        sleep=sleep,
        stop=stop_after_attempt(len(waits) + 1),
        wait=wait,
        retry=retry_if_exception(lambda error: isinstance(error, Exception) and passes(error)),
        before_sleep=lambda state: failed(raised(state)),
        reraise=True,
    )(attempt)
    return result


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
