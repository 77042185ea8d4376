"""Helpers for background tasks, retries, and time limits."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from bot.clock import Clock

Result = TypeVar("Result")


class Tasks:
    """The background tasks in progress."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[object]] = set()

    def start(self, work: Coroutine[None, None, object]) -> None:
        """Run `work` in the background. It must handle its own errors."""
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def __len__(self) -> int:
        return len(self._running)

    async def idle(self) -> None:
        """Wait until nothing is in progress."""
        while self._running:
            await asyncio.wait(set(self._running))

    async def drain(self, grace_period: float, cancel_period: float) -> None:
        """Wait up to `grace_period` seconds for every task, then cancel the rest.

        A canceled task has `cancel_period` seconds to notify the person.
        """
        loop = asyncio.get_running_loop()
        for seconds, cancels in ((grace_period, False), (cancel_period, True)):
            deadline = loop.time() + seconds
            # A request acknowledged just before shutdown may still start tasks, so the set is read again each time.
            while self._running and loop.time() < deadline:
                for task in self._running:
                    if cancels and not task.cancelling():
                        task.cancel()
                await asyncio.wait(set(self._running), timeout=deadline - loop.time())


async def retry(
    act: Callable[[], Coroutine[None, None, Result]],
    sleep: Callable[[float], Awaitable[None]],
    waits: Sequence[float],
    passes: Callable[[Exception], bool],
    failed: Callable[[Exception], None] = lambda _: None,
) -> Result:
    """Call `act`, and call it again after each of `waits` (seconds) as long as its error is temporary.

    `passes` returns whether an error is temporary. Raises the last error; `failed` gets the earlier errors. After an
    error with a `retry_after`, in seconds, the wait is at least that long.
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
    """Return whether `work` ends, successfully or not, within this many seconds. Otherwise `work` continues."""
    over = asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait({work, over}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        over.cancel()
    return work.done()
