"""Every interaction is on record once, and whoever wasn't answered is handed on until told."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import select, text

from bot.actor import Actor
from bot.audit.entries import AuditResult, Filters
from bot.audit.guard import AuditLogUnavailable
from bot.audit.head import INTERRUPTED
from bot.audit.log import INTERACTION_SECONDS, AuditLog, DuplicateInteraction, Unanswered
from bot.audit.reader import micro
from bot.storage.address import database_url
from bot.storage.connect import open_database
from bot.storage.tables import audit_records, interactions
from tests.audit_log import (
    DELETE,
    GET,
    TOKEN,
    actor,
    came,
    change,
    checked,
    configured,
    left_behind,
    locked,
    open_audit_log,
    taken_over,
    taken_over_in_part,
    until,
)
from tests.databases import started_database
from tests.manual_clock import ManualClock
from tests.storage.postgres_proxy import open_proxy


async def test_an_interaction_is_on_record_once(audit: AuditLog, clock: ManualClock) -> None:
    def came(key: str) -> Actor:
        return Actor("U1", "T1", None, SecretStr(""), "ABCD2345", key, SecretStr("where"))

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
    assert await checked(audit) == (3, 4, None)

    clock.advance(INTERACTION_SECONDS + 1)
    await taken_over(audit, 60)
    await audit.attempt(came("a"), GET)


async def test_what_was_begun_and_never_ended_is_recorded_as_interrupted_once(
    audit: AuditLog, url: str, clock: ManualClock
) -> None:
    done = await audit.attempt(came("done"), GET)
    await audit.finish(done, AuditResult("fetched", None, 1, TOKEN))
    audit.answered(came("done"))
    await audit.attempt(came("canary-where"), GET)
    await audit.attempt(replace(came("nowhere"), reply_to=None), DELETE)
    clock.advance(100)
    await audit.attempt(came("young"), GET)
    await left_behind(url)
    replies = await addresses(url)
    assert len(replies) == 4
    assert "canary" not in repr(replies)

    async with open_audit_log(configured(url), clock) as other:
        found = [*await taken_over(audit, 60), *await taken_over(other, 60)]
    assert [(one.reference, outcome(one), one.reply_to) for one in found] == [
        ("REF-canary-where", "interrupted", SecretStr("where canary-where is")),
        ("REF-nowhere", "interrupted", None),
    ]
    entries = await audit.newest(10, Filters())
    assert [entry.outcome for entry in entries] == [None, "interrupted", "interrupted", "fetched"]
    assert (await checked(audit))[2] is None


def outcome(unanswered: Unanswered) -> str | None:
    """How it ended; None when nothing had been begun."""
    return unanswered.entry.outcome if unanswered.entry is not None else None


async def assert_told_once(audit: AuditLog, url: str, clock: ManualClock, taken: Sequence[Unanswered]) -> None:
    """Tell these people, and see that no later process finds them."""
    for one in taken:
        audit.told(one)
    await audit.close()
    await left_behind(url)
    clock.advance(100)
    assert await taken_over(audit, 60) == []


async def test_what_came_and_was_never_begun_is_told_as_well(audit: AuditLog, url: str, clock: ManualClock) -> None:
    await audit.receive(came("lost"))
    await audit.receive(came("begun"))
    await audit.attempt(came("begun"), GET)
    await audit.receive(came("denied"))
    await audit.deny(came("denied"), GET, "guest")
    await audit.receive(came("helped"))
    audit.answered(came("helped"))
    clock.advance(100)
    assert await taken_over(audit, 60) == []
    await audit.close()
    await left_behind(url)
    taken = await taken_over(audit, 60)
    assert [(one.reference, outcome(one), one.reply_to) for one in taken] == [
        ("REF-lost", None, SecretStr("where lost is")),
        ("REF-begun", "interrupted", SecretStr("where begun is")),
        ("REF-denied", "denied", SecretStr("where denied is")),
    ]
    assert await checked(audit) == (2, 3, None)
    await assert_told_once(audit, url, clock, taken)


async def test_what_came_before_is_received_by_nobody_else(audit: AuditLog, url: str) -> None:
    await audit.receive(came("a"))
    with pytest.raises(DuplicateInteraction):
        await audit.receive(came("a"))
    attempt = await audit.attempt(came("a"), GET)
    for again in (audit.attempt(came("a"), GET), audit.deny(came("a"), GET, "guest"), audit.receive(came("a"))):
        with pytest.raises(DuplicateInteraction):
            await again
    await audit.finish(attempt, AuditResult("fetched", None, 1, TOKEN))
    await audit.receive(came("b"))
    await left_behind(url)
    with pytest.raises(DuplicateInteraction):
        await audit.attempt(came("b"), GET)
    both = await asyncio.gather(*(audit.receive(came("c")) for _ in range(2)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in both) == ["DuplicateInteraction", "NoneType"]
    assert await checked(audit) == (1, 2, None)


async def test_a_database_that_does_not_answer_holds_up_no_acknowledgement(
    audit: AuditLog, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.audit.log.RECEIPT_SECONDS", 0.05)
    async with locked(url):
        with pytest.raises(AuditLogUnavailable, match="did not answer within 0 second"):
            await audit.receive(came("a"))
    attempt = await audit.attempt(came("a"), GET)
    assert attempt.number == 1


async def test_whoever_cannot_be_told_is_not_received(audit: AuditLog) -> None:
    for _ in range(2):
        await audit.receive(replace(came("nowhere"), reply_to=None))
        await audit.receive(actor())


async def test_whoever_was_not_answered_is_handed_on_until_told(audit: AuditLog, url: str, clock: ManualClock) -> None:
    attempt = await audit.attempt(came("deleted"), DELETE)
    await audit.finish(attempt, AuditResult("deleted", None, 1))
    await audit.deny(came("denied"), GET, "guest")
    await audit.attempt(came("begun"), GET)
    clock.advance(100)
    for _ in range(2):
        # The process that takes them over is killed as well, before it has told anybody.
        await left_behind(url)
        clock.advance(100)
        taken = await taken_over(audit, 60)
        assert [(one.reference, outcome(one), one.reply_to) for one in taken] == [
            (f"REF-{name}", how, SecretStr(f"where {name} is"))
            for name, how in (("deleted", "deleted"), ("denied", "denied"), ("begun", "interrupted"))
        ]
        clock.advance(100)
        assert await taken_over(audit, 60) == []
    await assert_told_once(audit, url, clock, taken)
    assert (await checked(audit))[2] is None


async def test_what_has_ended_may_still_be_on_its_way(audit: AuditLog, url: str, clock: ManualClock) -> None:
    attempt = await audit.attempt(came("ended"), DELETE)
    await audit.finish(attempt, AuditResult("deleted", None, 1))
    await audit.attempt(came("begun"), GET)
    await left_behind(url)
    clock.advance(100)
    assert [one.reference for one in await taken_over(audit, 60, 200)] == ["REF-begun"]
    clock.advance(101)
    assert [one.reference for one in await taken_over(audit, 60, 200)] == ["REF-ended"]


async def test_nobody_takes_over_what_they_are_still_working_on(audit: AuditLog, url: str, clock: ManualClock) -> None:
    await audit.attempt(came("slow"), GET)
    attempt = await audit.attempt(came("posted again"), GET)
    await audit.finish(attempt, AuditResult("fetched", None, 1, TOKEN))
    clock.advance(1000)
    assert await taken_over(audit, 60) == []


async def test_an_attempt_that_was_recorded_too_late_is_not_told_again(
    audit: AuditLog, url: str, clock: ManualClock
) -> None:
    async with locked(url):
        trying = asyncio.ensure_future(audit.attempt(came("late"), GET))
        await asyncio.sleep(0.05)
        trying.cancel()
        await asyncio.wait({trying})
    await until(audit, "not done")
    await audit.close()
    await left_behind(url)
    clock.advance(100)
    assert await taken_over(audit, 60) == []


async def addresses(url: str) -> Sequence[str | None]:
    """What is kept of where people can be told."""
    database = open_database(database_url(url))
    async with database.transaction(reads=True) as connection:
        found = (await connection.execute(select(interactions.c.reply_to))).scalars().all()
    await database.close()
    return found


async def test_that_somebody_was_answered_is_written_soon_though_nothing_follows(audit: AuditLog, url: str) -> None:
    await audit.attempt(came("answered"), GET)
    audit.answered(came("answered"))
    async with asyncio.timeout(20):
        while await addresses(url) != [None]:
            pass


async def test_that_somebody_was_answered_goes_along_with_the_next_entry(
    audit: AuditLog, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.audit.rows.NOTE_SECONDS", 3600.0)
    await audit.attempt(came("answered"), GET)
    audit.answered(came("answered"))
    assert None not in await addresses(url)
    await audit.attempt(came("begun"), GET)
    assert (await addresses(url)).count(None) == 1


async def test_answers_that_cannot_be_recorded_are_logged(
    audit: AuditLog, url: str, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    await audit.attempt(came("answered"), GET)
    await change(url, "ALTER TABLE interactions RENAME TO gone")
    audit.answered(came("answered"))
    await audit.close()
    assert "answered interactions couldn't be recorded as such" in caplog.messages
    await change(url, "ALTER TABLE gone RENAME TO interactions")


async def test_what_is_on_record_cannot_be_called_interrupted(audit: AuditLog, url: str) -> None:
    await audit.finish(await audit.attempt(came("U1"), GET), AuditResult("fetched", None, 1, TOKEN))
    await left_behind(url)
    await change(url, "UPDATE interactions SET is_finished = (1 = 0), at = 0")
    assert [outcome(one) for one in await taken_over(audit, 60)] == ["fetched"]
    (entry,) = await audit.newest(10, Filters())
    assert entry.outcome == "fetched"


async def test_a_result_that_came_after_its_interruption_counts(audit: AuditLog, url: str, clock: ManualClock) -> None:
    attempt = await audit.attempt(came("U1"), GET)
    clock.advance(100)
    await left_behind(url)
    assert len(await taken_over(audit, 60)) == 1
    await audit.finish(attempt, AuditResult("fetched", None, 1, TOKEN))
    (entry,) = await audit.newest(10, Filters())
    assert entry.outcome == "fetched"
    assert [found.user_id for found in (await audit.find_token(TOKEN)).entries] == ["U1"]


async def test_an_interruption_after_the_result_does_not_hide_it(
    audit: AuditLog, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = await audit.attempt(came("U1"), GET)
    await audit.finish(attempt, AuditResult("fetched", None, 1, TOKEN))
    await audit.finish(attempt, AuditResult(INTERRUPTED, None, 1))
    assert [found.outcome for found in (await audit.find_token(TOKEN)).entries] == ["fetched"]


async def _kept_addresses(url: str) -> list[str]:
    """The interactions whose people still have to be told."""
    database = open_database(database_url(url))
    async with database.transaction(reads=True) as connection:
        kept = select(interactions.c.key).where(interactions.c.reply_to.is_not(None)).order_by(interactions.c.key)
        keys = [str(key) for key in (await connection.execute(kept)).scalars()]
    await database.close()
    return keys


async def test_only_attempts_that_are_in_the_chain_are_called_interrupted(
    audit: AuditLog, url: str, clock: ManualClock
) -> None:
    await audit.attempt(came("U1"), GET)
    await audit.deny(came("U2"), GET, "guest")
    await audit.attempt(came("U3"), GET)
    columns = ", ".join(column.name for column in audit_records.columns if column.name != "number")
    await change(url, f"INSERT INTO audit_records (number, {columns}) SELECT 99, {columns} FROM audit_records LIMIT 1")
    await change(url, "INSERT INTO interactions VALUES ('forged', 0, 'T1', 99, (1 = 0), 'h', NULL)")
    await change(url, "UPDATE interactions SET is_finished = (1 = 0)")
    await change(url, "UPDATE audit_records SET parameters = 'x' WHERE number = 1")
    clock.advance(100)
    await left_behind(url)
    taken = await taken_over(audit, 60)
    assert [(one.reference, outcome(one)) for one in taken] == [("REF-U2", "denied"), ("REF-U3", "interrupted")]
    assert await _kept_addresses(url) == ["U2", "U3"]
    await assert_told_once(audit, url, clock, taken)


async def test_nobody_is_told_of_another_ones_command(audit: AuditLog, url: str, clock: ManualClock) -> None:
    for user in ("U1", "U2"):
        await audit.attempt(came(user), GET)
    kept = "SELECT reply_to FROM interactions AS kept WHERE kept.attempt = 3 - interactions.attempt"
    await change(url, "CREATE TABLE kept AS SELECT * FROM interactions")
    await change(url, f"UPDATE interactions SET reply_to = ({kept.replace('interactions AS kept', 'kept')})")
    await left_behind(url)
    clock.advance(100)
    assert [one.reply_to for one in await taken_over(audit, 60)] == [None, None]


async def test_nobody_is_told_in_another_workspace(audit: AuditLog, url: str, clock: ManualClock) -> None:
    await audit.receive(came("U1"))
    await audit.receive(replace(came("U2"), team_id="T2"))
    await change(url, "UPDATE interactions SET chain = CASE WHEN chain = 'T1' THEN 'T2' ELSE 'T1' END")
    await left_behind(url)
    clock.advance(100)
    taken = {one.workspace: one.reply_to for one in await taken_over(audit, 60)}
    assert taken == {"T1": None, "T2": None}


async def test_each_is_told_in_their_own_workspace(audit: AuditLog, url: str, clock: ManualClock) -> None:
    await audit.attempt(came("U1"), GET)
    await audit.receive(replace(came("U2"), team_id="T2"))
    await audit.receive(replace(came("U3"), team_id=None, enterprise_id="E1"))
    await left_behind(url)
    clock.advance(100)
    taken = sorted(await taken_over(audit, 60), key=lambda one: one.workspace)
    assert [(one.workspace, one.interaction, one.entry is not None) for one in taken] == [
        ("E1", "U3", False),
        ("T1", "U1", True),
        ("T2", "U2", False),
    ]
    assert [one.reply_to.get_secret_value() for one in taken if one.reply_to] == [f"where U{n} is" for n in (3, 1, 2)]
    assert not await taken_over(audit, 60)


async def test_a_chain_that_was_altered_holds_up_no_other(audit: AuditLog, url: str, clock: ManualClock) -> None:
    await audit.attempt(came("U1"), GET)
    await audit.attempt(replace(came("U2"), team_id="T2"), GET)
    await left_behind(url)
    clock.advance(100)
    await change(url, "UPDATE audit_heads SET entries = entries + 1 WHERE chain = 'T1'")
    # Nothing is raised: to look again soon wouldn't help.
    assert [one.workspace for one in await taken_over(audit, 60)] == ["T2"]
    await change(url, "UPDATE audit_heads SET entries = entries - 1 WHERE chain = 'T1'")
    assert [one.workspace for one in await taken_over(audit, 60)] == ["T1"]


async def test_what_others_are_answering_right_now_does_not_hold_up_what_was_left(
    clock: ManualClock, tmp_path: Path
) -> None:
    async with started_database("postgresql", tmp_path) as url, open_audit_log(configured(url), clock) as audit:
        await audit.receive(came("left"))
        clock.advance(100)
        await audit.receive(came("young"))
        await left_behind(url)
        database = open_database(database_url(url))
        async with database.transaction() as other:
            await other.execute(text("SELECT * FROM interactions WHERE key = 'young' FOR UPDATE"))
            taken = await asyncio.wait_for(taken_over(audit, 60), 5)
        assert [one.reference for one in taken] == ["REF-left"]
        await database.close()


async def test_a_chain_that_is_held_holds_up_no_other_and_is_looked_through_again(
    clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with started_database("postgresql", tmp_path) as url, open_audit_log(configured(url), clock) as audit:
        await audit.attempt(came("U1"), GET)
        await audit.attempt(replace(came("U2"), team_id="T2"), GET)
        await left_behind(url)
        clock.advance(100)
        monkeypatch.setattr("bot.audit.guard.APPEND_SECONDS", 1.0)
        for held, other in (("T1", "T2"), ("T2", "T1")):
            database = open_database(database_url(url))
            async with database.transaction() as holding:
                await holding.execute(text(f"SELECT * FROM audit_heads WHERE chain = '{held}' FOR UPDATE"))
                assert [one.workspace for one in await taken_over_in_part(audit, 60)] == [other]
            await database.close()
            assert [one.workspace for one in await taken_over(audit, 60)] == [held]
            await left_behind(url)
            clock.advance(100)


async def test_where_the_database_fails_for_several_the_others_are_not_tried(
    clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with started_database("postgresql", tmp_path) as url, open_audit_log(configured(url), clock) as audit:
        for number in range(6):
            await audit.attempt(replace(came(f"U{number}"), team_id=f"T{number}"), GET)
        await left_behind(url)
        clock.advance(100)
        monkeypatch.setattr("bot.audit.guard.APPEND_SECONDS", 0.3)
        database = open_database(database_url(url))
        async with database.transaction() as holding:
            await holding.execute(text("SELECT * FROM audit_heads FOR UPDATE"))
            began = time.perf_counter()
            assert await taken_over_in_part(audit, 60) == []
            assert 0.9 <= time.perf_counter() - began < 1.7
        await database.close()
        assert len(await taken_over(audit, 60)) == 6


async def test_who_could_not_be_told_is_found_again(audit: AuditLog, url: str, clock: ManualClock) -> None:
    await audit.attempt(came("U1"), GET)
    await left_behind(url)
    clock.advance(100)
    (one,) = await taken_over(audit, 60)
    assert await taken_over(audit, 60) == []
    audit.untold(one)
    assert await taken_over(audit, 60) == [one]
    assert await checked(audit) == (1, 2, None)


async def test_each_is_taken_over_by_one_of_two(audit: AuditLog, url: str, clock: ManualClock) -> None:
    await audit.attempt(came("U1"), GET)
    await left_behind(url)
    now = micro(clock.now())

    def is_left(owner: str, at: int, is_finished: bool) -> bool:
        return owner == "elsewhere/1/0"

    async with open_audit_log(configured(url), clock) as other:
        # Both have looked before either takes.
        both = [one._interactions for one in (audit, other)]
        keys = [await one.left(f"process {number}", is_left, ()) for number, one in enumerate(both)]
        assert keys == [{"T1": ["U1"]}] * 2
        taken = [
            await one.take_over("T1", ["U1"], f"process {number}", now, is_left, audit._interruption)
            for number, one in enumerate(both)
        ]
    assert [len(of_one) for of_one in taken] == [1, 0]
    assert await checked(audit) == (1, 2, None)


async def test_what_was_taken_over_is_told_though_the_database_did_not_say_so(
    clock: ManualClock, tmp_path: Path
) -> None:
    async with (
        started_database("postgresql", tmp_path) as url,
        open_proxy(url) as (proxy, through),
        open_audit_log(configured(through), clock) as audit,
    ):
        await audit.attempt(came("U1"), GET)
        await left_behind(url)
        clock.advance(100)
        proxy.loses_answer_to = [b"UPDATE interactions", b"COMMIT"]
        assert await taken_over_in_part(audit, 60) == []
        assert proxy.loses_answer_to == []
        assert [one.reference for one in await taken_over(audit, 60)] == ["REF-U1"]
        assert await taken_over(audit, 60) == []
        assert await checked(audit) == (1, 2, None)


async def test_an_address_that_was_altered_is_not_used(audit: AuditLog, url: str, clock: ManualClock) -> None:
    await audit.attempt(came("U1"), GET)
    await change(url, "UPDATE interactions SET reply_to = 'é'")
    await left_behind(url)
    clock.advance(100)
    assert [one.reply_to for one in await taken_over(audit, 60)] == [None]


async def test_only_finished_interactions_are_forgotten_and_only_old_ones(
    audit: AuditLog, url: str, clock: ManualClock
) -> None:
    await audit.deny(came("U1"), GET, "guest")
    clock.advance(INTERACTION_SECONDS)
    await audit.deny(came("U2"), GET, "guest")
    await taken_over(audit, 1e9)
    with pytest.raises(DuplicateInteraction):
        await audit.deny(came("U1"), GET, "guest")
    clock.advance(1)
    await taken_over(audit, 1e9)
    await audit.deny(came("U1"), GET, "guest")
    with pytest.raises(DuplicateInteraction):
        await audit.deny(came("U2"), GET, "guest")
    attempt = await audit.attempt(came("U3"), GET)
    clock.advance(INTERACTION_SECONDS + 1)
    await taken_over(audit, 1e9)
    with pytest.raises(DuplicateInteraction):
        await audit.attempt(came("U3"), GET)
    await audit.finish(attempt, AuditResult("fetched", None, 1))
