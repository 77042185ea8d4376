"""The audit log: what is in it, and that a change of it is found."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import delete, insert, select, text, update

from bot.actor import Actor
from bot.audit.checkpoint import BadCheckpoint, Checkpoint
from bot.audit.entries import AuditResult, Filters
from bot.audit.guard import AuditLogUnavailable
from bot.audit.head import INTERRUPTED, chain_hash
from bot.audit.heads import locked_head
from bot.audit.keys import AuditKey, load_key
from bot.audit.log import (
    INTERACTION_SECONDS,
    RETRY_SECONDS,
    AuditLog,
    DuplicateInteraction,
    Unanswered,
)
from bot.slack.external_auth.models import GetToken
from bot.storage.address import database_url
from bot.storage.connect import open_database
from bot.storage.tables import audit_heads, audit_records, interactions, metadata
from tests.audit_log import (
    DELETE,
    GET,
    TOKEN,
    actor,
    came,
    change,
    checked,
    configured,
    emptied,
    left_behind,
    locked,
    open_audit_log,
    taken_over,
    until,
    write,
)
from tests.databases import started_database
from tests.manual_clock import ManualClock


@pytest.fixture
async def key(audit: AuditLog, url: str) -> AuditKey:
    """The key that the log was written with, as its owner has it."""
    database = open_database(database_url(url))
    async with database.transaction() as connection:
        loaded = await load_key(connection, (), creates=False)
    await database.close()
    return loaded


async def test_an_attempt_and_its_result_are_one_entry(audit: AuditLog, clock: ManualClock) -> None:
    attempt = await audit.attempt(actor(), GET)
    unfinished_attempt = await audit.attempt(actor("U2"), DELETE)
    await audit.finish(attempt, AuditResult("failed", "invalid_auth", 7))
    await audit.deny(actor("U3"), GET, "guest")

    denied, unfinished, failed = await audit.newest(10, Filters())

    assert (failed.user_id, failed.outcome, failed.code, failed.milliseconds) == ("U1", "failed", "invalid_auth", 7)
    assert (unfinished.number, unfinished.outcome) == (unfinished_attempt.number, None)
    assert unfinished.parameters == {"provider_key": "google"}
    assert (denied.user_id, denied.outcome, denied.code) == ("U3", "denied", "guest")
    assert failed.at == pytest.approx(clock.now(), abs=0.001)
    assert [entry async for entry in audit.oldest_first(Filters())] == [failed, unfinished, denied]


async def test_filters(audit: AuditLog, clock: ManualClock) -> None:
    await write(audit, 2)
    clock.advance(100)
    later = clock.now()
    await audit.deny(actor("U9"), DELETE, "guest")

    async def users(filters: Filters) -> list[str | None]:
        return [entry.user_id for entry in await audit.newest(10, filters)]

    assert await users(Filters()) == ["U9", "U1", "U0"]
    assert await users(Filters(user_id="U1")) == ["U1"]
    assert await users(Filters(action="get")) == ["U1", "U0"]
    assert await users(Filters(action="denied")) == ["U9"]
    assert await users(Filters(since=later - 1)) == ["U9"]
    assert await users(Filters(team_id="T2")) == []
    assert await users(Filters(team_id="T1", before=3)) == ["U0"]


async def test_a_leaked_token_names_who_was_given_it(audit: AuditLog, clock: ManualClock) -> None:
    await write(audit, 2)
    withheld = await audit.attempt(actor("U7"), GET)
    await audit.finish(withheld, AuditResult("fetched", None, 12, TOKEN))
    await audit.finish(withheld, AuditResult("withheld", None, 12))

    found = await audit.find_token(TOKEN)
    assert [(entry.user_id, entry.action, entry.outcome) for entry in found.entries] == [
        ("U0", "get", "fetched"),
        ("U1", "get", "fetched"),
    ]
    assert found.since == pytest.approx(clock.now(), abs=0.001)
    assert (await audit.find_token(SecretStr("another"))).entries == []


async def test_a_pasted_token_is_not_kept(audit: AuditLog) -> None:
    await audit.attempt(actor(), GetToken("Zm9v" * 15, True))
    kept = (await audit.newest(1, Filters()))[0].parameters
    assert kept == {"external_token_id": "Zm9v… (60 characters)", "force_refresh": True}


async def test_what_an_older_version_kept_whole_is_only_quoted(audit: AuditLog, url: str, key: AuditKey) -> None:
    await write(audit, 1)
    await forge(url, key, 1, parameters=json.dumps({"external_token_id": "ya29." + "x" * 60}))
    assert (await audit.newest(1, Filters()))[0].parameters == {"external_token_id": "ya29… (65 characters)"}


NAMES = ", ".join(column.name for column in audit_records.columns if column.name != "number")
COPY = f"INSERT INTO audit_records (number, {NAMES}) SELECT {{}}, {NAMES} FROM audit_records WHERE number = {{}}"


@pytest.mark.parametrize(
    ("statements", "problem", "right"),
    [
        (["UPDATE audit_records SET user_id = 'U7' WHERE number = 3"], "T1: Row 3 was altered.", (1, 2)),
        (["UPDATE audit_records SET token_hmac = NULL WHERE number = 4"], "T1: Row 4 was altered.", (2, 3)),
        (["UPDATE audit_records SET previous = hash WHERE number = 5"], "T1: Row 5 was altered.", (2, 4)),
        (["DELETE FROM audit_records WHERE number = 3"], "T1: Row 3 is missing.", (1, 2)),
        (["DELETE FROM audit_records WHERE number = 6"], "T1: Row 6 is missing.", (3, 5)),
        (["DELETE FROM audit_records WHERE number = 1"], "T1: Row 1 is missing.", (0, 0)),
        (["DELETE FROM audit_records"], "T1: Row 1 is missing.", (0, 0)),
        ([COPY.format(7, 6)], "T1: Row 7 is not part of the log: somebody added it.", (3, 6)),
        ([COPY.format(0, 6)], "T1: Row 0 is not part of the log: somebody added it.", (3, 6)),
        ([COPY.format(-5, 6)], "T1: Row -5 is not part of the log: somebody added it.", (3, 6)),
        ([COPY.format(7, 6), "UPDATE audit_heads SET number = 7"], "The head of the log of T1 was altered.", (0, 0)),
        (["UPDATE audit_heads SET entries = 2"], "The head of the log of T1 was altered.", (0, 0)),
        (["UPDATE audit_heads SET log_id = 'other'"], "The head of the log of T1 was altered.", (0, 0)),
        (["UPDATE audit_heads SET mac = ''"], "The head of the log of T1 was altered.", (0, 0)),
        (["DELETE FROM audit_heads"], "The head of the log of T1 is missing.", (0, 0)),
        (
            ["DELETE FROM audit_heads", "DELETE FROM audit_records"],
            "The log of a workspace is missing: it was number 1 of 1.",
            (0, 0),
        ),
        (["UPDATE audit_heads SET chain = 'T2'"], "The head of the log of T2 was altered.", (0, 0)),
        (["UPDATE audit_root SET chains = 0"], "The list of workspaces was altered, or is missing.", (0, 0)),
        (["DELETE FROM audit_root"], "The list of workspaces was altered, or is missing.", (0, 0)),
        (
            [
                "DELETE FROM audit_records WHERE number > 4",
                "UPDATE audit_heads SET number = 4, entries = 2,"
                " hash = (SELECT hash FROM audit_records WHERE number = 4)",
            ],
            "The head of the log of T1 was altered.",
            (0, 0),
        ),
        (
            [
                "UPDATE audit_heads SET pruned_number = 2, pruned_entries = 1,"
                " pruned_hash = (SELECT hash FROM audit_records WHERE number = 2)",
                "DELETE FROM audit_records WHERE number < 3",
            ],
            "The head of the log of T1 was altered.",
            (0, 0),
        ),
        (
            [
                f"UPDATE audit_records SET number = {new} WHERE number = {old}"
                for old, new in ((2, 102), (4, 2), (102, 4))
            ],
            "T1: Row 2 was altered.",
            (1, 1),
        ),
    ],
)
async def test_a_change_is_found_at_the_first_bad_place(
    audit: AuditLog, url: str, statements: list[str], problem: str, right: tuple[int, int]
) -> None:
    await write(audit)
    assert await checked(audit) == (3, 6, None)
    for statement in statements:
        await change(url, statement)
    assert await checked(audit) == (*right, problem)


async def forge(url: str, key: AuditKey, number: int, **changes: object) -> None:
    """Rewrite a row as only the owner of the key can."""
    database = open_database(database_url(url))
    async with database.transaction() as connection:
        wanted = select(audit_records).where(audit_records.c.number == number)
        row = {**(await connection.execute(wanted)).mappings().one(), **changes}
        row["hash"] = chain_hash(key, row)
        await connection.execute(update(audit_records).where(audit_records.c.number == number).values(**row))
    await database.close()


async def test_a_row_that_does_not_follow_the_one_before_is_found(audit: AuditLog, url: str, key: AuditKey) -> None:
    await write(audit)
    await forge(url, key, 6, previous="0" * 64)
    assert await checked(audit) == (3, 5, "T1: Row 6 does not follow the one before it.")
    await forge(url, key, 6, previous="1" * 64)
    assert (await checked(audit))[2] == "T1: Row 6 does not follow the one before it."


async def test_rows_that_are_not_authentic_are_never_read(audit: AuditLog, url: str) -> None:
    await write(audit)
    before = await audit.newest(10, Filters())
    # A forged result, an entry above the head, one below the first row, and one in the middle that is altered.
    await change(url, COPY.format(7, 6).replace(NAMES + " FROM", NAMES.replace("outcome", "'failed'") + " FROM"))
    await change(url, COPY.format(8, 5))
    await change(url, COPY.format(0, 5))
    assert await audit.newest(10, Filters()) == before
    assert [entry async for entry in audit.oldest_first(Filters())] == before[::-1]
    assert len((await audit.find_token(TOKEN)).entries) == 3

    await change(url, "UPDATE audit_records SET user_id = 'U9' WHERE number = 3")
    await change(url, "UPDATE audit_records SET outcome = 'failed' WHERE number = 6")
    assert [(entry.user_id, entry.outcome) for entry in await audit.newest(10, Filters())] == [
        ("U2", None),
        ("U0", "fetched"),
    ]
    assert [entry.user_id for entry in await audit.newest(1, Filters(user_id="U9"))] == []


async def test_pages_are_filled_past_rows_that_are_not_authentic(audit: AuditLog, url: str) -> None:
    await write(audit, 5)
    await change(url, "UPDATE audit_records SET reference = 'FORGED' WHERE number IN (9, 7)")
    assert [entry.number for entry in await audit.newest(2, Filters())] == [5, 3]


async def test_a_log_whose_head_was_altered_is_neither_read_nor_written(audit: AuditLog, url: str) -> None:
    await write(audit)
    await change(url, "UPDATE audit_heads SET number = 4")
    says = "the audit log's head was altered"
    with pytest.raises(AuditLogUnavailable, match=says):
        await audit.attempt(actor(), GET)
    with pytest.raises(AuditLogUnavailable, match=says):
        await audit.newest(1, Filters())
    with pytest.raises(AuditLogUnavailable, match=says):
        await audit.find_token(TOKEN)
    with pytest.raises(AuditLogUnavailable, match=says):
        await audit.prune(0)
    with pytest.raises(AuditLogUnavailable, match=says):
        (await audit.checkpoints())[0]


async def test_pruning_says_what_went_and_the_rest_verifies(audit: AuditLog, url: str, clock: ManualClock) -> None:
    await write(audit)
    first = clock.now()
    clock.advance(1000)
    cut = clock.now() - 1
    await write(audit, 1)

    count, oldest = await audit.count_before(cut)
    assert count == 3
    assert oldest == pytest.approx(first, abs=0.001)
    assert await audit.prune(cut) == 3
    assert await audit.prune(cut) == 0
    assert await audit.count_before(cut) == (0, None)

    assert await checked(audit) == (2, 3, None)
    pruned, kept = await audit.newest(10, Filters())
    assert (pruned.action, pruned.outcome, pruned.user_id, pruned.reference) == ("prune", "pruned", None, "")
    assert pruned.parameters == {"entries": "3", "through": "6", "before": f"{cut:.0f}"}
    assert kept.user_id == "U0"

    clock.advance(1000)
    await write(audit, 1)
    assert await audit.prune(clock.now() - 1) == 2
    assert await checked(audit) == (2, 3, None)
    assert await audit.prune(clock.now() + 10) == 2
    assert await checked(audit) == (1, 1, None)
    await change(url, "UPDATE audit_records SET number = 3 WHERE number = 13")
    assert (await checked(audit))[2] is not None


async def test_pruned_rows_without_their_entry_are_found(audit: AuditLog, url: str, key: AuditKey) -> None:
    await write(audit)
    await audit.prune(2**40)
    await forge(url, key, 7, kind="denied")
    await resign(url, key)
    assert (await checked(audit))[2] == "T1: Rows up to 6 are gone, and no entry says that they were pruned."


async def resign(url: str, key: AuditKey) -> None:
    """Sign the head again over the newest row, as only the key's owner can."""
    database = open_database(database_url(url))
    async with database.transaction() as connection:
        found = await locked_head(connection, key, "T1")
        assert found is not None
        newest = select(audit_records.c.hash).order_by(audit_records.c.number.desc()).limit(1)
        head = replace(found, hash=(await connection.execute(newest)).scalar_one())
        await connection.execute(update(audit_heads).values(hash=head.hash, mac=head.mac(key)))
    await database.close()


async def test_a_checkpoint_shows_what_the_database_alone_cannot(
    audit: AuditLog, url: str, clock: ManualClock, key: AuditKey
) -> None:
    async def compare(line: str) -> tuple[str | None, str | None]:
        result = await audit.verify(lambda _: None, audit.read_checkpoints(line))
        return result.problem, result.note

    await write(audit, 1)
    first = (await audit.checkpoints())[0]
    await write(audit, 1)
    old = await dump(url)
    early = (await audit.checkpoints())[0]
    assert early.startswith("extauth-checkpoint ")
    assert " row=4 entries=2 " in early
    await write(audit, 1)
    late = (await audit.checkpoints())[0]
    for line in (first, early, f"`{late}`\n", late.replace(" ", "\n")):
        assert await compare(line) == (None, None)

    await restore(url, old)
    assert await checked(audit) == (2, 4, None)
    assert await compare(early) == (None, None)
    problem, _ = await compare(late)
    assert problem is not None
    assert problem.startswith("T1: The log ends with row 4, but on ")
    clock.advance(1)
    await write(audit, 1)
    assert (await compare(late))[0] == "T1: Row 6 is not the one that the checkpoint saw."

    await audit.prune(2**40)
    problem, note = await compare(early)
    assert (problem, note) == (
        None,
        "The checkpoint is older than what was pruned, so there was nothing to compare it with.",
    )
    for odd in ("", "extauth-checkpoint", late.replace("entries=3", "entries=2"), late[:-1] + "0" * (late[-1] != "0")):
        with pytest.raises(BadCheckpoint):
            audit.read_checkpoints(odd)


async def test_a_new_log_is_not_the_one_that_a_checkpoint_saw(audit: AuditLog, url: str, clock: ManualClock) -> None:
    await write(audit, 1)
    text = (await audit.checkpoints())[0]
    tables = {*metadata.tables} - {"installation_keys"}
    for table in (*tables, "alembic_version"):
        await change(url, f"DROP TABLE {table}")
    await change(url, "ALTER TABLE installation_keys RENAME TO kept")
    async with open_audit_log(configured(url), clock):
        pass
    await change(url, "DELETE FROM installation_keys")
    await change(url, "INSERT INTO installation_keys SELECT * FROM kept")
    await change(url, "DELETE FROM audit_root")
    assert (await checked(audit))[2] == "The list of workspaces was altered, or is missing."
    await change(url, "DROP TABLE kept")
    for table in (*tables, "alembic_version", "installation_keys"):
        await change(url, f"DROP TABLE {table}")
    async with open_audit_log(configured(url, EXTAUTH_SECRET_KEY="a" * 32), clock) as renewed:
        saw = Checkpoint("0" * 16, 1, 1, "0" * 64, "2026-01-01T00:00:00Z")
        result = await renewed.verify(lambda _: None, [saw])
        assert result.problem is not None
        assert result.problem.startswith("The checkpoint is of another log")
        await write(renewed, 1)
        assert text != (await renewed.checkpoints())[0]


async def dump(url: str) -> dict[str, list[dict[str, object]]]:
    """A copy of the log, as anybody who can read the database can make one."""
    database = open_database(database_url(url))
    async with database.transaction(reads=True) as connection:
        copied = {
            table.name: [dict(row) for row in (await connection.execute(select(table))).mappings()]
            for table in (audit_records, audit_heads, interactions)
        }
    await database.close()
    return copied


async def restore(url: str, copied: dict[str, list[dict[str, object]]]) -> None:
    """Put a copy back in place of what is there."""
    database = open_database(database_url(url))
    async with database.transaction() as connection:
        for table in (audit_records, audit_heads, interactions):
            await connection.execute(delete(table))
            if copied[table.name]:
                await connection.execute(insert(table), copied[table.name])
    await database.close()


async def test_verifying_is_right_while_others_append_and_prune(audit: AuditLog, url: str, clock: ManualClock) -> None:
    await write(audit, 20)
    async with open_audit_log(configured(url), clock) as other:
        stop = asyncio.Event()

        async def work() -> None:
            while not stop.is_set():
                await write(other, 3)
                clock.advance(1)
                await other.prune(clock.now() - 5)

        working = asyncio.ensure_future(work())
        for _ in range(20):
            text = (await audit.checkpoints())[0]
            result = await audit.verify(lambda _: None, audit.read_checkpoints(text))
            assert result.problem is None
        stop.set()
        await working
    assert (await checked(audit))[2] is None


async def test_progress_is_told_now_and_then(audit: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.audit.verification._PROGRESS_EVERY", 2)
    await write(audit)
    told: list[int] = []
    await audit.verify(told.append)
    assert told == [2, 4, 6]


@pytest.mark.parametrize("page", [1, 2, 3, 6, 7])
async def test_pages_of_any_size_read_the_same(audit: AuditLog, page: int, monkeypatch: pytest.MonkeyPatch) -> None:
    await write(audit)
    whole = [entry async for entry in audit.oldest_first(Filters())]
    monkeypatch.setattr("bot.audit.snapshot.PAGE", page)
    monkeypatch.setattr("bot.audit.reader._ENTRIES_AT_ONCE", page)
    assert [entry async for entry in audit.oldest_first(Filters())] == whole
    assert [entry.number for entry in whole] == [1, 3, 5]
    assert await checked(audit) == (3, 6, None)


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


async def test_a_chain_that_was_altered_is_looked_through_again(audit: AuditLog, url: str, clock: ManualClock) -> None:
    await audit.attempt(came("U1"), GET)
    await audit.attempt(replace(came("U2"), team_id="T2"), GET)
    await left_behind(url)
    clock.advance(100)
    await change(url, "UPDATE audit_heads SET entries = entries + 1 WHERE chain = 'T1'")
    taken = await audit.take_over(60)
    assert [one.workspace for one in taken.unanswered] == ["T2"]
    assert not taken.is_whole
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


async def test_an_address_that_was_altered_is_not_used(audit: AuditLog, url: str, clock: ManualClock) -> None:
    await audit.attempt(came("U1"), GET)
    await change(url, "UPDATE interactions SET reply_to = 'é'")
    await left_behind(url)
    clock.advance(100)
    assert [one.reply_to for one in await taken_over(audit, 60)] == [None]


@pytest.mark.parametrize("altered", ["hash = 'é'", "previous = 'é'", "user_id = 'é'"])
async def test_a_row_that_is_not_even_text_of_ours_is_passed_over(audit: AuditLog, url: str, altered: str) -> None:
    await write(audit)
    await change(url, f"UPDATE audit_records SET {altered} WHERE number = 1")
    assert [entry.user_id for entry in await audit.newest(10, Filters())] == ["U2", "U1"]
    assert [entry.user_id for entry in (await audit.find_token(TOKEN)).entries] == ["U1", "U2"]
    assert (await audit.verify(lambda _: None)).problem == "T1: Row 1 was altered."


async def test_a_column_may_hold_anything_in_sqlite(tmp_path: Path, clock: ManualClock) -> None:
    url = f"sqlite:///{tmp_path}/audit.db"
    async with open_audit_log(configured(url), clock) as audit:
        await write(audit)
        await change(url, "UPDATE audit_records SET user_id = x'00' WHERE number = 1")
        assert [entry.user_id for entry in await audit.newest(10, Filters())] == ["U2", "U1"]
        assert (await audit.verify(lambda _: None)).problem == "T1: Row 1 was altered."
        for altered in ("mac = 'é'", "hash = x'00'"):
            await change(url, f"UPDATE audit_heads SET {altered}")
            with pytest.raises(AuditLogUnavailable, match="head was altered"):
                await write(audit)
            assert (await audit.verify(lambda _: None)).problem == "The head of the log of T1 was altered."


async def test_results_that_cannot_be_recorded_now_are_tried_in_order(
    audit: AuditLog, url: str, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    attempts = [await audit.attempt(actor(f"U{number}"), GET) for number in range(2)]
    await change(url, "ALTER TABLE audit_heads RENAME TO gone")
    for attempt in attempts:
        audit.finish_later(attempt, AuditResult("failed", f"code_{attempt.event.user_id}", 1))
    await clock.until_asleep(RETRY_SECONDS)
    clock.advance(RETRY_SECONDS)
    await clock.until_asleep(RETRY_SECONDS)
    (line,) = [record for record in caplog.records if record.name == "bot.audit.log"]
    assert line.message == "a result still can't be recorded"
    assert "audit_heads" in vars(line)["why"]
    await change(url, "ALTER TABLE gone RENAME TO audit_heads")
    for done in (1, 2):
        clock.advance(RETRY_SECONDS)
        await until(audit, "failed", done)
        if done == 1:
            await clock.until_asleep(RETRY_SECONDS)
    assert [entry.code for entry in await audit.newest(9, Filters())] == ["code_U1", "code_U0"]


async def test_a_result_that_meets_a_fault_of_the_bot_is_tried_again(
    audit: AuditLog, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    attempt = await audit.attempt(actor(), GET)

    async def fail(*_: object) -> None:
        raise TypeError

    with monkeypatch.context() as patched:
        patched.setattr(audit, "finish", fail)
        audit.finish_later(attempt, AuditResult("failed", "x", 1))
        await clock.until_asleep(RETRY_SECONDS)
        clock.advance(RETRY_SECONDS)
        await clock.until_asleep(RETRY_SECONDS)
    assert [record.message for record in caplog.records if record.exc_info] == ["a result still can't be recorded"]
    clock.advance(RETRY_SECONDS)
    await until(audit, "failed")


async def test_how_much_would_be_pruned_is_told_before(audit: AuditLog, clock: ManualClock) -> None:
    assert await audit.count_before(clock.now()) == (0, None)
    first = clock.now()
    for _ in range(3):
        await write(audit, 1)
        clock.advance(10)
    assert await audit.count_before(first) == (0, None)
    count, oldest = await audit.count_before(first + 10)
    assert (count, oldest is not None and abs(oldest - first) < 1e-5) == (1, True)
    assert await audit.prune(first + 10) == 1
    assert await audit.count_before(first + 10) == (0, None)
    count, oldest = await audit.count_before(clock.now())
    assert (count, oldest is not None and abs(oldest - first - 10) < 1e-5) == (2, True)
    await audit.deny(actor(), GET, "guest")
    clock.advance(1)
    assert (await audit.count_before(clock.now()))[0] == 4
    result = await audit.verify(lambda _: None)
    assert (result.entries, result.rows, result.pruned, result.problem) == (4, 6, 2, None)


async def test_since_is_inclusive_and_a_page_holds_what_was_asked_for(audit: AuditLog, clock: ManualClock) -> None:
    await write(audit, 2)
    at = clock.now()
    clock.advance(1)
    await write(audit, 2)
    assert len(await audit.newest(10, Filters(since=at))) == 4
    assert len(await audit.newest(10, Filters(since=at + 0.5))) == 2
    assert [entry.user_id for entry in await audit.newest(2, Filters())] == ["U1", "U0"]


async def test_where_an_empty_log_begins_is_not_known(audit: AuditLog, clock: ManualClock) -> None:
    assert (await audit.find_token(TOKEN)).since is None
    at = clock.now()
    await write(audit, 1)
    clock.advance(5)
    await write(audit, 1)
    assert (await audit.find_token(TOKEN)).since == pytest.approx(at, abs=1e-5)


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


async def test_several_writers_in_one_process_share_one_chain(audit: AuditLog) -> None:
    attempts = await asyncio.gather(*(audit.attempt(actor(f"U{number}"), GET) for number in range(300)))
    assert sorted(attempt.number for attempt in attempts) == list(range(1, 301))
    assert (await audit.verify(lambda _: None)).rows == 300


@pytest.mark.parametrize(
    ("first", "second", "says"),
    [
        ("a" * 32, "b" * 32, "EXTAUTH_SECRET_KEY is not the one"),
        ("a" * 32, "", "EXTAUTH_SECRET_KEY is not set, but"),
        ("", "a" * 32, "EXTAUTH_SECRET_KEY is not the one"),
    ],
)
async def test_another_key_is_noticed_at_start(
    new_url: str, clock: ManualClock, first: str, second: str, says: str
) -> None:
    for key in (first, first):
        async with open_audit_log(configured(new_url, EXTAUTH_SECRET_KEY=key), clock) as opened:
            await write(opened, 1)
            assert (await opened.verify(lambda _: None)).problem is None
    with pytest.raises(Exception, match=says):
        async with open_audit_log(configured(new_url, EXTAUTH_SECRET_KEY=second), clock):
            pytest.fail("it opened")


async def test_the_token_is_in_no_row(audit: AuditLog, url: str) -> None:
    await write(audit)
    database = open_database(database_url(url))
    async with database.transaction(reads=True) as connection:
        rows = (await connection.execute(text("SELECT * FROM audit_records"))).all()
    await database.close()
    assert TOKEN.get_secret_value()[5:21] not in repr(rows)


@pytest.mark.slow
async def test_a_database_that_is_gone_is_said_so_and_used_again_when_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.storage.sqlite.BUSY_SECONDS", 0.5)
    url = f"sqlite:///{tmp_path}/audit.db"
    async with open_audit_log(configured(url), ManualClock()) as audit:
        await write(audit, 1)
        for broken in (locked(url), emptied(url)):
            async with broken:
                with pytest.raises(AuditLogUnavailable):
                    await audit.attempt(actor(), GET)
            await audit.attempt(actor(), GET)
        assert (await audit.verify(lambda _: None)).problem is None
