"""Work that goes on after an acknowledgement, tracked so that shutdown can wait for it."""

import asyncio
from collections.abc import Coroutine


class Tasks:
    """The background tasks in progress."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Run `work` in the background. It must handle its own errors."""
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def idle(self) -> None:
        """Return when nothing is in progress."""
        while self._running:
            await asyncio.wait(set(self._running))

    async def drain(self, grace_period: float, cancel_period: float) -> None:
        """Wait up to `grace_period` seconds for every task, then cancel the rest.

        A canceled task has `cancel_period` seconds to tell the person.
        """
        for seconds, cancels in ((grace_period, False), (cancel_period, True)):
            waiting = set(self._running)
            if not waiting:
                return
            if cancels:
                for task in waiting:
                    task.cancel()
            await asyncio.wait(waiting, timeout=seconds)
