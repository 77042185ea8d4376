"""The one cache: who shares a request, what is kept, and for how long."""

import asyncio

import pytest

from bot.cache import Cache
from tests.manual_clock import ManualClock


class Source:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.times = 0
        self.go = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self) -> str:
        self.times += 1
        answer = f"answer {self.times}"
        await self.go.wait()
        if self.error is not None:
            raise self.error
        return answer


def known(cache: Cache[str, str]) -> str | None:
    asked = cache.find("k")
    return asked.answer.result() if asked is not None and asked.answer.done() else None


async def nothing() -> None:
    return None


async def test_an_answer_is_asked_for_once_and_kept_from_when_it_was_asked_for() -> None:
    clock, source = ManualClock(), Source()
    cache: Cache[str, str] = Cache(clock, 60.0)
    asking = asyncio.gather(*(cache.get("k", source) for _ in range(20)))
    await asyncio.sleep(0)
    assert known(cache) is None
    clock.advance(30)
    source.go.set()
    assert await asking == ["answer 1"] * 20
    assert known(cache) == "answer 1"
    clock.set_back(3600)
    clock.advance(29.9)
    assert await cache.get("k", source) == "answer 1"
    clock.advance(0.1)
    assert known(cache) is None
    assert await cache.get("k", source) == "answer 2"
    assert await cache.get("another", source) == "answer 3"


async def test_no_answer_is_not_kept_unless_it_is_wanted() -> None:
    for keeps_none in (False, True):
        cache: Cache[str, str | None] = Cache(ManualClock(), 60.0, keeps_none=keeps_none)
        source = Source()
        source.go.set()
        assert await cache.get("k", nothing) is None
        assert await cache.get("k", source) == (None if keeps_none else "answer 1")


async def test_an_error_reaches_all_who_wait_and_is_not_kept() -> None:
    cache: Cache[str, str] = Cache(ManualClock(), 60.0)
    source = Source()
    source.error = ConnectionError("once")
    asking = asyncio.gather(*(cache.get("k", source) for _ in range(3)), return_exceptions=True)
    await asyncio.sleep(0)
    source.go.set()
    assert await asking == [source.error] * 3
    assert (known(cache), cache.find("k")) == (None, None)
    source.error = None
    assert await cache.get("k", source) == "answer 2"


async def test_a_request_goes_on_when_all_who_asked_have_given_up() -> None:
    cache: Cache[str, str] = Cache(ManualClock(), 60.0)
    source = Source()
    first, second = (asyncio.ensure_future(cache.get("k", source)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    second.cancel()
    await asyncio.wait({first, second})
    source.go.set()
    assert await cache.get("k", source) == "answer 1"
    assert source.times == 1


async def test_a_request_is_shared_for_as_long_as_it_takes() -> None:
    clock, source = ManualClock(), Source()
    cache: Cache[str, str] = Cache(clock, 0.0)
    first = asyncio.ensure_future(cache.get("k", source))
    await asyncio.sleep(0)
    clock.advance(1000)
    second = asyncio.ensure_future(cache.get("k", source))
    await asyncio.sleep(0)
    assert len(cache.pending()) == 1
    source.go.set()
    assert (await first, await second) == ("answer 1", "answer 1")
    await asyncio.sleep(0)
    assert (cache.pending(), list(cache)) == ([], [])
    assert await cache.get("k", source) == "answer 2"


async def test_a_value_forgotten_while_it_is_fetched_is_fetched_again() -> None:
    cache: Cache[str, str] = Cache(ManualClock(), 60.0)
    source = Source()
    before = asyncio.ensure_future(cache.get("k", source))
    await asyncio.sleep(0)
    cache.pop("k")
    cache.pop("k")
    after = asyncio.ensure_future(cache.get("k", source))
    await asyncio.sleep(0)
    source.go.set()
    assert (await before, await after) == ("answer 1", "answer 2")
    assert known(cache) == "answer 2"
    cache.put("k", "told")
    assert await cache.get("k", source) == "told"


@pytest.mark.parametrize("most", [1, 3])
async def test_no_more_are_kept_than_it_may_and_none_for_longer(most: int) -> None:
    clock = ManualClock()
    cache: Cache[int, str] = Cache(clock, 60.0, most)
    for number in range(10):
        cache.put(number, "answer")
    assert list(cache) == list(range(10 - most, 10))
    clock.advance(60)
    cache.put(10, "answer")
    assert list(cache) == [10]
