"""How batches get into the log: in how few steps, and what happens when others write or the connection is lost."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from bot.audit.entries import AuditResult, Filters
from bot.audit.log import AuditLog, DuplicateInteraction
from bot.storage.sqlite import SqliteDatabase
from tests.audit_log import GET, actor, came, change, checked, configured, open_audit_log, write
from tests.databases import started_database
from tests.manual_clock import ManualClock
from tests.storage.postgres_proxy import Proxy, open_proxy

IN_ONE_LANE_WITH_T1 = "T3"
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture
async def postgres(tmp_path: Path) -> AsyncIterator[str]:
    async with started_database("postgresql", tmp_path) as url:
        yield url


@pytest.fixture
async def behind(postgres: str) -> AsyncIterator[tuple[Proxy, AuditLog]]:
    """A log whose way to the database can be watched."""
    async with open_proxy(postgres) as (proxy, url), open_audit_log(configured(url), ManualClock()) as audit:
        yield proxy, audit


async def test_an_entry_takes_one_round_trip_to_postgresql(behind: tuple[Proxy, AuditLog]) -> None:
    proxy, audit = behind
    await write(audit, 1)  # connects and prepares
    before = proxy.round_trips
    await write(audit, 5)
    assert proxy.round_trips - before == 10
    person = came("U1")
    await audit.receive(person)  # prepares
    before = proxy.round_trips
    attempt = await audit.attempt(person, GET)
    await audit.receive(came("U2"))
    await audit.finish(attempt, AuditResult("fetched", None, 1))
    assert proxy.round_trips - before == 3
    assert await checked(audit) == (7, 14, None)


async def test_an_entry_takes_one_call_to_sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    write_batch = SqliteDatabase._write

    def counted(database: SqliteDatabase, work: object) -> object:
        calls.append(work)
        return write_batch(database, work)  # type: ignore[arg-type]

    async with open_audit_log(configured(f"sqlite:///{tmp_path}/audit.db"), ManualClock()) as audit:
        monkeypatch.setattr(SqliteDatabase, "_write", counted)
        await write(audit, 5)
        await audit.receive(came("U1"))
    assert len(calls) == 11


async def test_two_processes_that_take_turns_keep_one_chain(postgres: str) -> None:
    async with (
        open_audit_log(configured(postgres), ManualClock()) as first,
        open_audit_log(configured(postgres), ManualClock()) as second,
    ):
        for audit in (first, second, second, first, second, first, first):
            await write(audit, 1)
        await asyncio.gather(*(write(audit, 5) for audit in (first, second) for _ in range(5)))
        assert await checked(first) == (57, 114, None)


async def test_an_answer_lost_on_its_way_is_not_an_entry_lost_or_doubled(behind: tuple[Proxy, AuditLog]) -> None:
    proxy, audit = behind
    await write(audit, 2)
    person = came("U1")
    await audit.receive(person)
    proxy.loses_answer = True
    attempt = await audit.attempt(person, GET)
    proxy.loses_answer = True
    await audit.finish(attempt, AuditResult("fetched", None, 1))
    newest = (await audit.newest(1, Filters()))[0]
    assert (newest.user_id, newest.outcome) == ("U1", "fetched")
    assert await checked(audit) == (3, 6, None)


async def test_an_answer_lost_before_somebody_else_writes_makes_no_duplicate(
    behind: tuple[Proxy, AuditLog], postgres: str
) -> None:
    proxy, audit = behind
    async with open_audit_log(configured(postgres), ManualClock()) as other:
        await write(audit, 2)
        proxy.meanwhile = lambda: write(other, 1)
        proxy.loses_answer = True
        attempt = await audit.attempt(came("U1"), GET)
        await audit.finish(attempt, AuditResult("fetched", None, 1))
        assert attempt.number == 5
        assert [entry.user_id for entry in await audit.newest(2, Filters())] == ["U0", "U1"]
        assert await checked(audit) == (4, 8, None)


async def until_somebody_waits(url: str) -> None:
    """Wait until somebody waits for a lock."""
    watching = await asyncpg.connect(url)
    async with asyncio.timeout(10):
        while not await watching.fetchval(WAITING):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await watching.close()


async def test_a_process_that_adds_a_chain_holds_no_other_meanwhile(postgres: str) -> None:
    async with open_audit_log(configured(postgres), ManualClock()) as audit:
        await write(audit, 1)
    connection = await asyncpg.connect(postgres)
    async with open_audit_log(configured(postgres), ManualClock()) as audit:
        async with connection.transaction():
            await connection.execute("SELECT * FROM audit_root FOR UPDATE")
            people = actor("U1"), replace(actor("U2"), team_id=IN_ONE_LANE_WITH_T1)
            writing = [asyncio.ensure_future(audit.attempt(person, GET)) for person in people]
            await until_somebody_waits(postgres)
            # Whoever adds a chain goes on to this. If it were locked, each would wait for the other.
            await connection.execute("SELECT * FROM audit_heads FOR UPDATE NOWAIT")
        await asyncio.gather(*writing)
        assert await checked(audit) == (3, 4, None)
    await connection.close()


async def test_a_chain_that_is_held_holds_up_no_first_entry_of_another(postgres: str) -> None:
    people = actor("U1"), replace(actor("U2"), team_id="T4")
    async with open_audit_log(configured(postgres), ManualClock()) as audit:
        for person in people:
            await audit.attempt(person, GET)
    connection = await asyncpg.connect(postgres)
    async with open_audit_log(configured(postgres), ManualClock()) as audit:
        async with connection.transaction():
            await connection.execute("SELECT * FROM audit_heads WHERE chain = 'T1' FOR UPDATE")
            waiting = asyncio.ensure_future(audit.attempt(people[0], GET))
            await until_somebody_waits(postgres)
            await asyncio.wait_for(audit.attempt(people[1], GET), 5)
            assert not waiting.done()
        await waiting
        assert await checked(audit) == (4, 4, None)
    await connection.close()


async def test_a_claim_that_somebody_else_took_takes_everything_back(postgres: str) -> None:
    async with open_audit_log(configured(postgres), ManualClock()) as audit:
        await write(audit, 1)
        person = came("U1")
        await audit.receive(person)
        await change(postgres, "UPDATE interactions SET owner = 'elsewhere/1/0'")
        others = [audit.attempt(actor(f"U{number}"), GET) for number in range(3)]
        tried = await asyncio.gather(audit.attempt(person, GET), *others, return_exceptions=True)
        assert isinstance(tried[0], DuplicateInteraction)
        assert [attempt.number for attempt in tried[1:] if not isinstance(attempt, BaseException)] == [3, 4, 5]
        assert await checked(audit) == (4, 5, None)


async def test_what_comes_twice_at_once_is_received_once(url: str, tmp_path: Path) -> None:
    async with open_audit_log(configured(url), ManualClock()) as audit:
        person = came("U1")
        again = replace(person, reference="AGAIN")
        received = await asyncio.gather(audit.receive(person), audit.receive(again), return_exceptions=True)
        assert [type(one) for one in received] == [type(None), DuplicateInteraction]
        await audit.attempt(person, GET)
        with pytest.raises(DuplicateInteraction):
            await audit.attempt(again, GET)
        assert await checked(audit) == (1, 1, None)
