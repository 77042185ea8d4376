"""Work that continues after an acknowledgement, tracked so that shutdown can wait for it."""

import asyncio
from collections.abc import Coroutine


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

        A canceled task has `cancel_period` seconds to tell the person.
        """
        loop = asyncio.get_running_loop()
        for seconds, cancels in ((grace_period, False), (cancel_period, True)):
            deadline = loop.time() + seconds
            # Includes tasks started in the meantime, by a request acknowledged just before the end.
            while self._running and loop.time() < deadline:
                for task in self._running:
                    if cancels and not task.cancelling():
                        task.cancel()
                await asyncio.wait(set(self._running), timeout=deadline - loop.time())
