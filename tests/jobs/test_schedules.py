"""Work that runs by itself is taken by one process, on its beat."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.app import Storage, open_storage
from bot.jobs.schedules import Turn, next_due
from tests.audit_log import configured
from tests.manual_clock import ManualClock

HOUR = 3600.0
PROCESSES = 8
TIMES = st.integers(0, 10**16)


def turn(is_mine: bool, due: float) -> Any:
    """A turn, to the microsecond that the database keeps."""
    return Turn(is_mine, pytest.approx(due))  # type: ignore[arg-type]


@given(TIMES, TIMES, st.integers(1, 10**13))
def test_the_next_time_is_on_the_beat_and_at_most_one_interval_off(due: int, now: int, every: int) -> None:
    after = next_due(due, now, every)
    assert now < after <= now + every
    if due <= now or due <= now + every:
        assert (after - due) % every == 0


@pytest.fixture
async def storage(url: str, clock: ManualClock) -> AsyncIterator[Storage]:
    async with open_storage(configured(url), clock) as opened:
        yield opened


async def test_the_first_is_due_at_once_and_the_next_on_the_beat(storage: Storage, clock: ManualClock) -> None:
    start, schedules = clock.now(), storage.schedules
    assert await schedules.claim("test", HOUR) == turn(True, start + HOUR)
    assert await schedules.claim("test", HOUR) == turn(False, start + HOUR)
    clock.advance(HOUR + 5)
    assert await schedules.claim("test", HOUR) == turn(True, start + 2 * HOUR)
    clock.advance(10 * HOUR)
    # What was missed isn't made up for.
    assert await schedules.claim("test", HOUR) == turn(True, start + 12 * HOUR)
    assert not (await schedules.claim("test", HOUR)).is_mine


async def test_a_shorter_setting_and_a_clock_that_was_wrong_bring_it_forward(
    storage: Storage, clock: ManualClock
) -> None:
    await storage.schedules.claim("test", 24 * HOUR)
    assert await storage.schedules.claim("test", HOUR) == turn(False, clock.now() + HOUR)
    clock.set_back(7 * 24 * HOUR)
    assert await storage.schedules.claim("test", HOUR) == turn(False, clock.now() + HOUR)


async def test_a_process_can_claim_the_next_turn_ahead_of_time(storage: Storage, clock: ManualClock) -> None:
    start = clock.now()
    await storage.schedules.claim("test", HOUR)
    clock.advance(HOUR - 60)
    taken = await storage.schedules.claim("test", HOUR, ahead=120)
    assert taken == turn(True, start + 2 * HOUR)
    clock.advance(60)
    assert not (await storage.schedules.claim("test", HOUR)).is_mine


async def test_exactly_one_of_many_event_loops_takes_each_turn(url: str, clock: ManualClock, storage: Storage) -> None:
    def claims() -> list[bool]:
        async def claim_again_and_again() -> list[bool]:
            async with open_storage(configured(url), clock) as opened:
                turns = [await opened.schedules.claim(f"test {number}", HOUR) for number in range(5)]
                return [turn.is_mine for turn in turns]

        return asyncio.run(claim_again_and_again())

    for _ in range(2):
        with ThreadPoolExecutor(PROCESSES) as threads:
            running = [asyncio.wrap_future(threads.submit(claims)) for _ in range(PROCESSES)]
            taken = await asyncio.gather(*running)
        assert [sum(turns) for turns in zip(*taken, strict=True)] == [1] * 5
        clock.advance(HOUR)
