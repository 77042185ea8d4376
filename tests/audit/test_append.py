"""How rows get into the log when several processes write, a write is slow, or its answer is lost."""

import asyncio
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import Connection, delete, select, update

from bot.audit import log as log_module
from bot.audit.chain import OPERATOR
from bot.audit.entries import AuditResult, Filters
from bot.audit.log import Attempt, AuditLog, DuplicateInteraction
from bot.background.tasks import INTERRUPTED_SECONDS
from bot.storage.engine import DatabaseError
from bot.storage.tables import audit_heads, audit_records
from tests.audit_log import (
    GET,
    TOKEN,
    actor,
    came,
    change,
    checked,
    configured,
    locked,
    open_audit_log,
    read_rows,
    run,
    until,
    write,
)
from tests.databases import DATABASES, started_database
from tests.manual_clock import ManualClock
from tests.storage.postgres_proxy import open_proxy

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


async def test_an_interaction_is_recorded_once(audit: AuditLog) -> None:
    first = await audit.attempt(came("a"), GET)
    with pytest.raises(DuplicateInteraction):
        await audit.attempt(came("a"), GET)
    with pytest.raises(DuplicateInteraction):
        await audit.deny(came("a"), GET, "guest")
    await audit.finish(first, AuditResult("fetched", None, 1, TOKEN))
    with pytest.raises(DuplicateInteraction):
        await audit.attempt(came("a"), GET)
    await audit.deny(came("b"), GET, "guest")
    with pytest.raises(DuplicateInteraction):
        await audit.deny(came("b"), GET, "guest")
    both = await asyncio.gather(*(audit.attempt(came("c"), GET) for _ in range(2)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in both) == ["Attempt", "DuplicateInteraction"]
    assert await checked(audit) == (4, 5, None)


async def test_two_processes_record_an_interaction_once(url: str) -> None:
    async with (
        open_audit_log(configured(url), ManualClock()) as first,
        open_audit_log(configured(url), ManualClock()) as second,
    ):
        for key in ("a", "b", "c"):
            tried = [audit.attempt(came(key), GET) for audit in (first, second) for _ in range(3)]
            ended = await asyncio.gather(*tried, return_exceptions=True)
            assert sorted(type(one).__name__ for one in ended) == ["Attempt", *["DuplicateInteraction"] * 5]
        assert await checked(first) == (4, 4, None)


async def test_the_same_interaction_of_another_workspace_is_another_one(audit: AuditLog) -> None:
    await audit.attempt(came("a"), GET)
    await audit.attempt(replace(came("a"), team_id="T2"), GET)
    assert await checked(audit) == (4, 4, None)


async def test_two_processes_that_take_turns_keep_one_chain(url: str) -> None:
    async with (
        open_audit_log(configured(url), ManualClock()) as first,
        open_audit_log(configured(url), ManualClock()) as second,
    ):
        for audit in (first, second, second, first, second, first, first):
            await write(audit, 1)
        await asyncio.gather(*(write(audit, 5) for audit in (first, second) for _ in range(5)))
        assert await checked(first) == (58, 115, None)


async def test_workspaces_that_begin_at_once_in_two_processes_begin_once(url: str) -> None:
    async with (
        open_audit_log(configured(url), ManualClock()) as first,
        open_audit_log(configured(url), ManualClock()) as second,
    ):
        people = [replace(actor(), team_id=f"T{number % 10}") for number in range(40)]
        await asyncio.gather(*(log.attempt(person, GET) for person in people for log in (first, second)))
        began = await first.newest(99, Filters(team_id=OPERATOR))
        assert sorted(str(entry.team_id) for entry in began) == sorted(f"T{n}" for n in range(10))
        assert await checked(first) == (90, 90, None)


async def test_an_attempt_written_after_its_person_was_told_otherwise_says_so(
    audit: AuditLog, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await audit.attempt(actor("U8"), GET)
    async with locked(url):
        with monkeypatch.context() as patched:
            # A database that is locked gives up before the log does.
            patched.setattr(log_module, "ANSWER_SECONDS", 0.2)
            writing = [audit.attempt(actor(f"U{n}"), GET) for n in range(3)]
            ended = await asyncio.gather(*writing, return_exceptions=True)
            assert {type(error) for error in ended} == {DatabaseError}
            # This one waits behind them, and is dropped unwritten.
            with pytest.raises(DatabaseError):
                await audit.attempt(actor("U9"), GET)
    await until(audit, "not done", 3)
    await audit.attempt(actor("U5"), GET)
    found = [(entry.user_id, entry.outcome) for entry in await audit.newest(10, Filters(team_id="T1"))]
    assert found == [("U5", None), ("U2", "not done"), ("U1", "not done"), ("U0", "not done"), ("U8", None)]
    assert (await checked(audit))[2] is None


@pytest.mark.parametrize("kind", DATABASES)
async def test_a_forged_hash_does_not_hide_that_entries_are_gone(kind: str, tmp_path: Path) -> None:
    clock = ManualClock()
    async with (
        started_database(kind, tmp_path) as url,
        open_audit_log(configured(url), clock) as one,
        open_audit_log(configured(url), clock) as other,
    ):
        await write(one, 1)
        old = await read_rows(url, select(audit_heads).where(audit_heads.c.chain == "T1"))
        await write(one, 1)
        (known,) = await read_rows(url, select(audit_heads).where(audit_heads.c.chain == "T1"))

        def cut(connection: Connection) -> None:
            connection.execute(delete(audit_records).where(audit_records.c.chain == "T1", audit_records.c.number > 2))
            connection.execute(update(audit_heads).where(audit_heads.c.chain == "T1").values(dict(old[0])))

        await run(url, cut)
        clock.advance(1)
        await write(other, 2)
        place = audit_records.c.chain == "T1", audit_records.c.number == known["number"]
        forged = update(audit_records).where(*place).values(hash=known["hash"])
        await run(url, lambda connection: connection.execute(forged))
        with pytest.raises(DatabaseError, match="newer entries of the audit log are gone"):
            await one.attempt(actor(), GET)


async def test_an_answer_lost_on_its_way_is_an_attempt_that_ends_as_interrupted(tmp_path: Path) -> None:
    clock = ManualClock()
    async with (
        started_database("postgresql", tmp_path) as url,
        open_proxy(url) as (proxy, behind),
        open_audit_log(configured(behind), clock) as audit,
    ):
        await write(audit, 1)
        proxy.loses_answer_to = [b"COMMIT\0"]
        with pytest.raises(DatabaseError):
            await audit.attempt(came("U1"), GET)
        with pytest.raises(DuplicateInteraction):
            await audit.attempt(came("U1"), GET)
        await write(audit, 1)
        clock.advance(INTERRUPTED_SECONDS + 1)
        assert [entry.reference for entry in await audit.interrupt(INTERRUPTED_SECONDS)] == ["REF-U1"]
        assert await checked(audit) == (4, 7, None)


async def test_a_process_that_begins_a_chain_waits_for_no_other_in_a_circle(tmp_path: Path) -> None:
    async with started_database("postgresql", tmp_path) as url, open_audit_log(configured(url), ManualClock()) as audit:
        await write(audit, 1)
        connection = await asyncpg.connect(url)
        async with connection.transaction():
            await connection.execute("SELECT * FROM audit_heads WHERE chain = '' FOR UPDATE")
            people = actor("U1"), replace(actor("U2"), team_id="A2")
            writing = [asyncio.ensure_future(audit.attempt(person, GET)) for person in people]
            await _until_one_waits(url)
            # The operator's chain is locked first: who holds it can lock every other.
            await connection.execute("SELECT * FROM audit_heads FOR UPDATE NOWAIT")
        await asyncio.gather(*writing)
        assert await checked(audit) == (5, 6, None)
        await connection.close()


async def _until_one_waits(url: str) -> None:
    watching = await asyncpg.connect(url)
    async with asyncio.timeout(10):
        while not await watching.fetchval(WAITING):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await watching.close()


async def test_a_chain_that_another_process_locked_holds_up_no_other(tmp_path: Path) -> None:
    async with started_database("postgresql", tmp_path) as url, open_audit_log(configured(url), ManualClock()) as audit:
        people = {team: replace(actor(), team_id=team) for team in ("T1", "T2")}
        for person in people.values():
            await audit.attempt(person, GET)
        connection = await asyncpg.connect(url)
        async with connection.transaction():
            await connection.execute("SELECT * FROM audit_heads WHERE chain = 'T1' FOR UPDATE")
            tried = [audit.attempt(person, GET) for person in people.values()]
            of_t1, of_t2 = await asyncio.gather(*tried, return_exceptions=True)
        assert isinstance(of_t1, DatabaseError)
        assert isinstance(of_t2, Attempt)
        await connection.close()


async def test_a_batch_whose_answer_was_lost_is_no_duplicate_to_those_in_it(tmp_path: Path) -> None:
    async with (
        started_database("postgresql", tmp_path) as url,
        open_proxy(url) as (proxy, behind),
        open_audit_log(configured(behind), ManualClock()) as audit,
    ):
        people = [replace(came("a"), team_id=team) for team in ("T1", "T2")]
        for person in people:
            await audit.attempt(replace(person, interaction="before"), GET)
        proxy.loses_answer_to = [b"COMMIT\0"]
        tried = [audit.attempt(person, GET) for person in people]
        ended = await asyncio.gather(*tried, return_exceptions=True)
        assert {type(error) for error in ended} == {DatabaseError}
        assert await checked(audit) == (6, 6, None)


async def test_an_attempt_canceled_as_it_is_written_says_that_nothing_was_done(audit: AuditLog, url: str) -> None:
    await write(audit, 1)
    async with locked(url):
        trying = [asyncio.ensure_future(audit.attempt(actor(f"U{number}"), GET)) for number in range(20)]
        # By then, the writer has taken them all.
        await asyncio.sleep(0.1)
        trying[-1].cancel()
    ended = await asyncio.gather(*trying, return_exceptions=True)
    assert isinstance(ended[-1], asyncio.CancelledError)
    await until(audit, "not done", 1)
    assert (await checked(audit))[2] is None


async def test_a_chain_that_was_altered_holds_up_no_other(audit: AuditLog, url: str) -> None:
    for team in ("T1", "T2"):
        await audit.attempt(replace(actor(), team_id=team), GET)
    await change(url, "UPDATE audit_heads SET number = 4 WHERE chain = 'T1'")
    tried = [audit.attempt(replace(actor(), team_id=team), GET) for team in ("T1", "T2", "T3", "T1")]
    ended = await asyncio.gather(*tried, return_exceptions=True)
    assert ["altered" in str(one) for one in ended] == [True, False, False, True]
    assert len(await audit.newest(9, Filters(team_id="T2"))) == 2


async def test_a_workspace_whose_chain_was_taken_away_gets_no_new_one(audit: AuditLog, url: str) -> None:
    await audit.attempt(actor(), GET)
    await change(url, "DELETE FROM audit_records WHERE chain = 'T1'", "DELETE FROM audit_heads WHERE chain = 'T1'")
    with pytest.raises(DatabaseError, match="the audit log of a workspace is missing"):
        await audit.attempt(actor(), GET)
    await audit.attempt(replace(actor(), team_id="T2"), GET)
    assert (await audit.verify(lambda _: None)).problem == "The log of T1 is missing, or another one is in its place."


async def test_without_the_operators_chain_no_workspace_begins(audit: AuditLog, url: str) -> None:
    await audit.attempt(actor(), GET)
    await change(url, "DELETE FROM audit_records WHERE chain = ''", "DELETE FROM audit_heads WHERE chain = ''")
    await audit.attempt(actor(), GET)
    with pytest.raises(DatabaseError, match="is missing"):
        await audit.attempt(replace(actor(), team_id="T2"), GET)
    assert (await audit.verify(lambda _: None)).problem == "The head of the log is missing."
