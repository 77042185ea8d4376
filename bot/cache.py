"""The cache of what is asked for again and again: Slack's answers, and what the database holds."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from bot.clock import Clock

Key = TypeVar("Key")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Asked(Generic[Answer]):
    """A request for an answer. `at` is when it was made, by the clock that is never set back."""

    at: float
    answer: asyncio.Future[Answer]


class Cache(Generic[Key, Answer]):
    """Keeps answers for some seconds from when they were asked for, and at most `most` of them.

    People who ask meanwhile share one request, which goes on when they give up. Errors aren't kept, and neither is
    None unless `keeps_none`.
    """

    def __init__(self, clock: Clock, seconds: float, most: int = 10_000, *, keeps_none: bool = False) -> None:
        self._clock = clock
        self._seconds = seconds
        self._most = most
        self._keeps_none = keeps_none
        self._asked: dict[Key, Asked[Answer]] = {}

    def __iter__(self) -> Iterator[Key]:
        return iter(tuple(self._asked))

    async def get(self, key: Key, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """Return the answer to `key`, by `ask` where it isn't known. Raises what `ask` raises."""
        return await asyncio.shield(self.start(key, ask))

    def start(self, key: Key, ask: Callable[[], Awaitable[Answer]]) -> asyncio.Future[Answer]:
        """Ask for the answer to `key` where it isn't known, without waiting for it."""
        asked = self.find(key)
        if asked is None:
            asked = self._add(key, asyncio.ensure_future(ask()))
        return asked.answer

    def find(self, key: Key) -> Asked[Answer] | None:
        """Return what was asked and still counts, answered or not."""
        asked = self._asked.get(key)
        return asked if asked is not None and self._counts(asked) else None

    def known(self, key: Key) -> Answer | None:
        """Return the answer to `key` where it's known; None where it isn't."""
        asked = self.find(key)
        return asked.answer.result() if asked is not None and asked.answer.done() else None

    def put(self, key: Key, answer: Answer) -> None:
        """Keep an answer that came by other ways."""
        known: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        known.set_result(answer)
        self._add(key, known)

    def pop(self, key: Key) -> None:
        """Forget the answer to `key`, also one that's still to come."""
        self._asked.pop(key, None)

    def pending(self) -> Sequence[asyncio.Future[Answer]]:
        """Return the requests that aren't answered yet."""
        return [asked.answer for asked in self._asked.values() if not asked.answer.done()]

    def _add(self, key: Key, answer: asyncio.Future[Answer]) -> Asked[Answer]:
        self.pop(key)
        while self._asked:
            oldest = next(iter(self._asked))
            if len(self._asked) < self._most and self._counts(self._asked[oldest]):
                break
            self.pop(oldest)
        asked = self._asked[key] = Asked(self._clock.monotonic(), answer)

        def ended(_: asyncio.Future[Answer]) -> None:
            if self._asked.get(key) is asked and not self._counts(asked):
                del self._asked[key]

        answer.add_done_callback(ended)
        return asked

    def _counts(self, asked: Asked[Answer]) -> bool:
        answer = asked.answer
        if not answer.done():
            return True
        if answer.cancelled() or answer.exception() is not None or (answer.result() is None and not self._keeps_none):
            return False
        return self._clock.monotonic() - asked.at < self._seconds
