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
class SharedStorage:
    """The storage of two processes on one database."""

    storage: Storage
    other: Storage
    clock: ManualClock
    url: str

    def made(self, user: Actor | None = None) -> Batch:
        return Batch.of(user or actor(), Operation.DELETE, ITEMS, self.clock.now())


@pytest.fixture(params=DATABASES)
async def shared(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SharedStorage]:
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(started_database(request.param, tmp_path))
        clock = ManualClock()
        storage = await stack.enter_async_context(open_storage(configured(url), clock))
        other = await stack.enter_async_context(open_storage(configured(url), clock))
        yield SharedStorage(storage, other, clock, url)


async def test_another_process_finds_it_whole_and_each_token_once(shared: SharedStorage) -> None:
    batch = shared.made()
    assert batch.items == (Item("Et1", "a duplicate"), Item("Et2"))
    await shared.storage.batches.put(batch, BatchState.CONFIRMING)
    assert await shared.other.batches.find(batch.batch_id, actor()) == (batch, BatchState.CONFIRMING)
    done = batch.with_result(ItemResult("deleted")).with_result(ItemResult("failed", "timeout", is_sure=False))
    await shared.storage.batches.end(done)
    assert await shared.other.batches.find(batch.batch_id, actor()) == (done, BatchState.ENDED)


@pytest.mark.parametrize("stranger", [actor("U2"), replace(actor(), team_id="T2"), replace(actor(), team_id=None)])
async def test_nobody_else_finds_a_batch(shared: SharedStorage, stranger: Actor) -> None:
    batch = shared.made()
    await shared.storage.batches.put(batch, BatchState.RUNNING)
    assert await shared.storage.batches.find(batch.batch_id, stranger) is None


@pytest.mark.parametrize(
    "value", ["", "None", "0" * 32, "0" * 31 + "\n", "0" * 33, "\x00" * 32, "é" * 32, "' OR 1=1 --"]
)
async def test_an_invalid_batch_id_finds_nothing(shared: SharedStorage, value: str) -> None:
    await shared.storage.batches.put(shared.made(), BatchState.RUNNING)
    assert await shared.storage.batches.find(value, actor()) is None


async def test_only_one_of_many_processes_moves_a_batch_on(shared: SharedStorage) -> None:
    batch = shared.made()
    await shared.storage.batches.put(batch, BatchState.CONFIRMING)
    both = [shared.storage.batches, shared.other.batches] * 4
    moved = await asyncio.gather(*(one.move(batch, BatchState.CONFIRMING, BatchState.RUNNING) for one in both))
    assert sorted(moved) == [False] * 7 + [True]


async def test_a_stop_is_seen_by_every_process(shared: SharedStorage) -> None:
    batch = shared.made()
    assert await shared.storage.batches.is_stopping(batch), "there is none"
    await shared.storage.batches.put(batch, BatchState.RUNNING)
    assert not await shared.storage.batches.is_stopping(batch)
    assert await shared.other.batches.move(batch, BatchState.RUNNING, BatchState.STOPPING)
    assert await shared.storage.batches.is_stopping(batch)


async def test_after_a_day_it_is_gone_and_the_next_one_forgets_it(shared: SharedStorage) -> None:
    old = shared.made()
    await shared.storage.batches.put(old, BatchState.CONFIRMING)
    shared.clock.advance(KEPT_SECONDS)
    assert await shared.storage.batches.find(old.batch_id, actor()) is not None
    shared.clock.advance(1)
    assert await shared.storage.batches.find(old.batch_id, actor()) is None
    await shared.storage.batches.put(shared.made(), BatchState.RUNNING)
    assert len(await _rows(shared.url)) == 1


async def test_the_database_tells_nothing_of_it_and_takes_no_other_content(shared: SharedStorage) -> None:
    first, second = shared.made(), shared.made(actor("U2"))
    for batch in (first, second):
        await shared.storage.batches.put(batch, BatchState.RUNNING)
    rows = str(await _rows(shared.url))
    assert not [word for word in ("google", "ada@example", "weekly_report", "delete") if word in rows]
    swap = f"UPDATE batches SET content = (SELECT content FROM batches WHERE id = '{second.batch_id}')"
    await change(shared.url, swap)
    assert await shared.storage.batches.find(first.batch_id, actor()) is None
    assert await shared.storage.batches.find(first.batch_id, actor("U2")) is None
    await change(shared.url, "UPDATE batches SET content = 'forged'")
    assert await shared.storage.batches.find(second.batch_id, actor("U2")) is None


async def test_a_database_that_does_not_work_is_told(shared: SharedStorage) -> None:
    batch = shared.made()
    await change(shared.url, "DROP TABLE batches")
    for call in (
        shared.storage.batches.put(batch, BatchState.RUNNING),
        shared.storage.batches.find(batch.batch_id, actor()),
        shared.storage.batches.is_stopping(batch),
        shared.storage.batches.move(batch, BatchState.RUNNING, BatchState.STOPPING),
        shared.storage.batches.end(batch),
    ):
        with pytest.raises(DatabaseError):
            await call


async def _rows(url: str) -> list[tuple[object, ...]]:
    query = select(batches.c.id, batches.c.state, batches.c.content)
    return [tuple(row.values()) for row in await read_rows(url, query)]
