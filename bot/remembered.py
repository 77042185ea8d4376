"""Answers that stay good for a while, asked for once however many want them."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from bot.clock import Clock

Answer = TypeVar("Answer")

_MOST = 10_000


class Remembered(Generic[Answer]):
    """Remembers answers for `seconds` from the moment they were asked for. None is no answer: it is not kept."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._asked: dict[Hashable, tuple[float, asyncio.Future[Answer | None]]] = {}

    async def get(self, key: Hashable, ask: Callable[[], Awaitable[Answer | None]]) -> Answer | None:
        """The answer to `key`, by `ask` where it is not known. Who asks meanwhile shares the same call."""
        now = self._clock.now()
        known = self._asked.get(key)
        if known is None or now - known[0] >= self._seconds:
            if len(self._asked) >= _MOST:
                self._forget_old(now)
            known = (now, asyncio.ensure_future(ask()))
            self._asked[key] = known
        # Shielded: who gives up waiting does not take the answer from the others.
        answer = await asyncio.shield(known[1])
        if answer is None and self._asked.get(key) == known:
            del self._asked[key]
        return answer

    def _forget_old(self, now: float) -> None:
        self._asked = {key: known for key, known in self._asked.items() if now - known[0] < self._seconds}
