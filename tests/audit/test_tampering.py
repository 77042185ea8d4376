"""Someone who can write the database without the key can't change it unnoticed; honest work always verifies."""

import asyncio
import json
import random
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from alembic import command as alembic
from alembic.config import Config
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Table, delete, insert, select, text, update

from bot.audit.checkpoint import Checkpoint
from bot.audit.entries import AuditResult, Filters
from bot.audit.guard import AuditLogUnavailable
from bot.audit.keys import load_key
from bot.audit.log import AuditLog
from bot.storage import postgresql
from bot.storage.address import database_url
from bot.storage.connect import open_database
from bot.storage.database import Transaction
from bot.storage.tables import audit_head, audit_records
from tests.audit_log import DELETE, GET, actor, configured, open_audit_log
from tests.databases import DATABASES, new_database
from tests.manual_clock import ManualClock

State = dict[str, list[dict[str, Any]]]
Step = Callable[[State, random.Random], None]
TABLES: tuple[Table, ...] = (audit_records, audit_head)


def _rows(state: State) -> list[dict[str, Any]]:
    return state[audit_records.name]


def _delete_some(state: State, chance: random.Random) -> None:
    rows = _rows(state)
    first = chance.randrange(len(rows) + 1)
    del rows[first : first + chance.randrange(1, 4)]


def _truncate(state: State, chance: random.Random) -> None:
    rows = _rows(state)
    keep = chance.randrange(len(rows) + 1)
    rows[:] = rows[:keep] if chance.random() < 0.5 else rows[keep:]


def _insert_copy(state: State, chance: random.Random) -> None:
    rows = _rows(state)
    if rows:
        numbers = {row["number"] for row in rows}
        number = chance.choice([n for n in range(-3, max(numbers) + 5) if n not in numbers])
        rows.append({**chance.choice(rows), "number": number})


def _update(state: State, chance: random.Random) -> None:
    rows = _rows(state)
    if rows:
        row, other = chance.choice(rows), chance.choice(rows)
        name = chance.choice([column.name for column in audit_records.columns if column.name != "number"])
        row[name] = chance.choice([other[name], "x", "é"]) if isinstance(row[name], str) else other[name]


def _swap(state: State, chance: random.Random) -> None:
    rows = _rows(state)
    if len(rows) > 1:
        one, other = chance.sample(rows, 2)
        one["number"], other["number"] = other["number"], one["number"]


def _move_head(state: State, chance: random.Random) -> None:
    rows, head = _rows(state), state[audit_head.name]
    if rows and head:
        row = chance.choice(rows)
        which = chance.choice(["number", "pruned_number"])
        head[0][which] = row["number"]
        head[0]["hash" if which == "number" else "pruned_hash"] = row["hash"]
        if chance.random() < 0.5:
            rows[:] = [r for r in rows if (r["number"] <= row["number"]) == (which == "number")]


def _edit_head(state: State, chance: random.Random) -> None:
    for head in state[audit_head.name]:
        name = chance.choice(["log_id", "hash", "pruned_hash", "mac", "entries", "pruned_entries"])
        head[name] = chance.choice(["", "0" * 16]) if isinstance(head[name], str) else head[name] + 1


def _drop_head(state: State, chance: random.Random) -> None:
    state[audit_head.name].clear()


def _start_over(state: State, chance: random.Random) -> None:
    _rows(state).clear()
    for head in state[audit_head.name]:
        head |= {"number": 0, "hash": "0" * 64, "entries": 0}


STEPS: list[Step] = [
    *(_delete_some, _truncate, _insert_copy, _update, _swap, _move_head, _edit_head, _drop_head, _start_over)
]


async def _read(url: str) -> State:
    database = open_database(database_url(url))
    async with database.transaction(reads=True) as connection:
        state = {
            table.name: [dict(row) for row in (await connection.execute(select(table))).mappings()] for table in TABLES
        }
    await database.close()
    return state


async def _write(url: str, state: State) -> None:
    database = open_database(database_url(url))
    async with database.transaction() as connection:
        for table in TABLES:
            await connection.execute(delete(table))
            if state[table.name]:
                await connection.execute(insert(table), state[table.name])
    await database.close()


async def _fill(audit: AuditLog, clock: ManualClock) -> list[str]:
    """Honest work: acts, denials, a prune. Returns the checkpoints made on the way."""
    checkpoints = [await audit.checkpoint()]
    for number in range(4):
        attempt = await audit.attempt(actor(f"U{number}"), GET)
        await audit.finish(attempt, AuditResult("fetched", None, number))
        clock.advance(10)
        checkpoints.append(await audit.checkpoint())
    await audit.deny(actor("U9"), DELETE, "guest")
    await audit.prune(clock.now() - 35)
    await audit.attempt(actor("U5"), DELETE)
    checkpoints.append(await audit.checkpoint())
    return checkpoints


def _order(state: State) -> State:
    return {name: sorted(rows, key=lambda row: str(sorted(row.items(), key=str))) for name, rows in state.items()}


@pytest.mark.parametrize("kind", DATABASES)
def test_no_sequence_of_changes_without_the_key_verifies(kind: str, tmp_path: Path) -> None:
    with asyncio.Runner() as runner:
        stack, clock = AsyncExitStack(), ManualClock()

        async def prepare() -> tuple[str, AuditLog, State, str]:
            address = await stack.enter_async_context(new_database(kind, tmp_path))
            opened = await stack.enter_async_context(
                open_audit_log(configured(address, EXTAUTH_SECRET_KEY="k" * 32), clock)
            )
            checkpoints = await _fill(opened, clock)
            for line in checkpoints:
                result = await opened.verify(lambda _: None, opened.read_checkpoint(line))
                assert result.problem is None
            return address, opened, await _read(address), checkpoints[-1]

        url, audit, honest, newest = runner.run(prepare())
        entries = runner.run(_entries(audit))

        @settings(max_examples=60, deadline=None, suppress_health_check=[*HealthCheck])
        @given(st.lists(st.sampled_from(STEPS), min_size=1, max_size=4), st.integers(0, 2**32))
        def tamper(steps: list[Step], seed: int) -> None:
            state = {name: [dict(row) for row in rows] for name, rows in honest.items()}
            chance = random.Random(seed)
            for step in steps:
                step(state, chance)
            numbers = [row["number"] for row in state[audit_records.name]]
            if len(numbers) != len({*numbers}) or _order(state) == _order(honest):
                return
            runner.run(_write(url, state))
            runner.run(_restart(url, clock))
            result = runner.run(audit.verify(lambda _: None, audit.read_checkpoint(newest)))
            assert result.problem is not None, steps
            assert any(word in result.problem for word in ("Row", "head", "entries", "checkpoint", "log"))
            runner.run(_assert_reads_only(audit, entries))

        tamper()
        runner.run(_write(url, honest))
        assert runner.run(audit.verify(lambda _: None)).problem is None
        runner.run(stack.aclose())


async def _restart(url: str, clock: ManualClock) -> None:
    """Whatever a start signs, it signs now."""
    async with open_audit_log(configured(url, EXTAUTH_SECRET_KEY="k" * 32), clock) as audit:
        with suppress(AuditLogUnavailable):
            await audit.take_over(0)


async def _entries(audit: AuditLog) -> dict[int, Any]:
    return {entry.number: entry for entry in await audit.newest(100, Filters())}


async def _assert_reads_only(audit: AuditLog, honest: dict[int, Any]) -> None:
    """What is read, if anything is, was written: at worst an entry or a result is missing."""
    try:
        found = await _entries(audit)
    except AuditLogUnavailable as error:
        if "head was altered" not in str(error):
            raise
        return
    for number, entry in found.items():
        true = honest[number]
        assert (entry.user_id, entry.action, entry.parameters) == (true.user_id, true.action, true.parameters)
        assert entry.outcome in (true.outcome, None)


CUTS = {
    "the newest": [
        "DELETE FROM audit_records WHERE number > 4",
        "UPDATE audit_head SET number = 4, entries = 2, hash = (SELECT hash FROM audit_records WHERE number = 4)",
    ],
    "the oldest": [
        "UPDATE audit_head SET pruned_number = 4, pruned_entries = 2, "
        "pruned_hash = (SELECT hash FROM audit_records WHERE number = 4)",
        "DELETE FROM audit_records WHERE number <= 4",
    ],
}


@pytest.mark.parametrize("kind", DATABASES)
@pytest.mark.parametrize("cut", list(CUTS))
@pytest.mark.parametrize("is_older", [False, True], ids=["unsigned", "version 0.1"])
async def test_no_start_signs_a_head_that_was_moved(kind: str, cut: str, is_older: bool, tmp_path: Path) -> None:
    async with new_database(kind, tmp_path) as url:
        clock = ManualClock()
        async with open_audit_log(configured(url), clock) as audit:
            await _fetch_three(audit)
        database = open_database(database_url(url))
        async with database.transaction() as connection:
            for statement in CUTS[cut]:
                await connection.execute(text(statement))
            if is_older:
                await connection.run(downgrade)
            else:
                await connection.execute(text("UPDATE audit_head SET mac = ''"))
        await database.close()
        async with open_audit_log(configured(url), clock) as audit:
            assert (await audit.verify(lambda _: None)).problem == "The head of the log was altered."
            with pytest.raises(AuditLogUnavailable, match="head was altered"):
                await audit.attempt(actor(), GET)


async def _fetch_three(audit: AuditLog) -> None:
    for number in range(3):
        await audit.finish(await audit.attempt(actor(f"U{number}"), GET), AuditResult("fetched", None, 1))


@pytest.mark.parametrize("kind", DATABASES)
async def test_honest_work_of_several_processes_always_verifies(kind: str, tmp_path: Path) -> None:
    chance = random.Random(11)
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(new_database(kind, tmp_path))
        clock = ManualClock()
        logs = [await stack.enter_async_context(open_audit_log(configured(url), clock)) for _ in range(3)]
        checkpoints: list[Checkpoint] = []

        async def work(audit: AuditLog) -> None:
            for _ in range(15):
                what = chance.choice(["act", "act", "act", "deny", "prune", "checkpoint", "verify"])
                clock.advance(chance.random())
                if what == "act":
                    attempt = await audit.attempt(actor("U1"), GET)
                    await audit.finish(attempt, AuditResult("fetched", None, 1))
                elif what == "deny":
                    await audit.deny(actor("U2"), DELETE, "guest")
                elif what == "prune":
                    await audit.prune(clock.now() - chance.random() * 5)
                elif what == "checkpoint":
                    checkpoints.append(audit.read_checkpoint(await audit.checkpoint()))
                else:
                    checkpoint = chance.choice(checkpoints) if checkpoints else None
                    assert (await audit.verify(lambda _: None, checkpoint)).problem is None

        await asyncio.gather(*(work(audit) for audit in logs))
        for checkpoint in checkpoints:
            assert (await logs[0].verify(lambda _: None, checkpoint)).problem is None


@pytest.mark.parametrize("pruned", [False, True])
async def test_a_log_of_version_0_1_is_carried_over_and_verifies(pruned: bool, tmp_path: Path) -> None:
    url, clock = f"sqlite:///{tmp_path}/audit.db", ManualClock()
    async with open_audit_log(configured(url), clock) as audit:
        for number in range(3):
            clock.advance(10)
            await audit.finish(await audit.attempt(actor(f"U{number}"), GET), AuditResult("fetched", None, 1))
        before = await audit.newest(100, Filters())
    database = open_database(database_url(url))
    async with database.transaction() as connection:
        await connection.run(downgrade)
        await _hash_as_version_0_1(connection)
        if pruned:
            # As version 0.1 pruned: the head moves, and an entry that says so may or may not follow.
            await connection.execute(text("DELETE FROM audit_records WHERE number < 3 RETURNING hash"))
            await connection.execute(
                text(
                    "UPDATE audit_head SET pruned_number = 2, "
                    "pruned_hash = (SELECT previous FROM audit_records WHERE number = 3)"
                )
            )
    await database.close()

    async with open_audit_log(configured(url), clock) as audit:
        carried = list(await audit.newest(100, Filters()))
        if pruned:
            assert carried.pop(0).parameters == {"entries": "0", "through": "2", "before": "0"}
            before = before[:-1]
        assert carried == before
        assert (await audit.verify(lambda _: None)).problem is None
        await audit.attempt(actor("U7"), GET)
        assert (await audit.verify(lambda _: None)).problem is None


async def _hash_as_version_0_1(connection: Transaction) -> None:
    """Give each row the hash that version 0.1 gave it."""
    key = await load_key(connection, None, creates=False)
    previous = "0" * 64
    for row in (await connection.execute(select(audit_records).order_by(audit_records.c.number))).mappings().all():
        values = [previous if name == "previous" else row[name] for name in row if name != "hash"]
        digest = key.of_old_chain(json.dumps(values, separators=(",", ":")).encode())
        change = update(audit_records).where(audit_records.c.number == row["number"])
        await connection.execute(change.values(previous=previous, hash=digest))
        previous = digest
    await connection.execute(text("UPDATE audit_head SET hash = :hash"), {"hash": previous})


def downgrade(connection: Connection) -> None:
    """Bring the tables back to version 0.1."""
    config = Config()
    config.set_main_option("script_location", str(Path(postgresql.__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    alembic.downgrade(config, "0001")
