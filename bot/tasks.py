"""The work that goes on after an acknowledgement, known by name so that shutdown can wait for it."""

import asyncio
from collections.abc import Coroutine


class Tasks:
    """Work in progress."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Do it in the background. The work has to deal with its own errors."""
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def drain(self, patience: float, farewell: float) -> None:
        """Wait for all of it, at most `patience` seconds, then cancel the rest.

        What is cancelled has `farewell` seconds to say so.
        """
        for seconds, cancels in ((patience, False), (farewell, True)):
            waiting = set(self._running)
            if not waiting:
                return
            if cancels:
                for task in waiting:
                    task.cancel()
            await asyncio.wait(waiting, timeout=seconds)
