"""Work that goes on after an acknowledgement, tracked so that shutdown can wait for it."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from contextvars import Context, copy_context

TURN = 16
"""How much begins in one turn of the event loop."""
SHORT_SECONDS = 0.001
"""A turn of the event loop that takes less has left it time for more."""
DEFER_SECONDS = 0.25
"""How long work may be put off for acknowledgements. Then it shares the turns with them."""

Work = Coroutine[None, None, None]


def _tells_nobody(count: int) -> None:
    """Report nothing."""


class Tasks:
    """The background tasks in progress, and who begins when.

    Slack waits three seconds for an acknowledgement and half an hour for an answer, so in a burst acknowledgements come
    first: while there are any, work is put off, unless there's time for it. They have turns because an event loop sends
    nothing until it has called all that is ready: it would prepare a thousand requests while neither Slack nor the disk
    has anything to do, and then wait for both. `on_count` is told how many tasks there are, put off or running,
    whenever that changes.
    """

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()
        self._acknowledging = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._put_off: deque[tuple[Work, Context, float]] = deque()
        self._room = TURN
        self._turned_at = 0.0
        self._is_turn_coming = False
        self.on_count: Callable[[int], None] = _tells_nobody

    @property
    def is_crowded(self) -> bool:
        """Whether acknowledgements wait for their turn."""
        return bool(self._waiting)

    @asynccontextmanager
    async def acknowledging(self) -> AsyncIterator[None]:
        """Wait for the turn of an acknowledgement, and put off work until it's given."""
        self._acknowledging += 1
        try:
            if self._room and not self._waiting:
                self._take_room()
            else:
                turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._waiting.append(turn)
                self._look_ahead()
                await turn
            yield
        finally:
            self._acknowledging -= 1

    def start(self, work: Work) -> None:
        """Run `work` in the background. It must handle its own errors."""
        self._put_off.append((work, copy_context(), time.monotonic()))
        self._tell_count()
        self._look_ahead()

    def _take_room(self) -> None:
        self._room -= 1
        self._look_ahead()

    def _look_ahead(self) -> None:
        if not self._is_turn_coming:
            self._is_turn_coming = True
            asyncio.get_running_loop().call_soon(self._next_turn)

    def _next_turn(self) -> None:
        now = time.monotonic()
        is_short, self._turned_at = now - self._turned_at < SHORT_SECONDS, now
        is_late = bool(self._put_off) and now - self._put_off[0][2] >= DEFER_SECONDS
        self._is_turn_coming, self._room = False, TURN
        while self._waiting and self._room > (TURN // 2 if is_late else 0):
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                self._room -= 1
        room = min(self._room, int(is_short)) if self._acknowledging and not is_late else self._room
        begun = min(room, len(self._put_off))
        self._begin(begun)
        self._room -= begun
        if self._put_off or self._waiting or self._room < TURN:
            self._look_ahead()

    def _begin(self, count: int) -> None:
        for _ in range(count):
            work, context, _ = self._put_off.popleft()
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
        while self._running or self._put_off:
            self._begin(len(self._put_off))
            await asyncio.wait(set(self._running))

    async def drain(self, grace_period: float, cancel_period: float) -> None:
        """Wait up to `grace_period` seconds for every task, then cancel the rest.

        A canceled task has `cancel_period` seconds to tell the person.
        """
        loop = asyncio.get_running_loop()
        for seconds, cancels in ((grace_period, False), (cancel_period, True)):
            deadline = loop.time() + seconds
            self._begin(len(self._put_off))
            # Also for what is begun meanwhile, by a request that was acknowledged just before the end.
            while self._running and loop.time() < deadline:
                for task in self._running:
                    if cancels and not task.cancelling():
                        task.cancel()
                await asyncio.wait(set(self._running), timeout=deadline - loop.time())
                self._begin(len(self._put_off))
