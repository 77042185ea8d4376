"""Batches in the database: whose they are, who moves one on, how long they stay, and who can't read them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.actor import Actor
from bot.app import Storage, open_storage
from bot.batch import Batch, BatchState, Item, ItemResult
from bot.jobs.store import KEPT_SECONDS
from bot.operation import Operation
from bot.storage.engine import DatabaseError
from bot.storage.tables import batches
from tests.audit_log import actor, change, configured, read_rows
from tests.databases import DATABASES, started_database
from tests.manual_clock import ManualClock

ITEMS = (Item("Et1", "google", "ada@example.com", ("weekly_report",)), Item("Et2"), Item("Et1", "a duplicate"))


@dataclass
class Bench:
    storage: Storage
    other: Storage
    clock: ManualClock
    url: str

    def made(self, user: Actor | None = None) -> Batch:
        return Batch.of(user or actor(), Operation.DELETE, ITEMS, self.clock.now())


@pytest.fixture(params=DATABASES)
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(started_database(request.param, tmp_path))
        clock = ManualClock()
        storage = await stack.enter_async_context(open_storage(configured(url), clock))
        other = await stack.enter_async_context(open_storage(configured(url), clock))
        yield Bench(storage, other, clock, url)


async def test_another_process_finds_it_whole_and_each_token_once(bench: Bench) -> None:
    batch = bench.made()
    assert batch.items == (Item("Et1", "a duplicate"), Item("Et2"))
    await bench.storage.batches.put(batch, BatchState.CONFIRMING)
    assert await bench.other.batches.find(batch.batch_id, actor()) == (batch, BatchState.CONFIRMING)
    done = batch.with_result(ItemResult("deleted")).with_result(ItemResult("failed", "timeout", is_sure=False))
    await bench.storage.batches.end(done)
    assert await bench.other.batches.find(batch.batch_id, actor()) == (done, BatchState.ENDED)


@pytest.mark.parametrize("stranger", [actor("U2"), replace(actor(), team_id="T2"), replace(actor(), team_id=None)])
async def test_nobody_else_finds_it(bench: Bench, stranger: Actor) -> None:
    batch = bench.made()
    await bench.storage.batches.put(batch, BatchState.RUNNING)
    assert await bench.storage.batches.find(batch.batch_id, stranger) is None


@pytest.mark.parametrize(
    "value", ["", "None", "0" * 32, "0" * 31 + "\n", "0" * 33, "\x00" * 32, "é" * 32, "' OR 1=1 --"]
)
async def test_what_is_no_batchs_id_finds_nothing(bench: Bench, value: str) -> None:
    await bench.storage.batches.put(bench.made(), BatchState.RUNNING)
    assert await bench.storage.batches.find(value, actor()) is None


async def test_of_many_who_move_it_on_one_does(bench: Bench) -> None:
    batch = bench.made()
    await bench.storage.batches.put(batch, BatchState.CONFIRMING)
    both = [bench.storage.batches, bench.other.batches] * 4
    moved = await asyncio.gather(*(one.move(batch, BatchState.CONFIRMING, BatchState.RUNNING) for one in both))
    assert sorted(moved) == [False] * 7 + [True]


async def test_a_stop_is_seen_by_every_process(bench: Bench) -> None:
    batch = bench.made()
    assert await bench.storage.batches.is_stopping(batch), "there is none"
    await bench.storage.batches.put(batch, BatchState.RUNNING)
    assert not await bench.storage.batches.is_stopping(batch)
    assert await bench.other.batches.move(batch, BatchState.RUNNING, BatchState.STOPPING)
    assert await bench.storage.batches.is_stopping(batch)


async def test_after_a_day_it_is_gone_and_the_next_one_forgets_it(bench: Bench) -> None:
    old = bench.made()
    await bench.storage.batches.put(old, BatchState.CONFIRMING)
    bench.clock.advance(KEPT_SECONDS)
    assert await bench.storage.batches.find(old.batch_id, actor()) is not None
    bench.clock.advance(1)
    assert await bench.storage.batches.find(old.batch_id, actor()) is None
    await bench.storage.batches.put(bench.made(), BatchState.RUNNING)
    assert len(await _rows(bench.url)) == 1


async def test_the_database_tells_nothing_of_it_and_takes_no_other_content(bench: Bench) -> None:
    first, second = bench.made(), bench.made(actor("U2"))
    for batch in (first, second):
        await bench.storage.batches.put(batch, BatchState.RUNNING)
    rows = str(await _rows(bench.url))
    assert not [word for word in ("google", "ada@example", "weekly_report", "delete") if word in rows]
    swap = f"UPDATE batches SET content = (SELECT content FROM batches WHERE id = '{second.batch_id}')"
    await change(bench.url, swap)
    assert await bench.storage.batches.find(first.batch_id, actor()) is None
    assert await bench.storage.batches.find(first.batch_id, actor("U2")) is None
    await change(bench.url, "UPDATE batches SET content = 'forged'")
    assert await bench.storage.batches.find(second.batch_id, actor("U2")) is None


async def test_a_database_that_does_not_work_is_told(bench: Bench) -> None:
    batch = bench.made()
    await change(bench.url, "DROP TABLE batches")
    for call in (
        bench.storage.batches.put(batch, BatchState.RUNNING),
        bench.storage.batches.find(batch.batch_id, actor()),
        bench.storage.batches.is_stopping(batch),
        bench.storage.batches.move(batch, BatchState.RUNNING, BatchState.STOPPING),
        bench.storage.batches.end(batch),
    ):
        with pytest.raises(DatabaseError):
            await call


async def _rows(url: str) -> list[tuple[object, ...]]:
    query = select(batches.c.id, batches.c.state, batches.c.content)
    return [tuple(row.values()) for row in await read_rows(url, query)]
