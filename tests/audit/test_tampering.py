"""Someone who can write the database without the key can't change it unnoticed; honest work always verifies."""

import asyncio
import random
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Table, delete, insert, select

from bot.audit.chain import Checkpoint
from bot.audit.entries import AuditResult, Filters
from bot.audit.log import AuditLog
from bot.storage.engine import DatabaseError
from bot.storage.tables import audit_heads, audit_records
from tests.audit_log import DELETE, GET, actor, change, configured, open_audit_log, read_rows, run
from tests.databases import DATABASES, started_database
from tests.manual_clock import ManualClock

State = dict[str, list[dict[str, Any]]]
Step = Callable[[State, random.Random], None]
TABLES: tuple[Table, ...] = (audit_records, audit_heads)


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
        copied = chance.choice(rows)
        numbers = {row["number"] for row in rows if row["chain"] == copied["chain"]}
        number = chance.choice([n for n in range(-3, max(numbers) + 5) if n not in numbers])
        rows.append({**copied, "number": number})


def _copy_to_another_workspace(state: State, chance: random.Random) -> None:
    rows = _rows(state)
    if rows:
        copied = chance.choice(rows)
        chain = chance.choice(["", "T1", "T2", "T3"])
        rows[:] = [row for row in rows if (row["chain"], row["number"]) != (chain, copied["number"])]
        rows.append({**copied, "chain": chain})


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
        for name in ("chain", "number"):
            one[name], other[name] = other[name], one[name]


def _move_head(state: State, chance: random.Random) -> None:
    rows, head = _rows(state), state[audit_heads.name]
    if rows and head:
        row, moved = chance.choice(rows), chance.choice(head)
        which = chance.choice(["number", "pruned_number"])
        moved[which] = row["number"]
        moved["hash" if which == "number" else "pruned_hash"] = row["hash"]
        if chance.random() < 0.5:
            rows[:] = [
                r for r in rows if r["chain"] != moved["chain"] or (r["number"] <= row["number"]) == (which == "number")
            ]


def _edit_head(state: State, chance: random.Random) -> None:
    for head in state[audit_heads.name]:
        name = chance.choice([name for name in head if name != "chain"])
        head[name] = chance.choice(["", "0" * 16]) if isinstance(head[name], str) else head[name] + 1


def _swap_heads(state: State, chance: random.Random) -> None:
    if len(state[audit_heads.name]) > 1:
        one, other = chance.sample(state[audit_heads.name], 2)
        name = chance.choice(["chain", "log_id"])
        one[name], other[name] = other[name], one[name]


def _drop_head(state: State, chance: random.Random) -> None:
    heads = state[audit_heads.name]
    if heads:
        heads.remove(chance.choice(heads))


def _drop_a_workspace(state: State, chance: random.Random) -> None:
    heads = state[audit_heads.name]
    if heads:
        gone = chance.choice(heads)
        heads.remove(gone)
        _rows(state)[:] = [row for row in _rows(state) if row["chain"] != gone["chain"]]
        if chance.random() < 0.5:
            _forget_that_it_began(state, chance)


def _forget_that_it_began(state: State, chance: random.Random) -> None:
    began = [row for row in _rows(state) if row["kind"] == "began"]
    if began:
        _rows(state).remove(chance.choice(began))


def _swap_workspaces(state: State, chance: random.Random) -> None:
    chains = sorted({head["chain"] for head in state[audit_heads.name]})
    if len(chains) > 1:
        one, other = chance.sample(chains, 2)
        renamed = {one: other, other: one}
        for row in (*_rows(state), *state[audit_heads.name]):
            row["chain"] = renamed.get(row["chain"], row["chain"])


def _start_over(state: State, chance: random.Random) -> None:
    _rows(state).clear()
    for head in state[audit_heads.name]:
        head |= {"number": 0, "hash": "0" * 64, "entries": 0}


STEPS: list[Step] = [
    *(_delete_some, _truncate, _insert_copy, _copy_to_another_workspace, _update, _swap, _start_over),
    *(_move_head, _edit_head, _swap_heads, _drop_head, _drop_a_workspace, _forget_that_it_began, _swap_workspaces),
]


async def _read(url: str) -> State:
    return {table.name: [{**row} for row in await read_rows(url, select(table))] for table in TABLES}


async def _write(url: str, state: State) -> None:
    def put(connection: Connection) -> None:
        for table in TABLES:
            connection.execute(delete(table))
            if state[table.name]:
                connection.execute(insert(table), state[table.name])

    await run(url, put)


async def _fill(audit: AuditLog, clock: ManualClock) -> list[str]:
    """Honest work: acts, denials, a prune. Returns the checkpoints made on the way."""
    checkpoints = []
    for number in range(4):
        attempt = await audit.attempt(actor(f"U{number}"), GET)
        await audit.finish(attempt, AuditResult("fetched", None, number))
        clock.advance(10)
        await audit.attempt(replace(actor(f"U{number}"), team_id=f"T{number % 2 + 2}"), GET)
        checkpoints.append("\n".join(await audit.checkpoints()))
    await audit.deny(actor("U9"), DELETE, "guest")
    await audit.prune(clock.now() - 35)
    await audit.attempt(actor("U5"), DELETE)
    checkpoints.append("\n".join(await audit.checkpoints()))
    return checkpoints


def _order(state: State) -> State:
    return {name: sorted(rows, key=lambda row: str(sorted(row.items(), key=str))) for name, rows in state.items()}


@pytest.mark.parametrize("kind", DATABASES)
def test_no_sequence_of_changes_without_the_key_verifies(kind: str, tmp_path: Path) -> None:
    with asyncio.Runner() as runner:
        stack, clock = AsyncExitStack(), ManualClock()

        async def prepare() -> tuple[str, AuditLog, State, str]:
            address = await stack.enter_async_context(started_database(kind, tmp_path))
            async with open_audit_log(configured(address), clock) as writing:
                checkpoints = await _fill(writing, clock)
            # Another process, which knows only what the database says.
            opened = await stack.enter_async_context(open_audit_log(configured(address), clock))
            for line in checkpoints:
                result = await opened.verify(lambda _: None, opened.read_checkpoints(line))
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
            places = [(row["chain"], row["number"]) for row in state[audit_records.name]]
            claims = [(row["chain"], row["interaction"]) for row in state[audit_records.name] if row["interaction"]]
            if any(len(one) != len({*one}) for one in (places, claims)) or _order(state) == _order(honest):
                return  # the database itself doesn't take it, or nothing changed
            runner.run(_write(url, state))
            runner.run(_restart(url, clock))
            result = runner.run(audit.verify(lambda _: None, audit.read_checkpoints(newest)))
            assert result.problem is not None, steps
            assert any(word in result.problem for word in ("Row", "head", "entries", "checkpoint", "log"))
            runner.run(_assert_reads_only(audit, entries))

        tamper()
        runner.run(_write(url, honest))
        assert runner.run(audit.verify(lambda _: None)).problem is None
        runner.run(stack.aclose())


async def _restart(url: str, clock: ManualClock) -> None:
    """Whatever a start signs, it signs now."""
    async with open_audit_log(configured(url), clock) as audit:
        with suppress(DatabaseError):
            await audit.interrupt(0)


async def _entries(audit: AuditLog) -> dict[tuple[str | None, int, str], Any]:
    return {(entry.team_id, entry.number, entry.action): entry for entry in await audit.newest(100, Filters())}


async def _assert_reads_only(audit: AuditLog, honest: dict[tuple[str | None, int, str], Any]) -> None:
    """What is read, if anything is, was written: at worst an entry or a result is missing."""
    try:
        found = await _entries(audit)
    except DatabaseError as error:
        if "head was altered" not in str(error):
            raise
        return
    for place, entry in found.items():
        true = honest[place]
        assert (entry.user_id, entry.action, entry.parameters) == (true.user_id, true.action, true.parameters)
        # What lost its result looks like what never ended.
        assert entry.outcome in (true.outcome, None, "interrupted")


CUTS = {
    "the newest": [
        "DELETE FROM audit_records WHERE number > 4",
        "UPDATE audit_heads SET number = 4, entries = 2, "
        "hash = (SELECT hash FROM audit_records WHERE number = 4) WHERE chain = 'T1'",
    ],
    "the oldest": [
        "UPDATE audit_heads SET pruned_number = 4, pruned_entries = 2, "
        "pruned_hash = (SELECT hash FROM audit_records WHERE number = 4) WHERE chain = 'T1'",
        "DELETE FROM audit_records WHERE number <= 4 AND chain = 'T1'",
    ],
}


@pytest.mark.parametrize("kind", DATABASES)
@pytest.mark.parametrize("cut", list(CUTS))
async def test_no_start_signs_a_head_that_was_moved(kind: str, cut: str, tmp_path: Path) -> None:
    async with started_database(kind, tmp_path) as url:
        clock = ManualClock()
        async with open_audit_log(configured(url), clock) as audit:
            await _fetch_three(audit)
        await change(url, *CUTS[cut], "UPDATE audit_heads SET mac = ''")
        async with open_audit_log(configured(url), clock) as audit:
            assert (await audit.verify(lambda _: None)).problem is not None
            with pytest.raises(DatabaseError, match="head was altered"):
                await audit.attempt(actor(), GET)


@pytest.mark.parametrize("kind", DATABASES)
@pytest.mark.parametrize("version", ["0000", "v1", "", None])
async def test_no_start_signs_anything_over_another_version(kind: str, version: str | None, tmp_path: Path) -> None:
    async with started_database(kind, tmp_path) as url:
        async with open_audit_log(configured(url), ManualClock()) as audit:
            await _fetch_three(audit)
        heads = await read_rows(url, select(audit_heads))
        set_back = f"UPDATE alembic_version SET version_num = '{version}'"
        await change(url, set_back if version is not None else "DROP TABLE alembic_version")
        with suppress(DatabaseError):
            async with open_audit_log(configured(url), ManualClock()):
                pass
        assert await read_rows(url, select(audit_heads)) == heads


@pytest.mark.parametrize("kind", DATABASES)
async def test_no_chain_that_began_anew_takes_the_place_of_another(kind: str, tmp_path: Path) -> None:
    async with started_database(kind, tmp_path) as url, open_audit_log(configured(url), ManualClock()) as audit:
        old = await _read(url)
        for team in ("T1", "T2"):
            await audit.attempt(replace(actor(), team_id=team), GET)
        honest = await _read(url)
        # Take everything away, let other chains of the same workspaces begin, and put one of the first ones back.
        await _write(url, old)
        async with open_audit_log(configured(url), ManualClock()) as restarted:
            for team in ("T1", "T2"):
                await restarted.attempt(replace(actor(), team_id=team), GET)
        forged = await _read(url)
        for table in (audit_records.name, audit_heads.name):
            kept = [row for row in forged[table] if row["chain"] != "T2"]
            forged[table] = [*kept, *(row for row in honest[table] if row["chain"] == "T2")]
        await _write(url, forged)
        problem = (await audit.verify(lambda _: None)).problem
        assert problem == "The log of T2 is missing, or another one is in its place."
        await _write(url, honest)
        assert (await audit.verify(lambda _: None)).problem is None


async def _fetch_three(audit: AuditLog) -> None:
    for number in range(3):
        await audit.finish(await audit.attempt(actor(f"U{number}"), GET), AuditResult("fetched", None, 1))


@pytest.mark.parametrize("kind", DATABASES)
async def test_honest_work_of_several_processes_always_verifies(kind: str, tmp_path: Path) -> None:
    chance = random.Random(11)
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(started_database(kind, tmp_path))
        clock = ManualClock()
        logs = [await stack.enter_async_context(open_audit_log(configured(url), clock)) for _ in range(3)]
        checkpoints: list[Checkpoint] = []

        async def work(audit: AuditLog) -> None:
            for _ in range(15):
                what = chance.choice(["act", "act", "act", "deny", "prune", "checkpoint", "verify"])
                clock.advance(chance.random())
                team = chance.choice(["T1", "T2", "T3"])
                if what == "act":
                    attempt = await audit.attempt(replace(actor("U1"), team_id=team), GET)
                    await audit.finish(attempt, AuditResult("fetched", None, 1))
                elif what == "deny":
                    await audit.deny(replace(actor("U2"), team_id=team), DELETE, "guest")
                elif what == "prune":
                    await audit.prune(clock.now() - chance.random() * 5, chance.choice([None, team]))
                elif what == "checkpoint":
                    for line in await audit.checkpoints():
                        checkpoints.extend(audit.read_checkpoints(line))
                else:
                    assert (await audit.verify(lambda _: None, [*checkpoints])).problem is None

        await asyncio.gather(*(work(audit) for audit in logs))
        assert (await logs[0].verify(lambda _: None, checkpoints)).problem is None
