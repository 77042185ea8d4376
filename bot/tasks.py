"""Work that goes on after an acknowledgement, tracked so that shutdown can wait for it."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import Context, copy_context

DEFER_SECONDS = 0.25
"""How long work may be put off for acknowledgements."""
_CROWD = 16
"""How many acknowledgements at once are a burst."""


def _tells_nobody(count: int) -> None:
    """Report nothing."""


class Tasks:
    """The background tasks in progress.

    Slack waits three seconds for an acknowledgement and half an hour for an answer. So in a burst, the acknowledgements
    come first: work is put off for as long as others are being acknowledged, within reason. `on_count` is told how many
    there are, put off or running, whenever that changes.
    """

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()
        self._acknowledging = 0
        self._put_off: list[tuple[Coroutine[None, None, None], Context]] = []
        self._deadline: asyncio.TimerHandle | None = None
        self.on_count: Callable[[int], None] = _tells_nobody

    @property
    def is_crowded(self) -> bool:
        """Whether so many requests are being acknowledged that each should cost as little as it can until then."""
        return self._acknowledging > _CROWD

    @contextmanager
    def acknowledging(self) -> Iterator[None]:
        """Put off work while a request is being acknowledged."""
        self._acknowledging += 1
        try:
            yield
        finally:
            self._acknowledging -= 1
            if not self._acknowledging:
                self._begin()

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Run `work` in the background. It must handle its own errors."""
        self._put_off.append((work, copy_context()))
        self._tell_count()
        if not self._acknowledging:
            self._begin()
        elif self._deadline is None:
            self._deadline = asyncio.get_running_loop().call_later(DEFER_SECONDS, self._begin)

    def _begin(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        begun, self._put_off = self._put_off, []
        for work, context in begun:
            task = asyncio.get_running_loop().create_task(work, context=context)
            self._running.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._tell_count()

    def _tell_count(self) -> None:
        self.on_count(len(self._running) + len(self._put_off))

    async def idle(self) -> None:
        """Return when nothing is in progress."""
        self._begin()
        while self._running:
            await asyncio.wait(set(self._running))

    async def drain(self, grace_period: float, cancel_period: float) -> None:
        """Wait up to `grace_period` seconds for every task, then cancel the rest.

        A canceled task has `cancel_period` seconds to tell the person.
        """
        loop = asyncio.get_running_loop()
        for seconds, cancels in ((grace_period, False), (cancel_period, True)):
            deadline = loop.time() + seconds
            self._begin()
            # Also for what is begun meanwhile, by a request that was acknowledged just before the end.
            while self._running and loop.time() < deadline:
                for task in self._running:
                    if cancels and not task.cancelling():
                        task.cancel()
                await asyncio.wait(set(self._running), timeout=deadline - loop.time())
                self._begin()
