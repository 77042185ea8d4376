"""A cache for repeated lookups in Slack and in the database."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from bot.clock import Clock

Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class CachedAnswer(Generic[Value]):
    """A lookup whose result is pending or known. `at` is the time it began, by the monotonic clock."""

    at: float
    answer: asyncio.Future[Value]


class Cache(Generic[Key, Value]):
    """A cache of up to `most` results, each kept for some seconds after its lookup began.

    Concurrent callers share one lookup, which continues if they are canceled. Errors aren't kept, and neither is None
    unless `keeps_none` is set.
    """

    def __init__(self, clock: Clock, seconds: float, most: int = 10_000, *, keeps_none: bool = False) -> None:
        self._clock = clock
        self._seconds = seconds
        self._most = most
        self._keeps_none = keeps_none
        self._asked: dict[Key, CachedAnswer[Value]] = {}

    def __iter__(self) -> Iterator[Key]:
        return iter(tuple(self._asked))

    def get(self, key: Key, ask: Callable[[], Awaitable[Value]]) -> Awaitable[Value]:
        """Return an awaitable of the result for `key`, which raises the errors of `ask`. A new `ask` begins at once."""
        asked = self.find(key)
        if asked is None:
            answer = asyncio.ensure_future(ask())
            self._asked.pop(key, None)
            while self._asked:
                oldest = next(iter(self._asked))
                if len(self._asked) < self._most and self.find(oldest) is not None:
                    break
                del self._asked[oldest]
            asked = self._asked[key] = CachedAnswer(self._clock.monotonic(), answer)
            answer.add_done_callback(partial(self._ended, key, asked))
        return asyncio.shield(asked.answer)

    def find(self, key: Key) -> CachedAnswer[Value] | None:
        """Return the lookup for `key` if it's pending or recent enough; else None."""
        asked = self._asked.get(key)
        if asked is not None and asked.answer.done() and self._clock.monotonic() - asked.at >= self._seconds:
            return None
        return asked

    def put(self, key: Key, answer: Value) -> None:
        """Keep a result from another source."""
        known: asyncio.Future[Value] = asyncio.get_running_loop().create_future()
        known.set_result(answer)
        self._asked.pop(key, None)
        self.get(key, lambda: known)

    def pop(self, key: Key) -> None:
        """Forget the result for `key`, even if it's pending."""
        self._asked.pop(key, None)

    def pending(self) -> Sequence[asyncio.Future[Value]]:
        return [asked.answer for asked in self._asked.values() if not asked.answer.done()]

    def _ended(self, key: Key, asked: CachedAnswer[Value], answer: asyncio.Future[Value]) -> None:
        is_kept = not answer.cancelled() and answer.exception() is None
        is_kept = is_kept and (answer.result() is not None or self._keeps_none)
        if self._asked.get(key) is asked and not (is_kept and self.find(key)):
            del self._asked[key]
