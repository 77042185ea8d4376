"""What was begun and never ended is recorded as interrupted, once, and never over what is known."""

import asyncio
from dataclasses import replace

import pytest

from bot.audit.chain import INTERRUPTED
from bot.audit.entries import AuditResult, Filters
from bot.audit.log import AuditLog
from bot.storage.engine import DatabaseError
from bot.storage.tables import audit_records
from tests.audit_log import DELETE, GET, TOKEN, came, change, checked, configured, open_audit_log
from tests.manual_clock import ManualClock


async def test_what_was_begun_and_never_ended_is_recorded_as_interrupted_once(
    audit: AuditLog, url: str, clock: ManualClock
) -> None:
    await audit.finish(await audit.attempt(came("done"), GET), AuditResult("fetched", None, 1, TOKEN))
    await audit.attempt(came("cut off"), GET)
    await audit.attempt(came("deleting"), DELETE)
    await audit.deny(came("denied"), GET, "guest")
    clock.advance(100)
    await audit.attempt(came("young"), GET)

    async with open_audit_log(configured(url), clock) as other:
        both = await asyncio.gather(audit.interrupt(60), other.interrupt(60))
        found = [entry for entries in both for entry in entries]
        assert [(entry.reference, entry.action, entry.outcome) for entry in found] == [
            ("REF-cut off", "get", "interrupted"),
            ("REF-deleting", "delete", "interrupted"),
        ]
        assert not [*await audit.interrupt(60), *await other.interrupt(60)]
        clock.advance(100)
        again = [*await other.interrupt(60), *await audit.interrupt(60)]
        assert [entry.reference for entry in again] == ["REF-young"]
    entries = await audit.newest(10, Filters(team_id="T1"))
    assert [entry.outcome for entry in entries] == [
        *("interrupted", "denied", "interrupted", "interrupted", "fetched"),
    ]
    assert (await checked(audit))[2] is None


async def test_the_workspaces_of_others_are_left_to_them(audit: AuditLog, clock: ManualClock) -> None:
    for team in ("T1", "T2"):
        await audit.attempt(replace(came("U1"), team_id=team), GET)
    clock.advance(100)
    found = await audit.interrupt(60, lambda team_id, _: team_id == "T1")
    assert [entry.team_id for entry in found] == ["T1"]
    (entry,) = await audit.newest(10, Filters(team_id="T2"))
    assert entry.outcome is None


async def test_a_result_that_came_after_its_interruption_counts(audit: AuditLog, clock: ManualClock) -> None:
    attempt = await audit.attempt(came("U1"), GET)
    clock.advance(100)
    assert len(await audit.interrupt(60)) == 1
    await audit.finish(attempt, AuditResult("fetched", None, 1, TOKEN))
    (entry,) = await audit.newest(10, Filters(team_id="T1"))
    assert entry.outcome == "fetched"
    assert [found.user_id for found in (await audit.find_token(TOKEN)).entries] == ["U1"]


async def test_an_interruption_after_the_result_does_not_hide_it(audit: AuditLog) -> None:
    attempt = await audit.attempt(came("U1"), GET)
    await audit.finish(attempt, AuditResult("fetched", None, 1, TOKEN))
    await audit.finish(attempt, AuditResult(INTERRUPTED, None, 1))
    assert [found.outcome for found in (await audit.find_token(TOKEN)).entries] == ["fetched"]


async def test_only_attempts_that_are_in_the_chain_are_called_interrupted(
    audit: AuditLog, url: str, clock: ManualClock
) -> None:
    await audit.attempt(came("U1"), GET)
    await audit.attempt(came("U3"), GET)
    names = [column.name for column in audit_records.columns if column.name not in ("number", "interaction")]
    columns = ", ".join(names)
    await change(
        url,
        f"INSERT INTO audit_records (number, {columns}) "
        f"SELECT 99, {columns} FROM audit_records WHERE kind = 'attempt' LIMIT 1",
        "UPDATE audit_records SET parameters = 'x' WHERE number = 1 AND chain = 'T1'",
    )
    clock.advance(100)
    assert [entry.reference for entry in await audit.interrupt(60)] == ["REF-U3"]


async def test_a_result_that_is_not_in_the_chain_ends_nothing(audit: AuditLog, url: str, clock: ManualClock) -> None:
    await audit.finish(await audit.attempt(came("U1"), GET), AuditResult("fetched", None, 1))
    await change(url, "UPDATE audit_records SET outcome = 'failed' WHERE kind = 'result'")
    (entry,) = await audit.newest(10, Filters(team_id="T1"))
    assert entry.outcome is None


async def test_a_chain_that_was_altered_holds_up_no_other(audit: AuditLog, url: str, clock: ManualClock) -> None:
    for team in ("T1", "T2"):
        await audit.attempt(replace(came("U1"), team_id=team), GET)
    await change(url, "UPDATE audit_heads SET entries = 9 WHERE chain = 'T1'")
    clock.advance(100)
    assert [entry.team_id for entry in await audit.interrupt(60)] == ["T2"]
    await change(url, "UPDATE audit_heads SET entries = 1 WHERE chain = 'T1'")
    assert [entry.team_id for entry in await audit.interrupt(60)] == ["T1"]


async def test_the_steps_of_an_interaction_are_found_by_its_reference(audit: AuditLog, clock: ManualClock) -> None:
    for number in range(3):
        step = replace(came("U1"), interaction=f"step {number}")
        attempt = await audit.attempt(step, DELETE)
        if number < 2:
            await audit.finish(attempt, AuditResult("deleted", None, 1))
    await audit.attempt(came("U2"), DELETE)
    clock.advance(100)
    entry = next(entry for entry in await audit.interrupt(60) if entry.user_id == "U1")
    assert [step.outcome for step in await audit.steps(entry)] == ["deleted", "deleted", "interrupted"]


async def test_a_database_that_fails_says_so(audit: AuditLog, url: str, clock: ManualClock) -> None:
    await audit.attempt(came("U1"), GET)
    clock.advance(100)
    await change(url, "ALTER TABLE audit_records RENAME TO gone")
    with pytest.raises(DatabaseError):
        await audit.interrupt(60)
    await change(url, "ALTER TABLE gone RENAME TO audit_records")
    assert len(await audit.interrupt(60)) == 1
