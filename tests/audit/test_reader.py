"""What is read from the audit log is authentic, and whatever isn't is found."""

import asyncio
from dataclasses import replace

import pytest
from pydantic import SecretStr
from sqlalchemy import Connection, delete, insert, select, update

from bot.audit import reader, verify
from bot.audit.chain import HASHED, BadCheckpoint, Checkpoint, Head
from bot.audit.entries import AuditResult, Entry, Filters
from bot.audit.keys import AuditKey
from bot.audit.log import AuditLog
from bot.storage.engine import DatabaseError
from bot.storage.tables import audit_heads, audit_records, metadata
from tests.audit_log import (
    DELETE,
    GET,
    TOKEN,
    actor,
    change,
    checked,
    configured,
    open_audit_log,
    read_rows,
    run,
    write,
)
from tests.manual_clock import ManualClock

T1 = Filters(team_id="T1")


async def exported(audit: AuditLog) -> list[Entry]:
    entries: list[Entry] = []
    await audit.export(T1, entries.append)
    return entries


async def test_an_attempt_and_its_result_are_one_entry(audit: AuditLog, clock: ManualClock) -> None:
    attempt = await audit.attempt(actor(), GET)
    unfinished_attempt = await audit.attempt(actor("U2"), DELETE)
    await audit.finish(attempt, AuditResult("failed", "invalid_auth", 7))
    await audit.deny(actor("U3"), GET, "guest")

    denied, unfinished, failed = await audit.newest(10, T1)

    assert (failed.user_id, failed.outcome, failed.code, failed.milliseconds) == ("U1", "failed", "invalid_auth", 7)
    assert (unfinished.number, unfinished.outcome) == (unfinished_attempt.number, None)
    assert unfinished.parameters == {"provider_key": "google"}
    assert (denied.user_id, denied.outcome, denied.code) == ("U3", "denied", "guest")
    assert failed.at == pytest.approx(clock.now(), abs=0.001)
    assert await exported(audit) == [failed, unfinished, denied]


async def test_filters(audit: AuditLog, clock: ManualClock) -> None:
    await write(audit, 2)
    clock.advance(100)
    later = clock.now()
    await audit.deny(actor("U9"), DELETE, "guest")

    async def users(filters: Filters) -> list[str | None]:
        return [entry.user_id for entry in await audit.newest(10, filters)]

    assert await users(T1) == ["U9", "U1", "U0"]
    assert await users(Filters(team_id="T1", user_id="U1")) == ["U1"]
    assert await users(Filters(team_id="T1", action="get")) == ["U1", "U0"]
    assert await users(Filters(team_id="T1", action="denied")) == ["U9"]
    assert await users(Filters(team_id="T1", since=later - 1)) == ["U9"]
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


NAMES = ", ".join(column.name for column in audit_records.columns if column.name not in ("number", "interaction"))
COPY = (
    f"INSERT INTO audit_records (number, {NAMES}) "
    f"SELECT {{}}, {NAMES} FROM audit_records WHERE number = {{}} AND chain = 'T1'"
)


@pytest.mark.parametrize(
    ("statements", "problem", "right"),
    [
        (
            ["UPDATE audit_records SET user_id = 'U7' WHERE number = 3 AND chain = 'T1'"],
            "T1: Row 3 was altered.",
            (2, 3),
        ),
        (
            ["UPDATE audit_records SET token_hmac = NULL WHERE number = 4 AND chain = 'T1'"],
            "T1: Row 4 was altered.",
            (3, 4),
        ),
        (
            ["UPDATE audit_records SET previous = hash WHERE number = 5 AND chain = 'T1'"],
            "T1: Row 5 was altered.",
            (3, 5),
        ),
        (["DELETE FROM audit_records WHERE number = 3 AND chain = 'T1'"], "T1: Row 3 is missing.", (2, 3)),
        (["DELETE FROM audit_records WHERE number = 6 AND chain = 'T1'"], "T1: Row 6 is missing.", (4, 6)),
        (["DELETE FROM audit_records WHERE number = 1 AND chain = 'T1'"], "T1: Row 1 is missing.", (1, 1)),
        (["DELETE FROM audit_records WHERE chain = 'T1'"], "T1: Row 1 is missing.", (1, 1)),
        ([COPY.format(7, 6)], "T1: Row 7 is not part of the log: somebody added it.", (4, 7)),
        ([COPY.format(0, 6)], "T1: Row 0 is not part of the log: somebody added it.", (4, 7)),
        ([COPY.format(-5, 6)], "T1: Row -5 is not part of the log: somebody added it.", (4, 7)),
        (
            [COPY.format(7, 6), "UPDATE audit_heads SET number = 7 WHERE chain = 'T1'"],
            "The head of the log of T1 was altered.",
            (0, 0),
        ),
        (["UPDATE audit_heads SET entries = 2 WHERE chain = 'T1'"], "The head of the log of T1 was altered.", (0, 0)),
        (
            ["UPDATE audit_heads SET log_id = 'other' WHERE chain = 'T1'"],
            "The head of the log of T1 was altered.",
            (0, 0),
        ),
        (["UPDATE audit_heads SET mac = '' WHERE chain = 'T1'"], "The head of the log of T1 was altered.", (0, 0)),
        (["DELETE FROM audit_heads WHERE chain = 'T1'"], "The head of the log of T1 is missing.", (0, 0)),
        (
            ["DELETE FROM audit_heads WHERE chain = 'T1'", "DELETE FROM audit_records WHERE chain = 'T1'"],
            "The log of T1 is missing, or another one is in its place.",
            (1, 1),
        ),
        (["UPDATE audit_heads SET chain = 'T2' WHERE chain = 'T1'"], "The head of the log of T2 was altered.", (0, 0)),
        (["DELETE FROM audit_records WHERE chain = ''"], "Row 1 is missing.", (0, 0)),
        (["UPDATE audit_records SET at = 0 WHERE chain = ''"], "Row 1 was altered.", (0, 0)),
        (["DELETE FROM audit_heads WHERE chain = ''"], "The head of the log is missing.", (0, 0)),
        (["UPDATE audit_heads SET mac = '' WHERE chain = ''"], "The head of the log was altered.", (0, 0)),
        (
            [
                "INSERT INTO audit_heads SELECT 'T2', log_id, number, hash, entries, pruned_number, pruned_hash, "
                "pruned_entries, verified, mac FROM audit_heads WHERE chain = 'T1'"
            ],
            "The head of the log of T2 was altered.",
            (0, 0),
        ),
        (
            [
                "DELETE FROM audit_records WHERE number > 4 AND chain = 'T1'",
                "UPDATE audit_heads SET number = 4, entries = 2,"
                " hash = (SELECT hash FROM audit_records WHERE number = 4) WHERE chain = 'T1'",
            ],
            "The head of the log of T1 was altered.",
            (0, 0),
        ),
        (
            [
                "UPDATE audit_heads SET pruned_number = 2, pruned_entries = 1,"
                " pruned_hash = (SELECT hash FROM audit_records WHERE number = 2) WHERE chain = 'T1'",
                "DELETE FROM audit_records WHERE number < 3 AND chain = 'T1'",
            ],
            "The head of the log of T1 was altered.",
            (0, 0),
        ),
        (
            [
                f"UPDATE audit_records SET number = {new} WHERE number = {old} AND chain = 'T1'"
                for old, new in ((2, 102), (4, 2), (102, 4))
            ],
            "T1: Row 2 was altered.",
            (2, 2),
        ),
    ],
)
async def test_a_change_is_found_at_the_first_bad_place(
    audit: AuditLog, url: str, statements: list[str], problem: str, right: tuple[int, int]
) -> None:
    await write(audit)
    assert await checked(audit) == (4, 7, None)
    for statement in statements:
        await change(url, statement)
    assert await checked(audit) == (*right, problem)


async def forge(url: str, key: AuditKey, number: int, **changes: object) -> None:
    """Rewrite a row as only the owner of the key can."""
    is_it = (audit_records.c.chain == "T1") & (audit_records.c.number == number)

    def rewrite(connection: Connection) -> None:
        row = {**connection.execute(select(audit_records).where(is_it)).mappings().one(), **changes}
        row["hash"] = key.mac("chain", [row[name] for name in HASHED])
        connection.execute(update(audit_records).where(is_it).values(**row))

    await run(url, rewrite)


async def test_a_row_that_does_not_follow_the_one_before_is_found(audit: AuditLog, url: str, key: AuditKey) -> None:
    await write(audit)
    await forge(url, key, 6, previous="0" * 64)
    assert await checked(audit) == (4, 6, "T1: Row 6 does not follow the one before it.")
    await forge(url, key, 6, previous="1" * 64)
    assert (await checked(audit))[2] == "T1: Row 6 does not follow the one before it."


async def test_rows_that_are_not_authentic_are_never_read(audit: AuditLog, url: str) -> None:
    await write(audit)
    before = await audit.newest(10, T1)
    # A forged result, an entry above the head, one below the first row, and one in the middle that is altered.
    await change(url, COPY.format(7, 6).replace(NAMES + " FROM", NAMES.replace("outcome", "'failed'") + " FROM"))
    await change(url, COPY.format(8, 5))
    await change(url, COPY.format(0, 5))
    assert await audit.newest(10, T1) == before
    assert await exported(audit) == before[::-1]
    assert len((await audit.find_token(TOKEN)).entries) == 3

    await change(url, "UPDATE audit_records SET user_id = 'U9' WHERE number = 3")
    await change(url, "UPDATE audit_records SET outcome = 'failed' WHERE number = 6")
    assert [(entry.user_id, entry.outcome) for entry in await audit.newest(10, T1)] == [
        ("U2", None),
        ("U0", "fetched"),
    ]
    assert [entry.user_id for entry in await audit.newest(1, Filters(team_id="T1", user_id="U9"))] == []


async def test_pages_are_filled_past_rows_that_are_not_authentic(audit: AuditLog, url: str) -> None:
    await write(audit, 5)
    await change(url, "UPDATE audit_records SET reference = 'FORGED' WHERE number IN (9, 7)")
    assert [entry.number for entry in await audit.newest(2, T1)] == [5, 3]


async def test_pruned_rows_without_their_entry_are_found(audit: AuditLog, url: str, key: AuditKey) -> None:
    await write(audit)
    await audit.prune(2**40)
    await forge(url, key, 7, kind="denied")
    await resign(url, key)
    assert (await checked(audit))[2] == "T1: Rows up to 6 are gone, and no entry says that they were pruned."


async def resign(url: str, key: AuditKey) -> None:
    """Sign the head again over the newest row, as only the key's owner can."""
    is_it = audit_heads.c.chain == "T1"
    newest = select(audit_records.c.hash).where(audit_records.c.chain == "T1").order_by(audit_records.c.number.desc())

    def sign(connection: Connection) -> None:
        head = Head.stored(connection.execute(select(audit_heads).where(is_it)).mappings().one(), key)
        assert isinstance(head, Head)
        head = replace(head, hash=connection.execute(newest.limit(1)).scalar_one())
        connection.execute(update(audit_heads).where(is_it).values(head.row(key)))

    await run(url, sign)


async def test_a_checkpoint_shows_what_the_database_alone_cannot(
    audit: AuditLog, url: str, clock: ManualClock, key: AuditKey
) -> None:
    async def compare(log: AuditLog, line: str) -> tuple[str | None, str | None]:
        result = await log.verify(lambda _: None, log.read_checkpoints(line))
        return result.problem, result.note

    await write(audit, 1)
    first = (await audit.checkpoints("T1"))[0]
    await write(audit, 1)
    old = await dump(url)
    early = (await audit.checkpoints("T1"))[0]
    assert early.startswith("extauth-checkpoint ")
    assert " row=4 entries=2 " in early
    await write(audit, 1)
    late = (await audit.checkpoints("T1"))[0]
    for line in (first, early, f"`{late}`\n", late.replace(" ", "\n")):
        assert await compare(audit, line) == (None, None)

    await restore(url, old)
    clock.advance(1)
    # The process that wrote what is gone knows.
    gone = "ewer entries of the audit log are gone"
    problem, _ = await compare(audit, early)
    assert problem is not None
    assert gone in problem
    for using in (write(audit, 1), audit.checkpoints(), audit.newest(1, Filters())):
        with pytest.raises(DatabaseError, match=gone):
            await using
    async with open_audit_log(configured(url), clock) as restarted:
        assert await checked(restarted) == (3, 5, None)
        assert await compare(restarted, early) == (None, None)
        problem, _ = await compare(restarted, late)
        assert problem is not None
        assert problem.startswith("T1: The log ends with row 4, but on ")
        await write(restarted, 1)
        assert (await compare(restarted, late))[0] == "T1: Row 6 is not the one that the checkpoint saw."
        await restarted.prune(2**40)
        problem, note = await compare(restarted, early)
    assert (problem, note) == (
        None,
        "The checkpoint is older than what was pruned, so there was nothing to compare it with.",
    )
    for odd in ("", "extauth-checkpoint", late.replace("entries=3", "entries=2"), late[:-1] + "0" * (late[-1] != "0")):
        with pytest.raises(BadCheckpoint):
            audit.read_checkpoints(odd)


async def test_a_new_log_is_not_the_one_that_a_checkpoint_saw(audit: AuditLog, url: str, clock: ManualClock) -> None:
    await write(audit, 1)
    text = (await audit.checkpoints("T1"))[0]
    for table in (*metadata.tables, "alembic_version"):
        await change(url, f"DROP TABLE {table}")
    async with open_audit_log(configured(url, EXTAUTH_SECRET_KEY="a" * 32), clock) as renewed:
        saw = Checkpoint("0" * 16, 1, 1, "0" * 64, "2026-01-01T00:00:00Z")
        result = await renewed.verify(lambda _: None, [saw])
        assert result.problem is not None
        assert result.problem.startswith("The checkpoint is of another log")
        await write(renewed, 1)
        assert text != (await renewed.checkpoints("T1"))[0]


Copied = dict[str, list[dict[str, object]]]


async def dump(url: str) -> Copied:
    """A copy of the log, as anybody who can read the database can make one."""
    return {
        table.name: [{**row} for row in await read_rows(url, select(table))] for table in (audit_records, audit_heads)
    }


async def restore(url: str, copied: Copied) -> None:
    """Put a copy back in place of what is there."""

    def put_back(connection: Connection) -> None:
        for table in (audit_records, audit_heads):
            connection.execute(delete(table))
            connection.execute(insert(table), copied[table.name])

    await run(url, put_back)


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
            text = (await audit.checkpoints("T1"))[0]
            result = await audit.verify(lambda _: None, audit.read_checkpoints(text))
            assert result.problem is None
        stop.set()
        await working
    assert (await checked(audit))[2] is None


async def test_progress_is_told_now_and_then(audit: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    # It's told every ten thousand rows, which take long to write.
    monkeypatch.setattr(verify, "_PROGRESS_EVERY", 2)
    await write(audit)
    told: list[int] = []
    await audit.verify(told.append)
    assert told == [2, 4, 6]


@pytest.mark.parametrize("page", [1, 2, 3, 6, 7])
async def test_pages_of_any_size_read_the_same(audit: AuditLog, page: int, monkeypatch: pytest.MonkeyPatch) -> None:
    await write(audit)
    whole = await exported(audit)
    # A page has thousands of rows, which take long to write.
    monkeypatch.setattr(verify, "_PAGE", page)
    monkeypatch.setattr(reader, "_PAGE", page)
    assert await exported(audit) == whole
    assert [entry.number for entry in whole] == [1, 3, 5]
    assert await checked(audit) == (4, 7, None)


@pytest.mark.parametrize("altered", ["hash = 'é'", "previous = 'é'", "user_id = 'é'"])
async def test_a_row_that_is_not_even_text_of_ours_is_passed_over(audit: AuditLog, url: str, altered: str) -> None:
    await write(audit)
    await change(url, f"UPDATE audit_records SET {altered} WHERE number = 1 AND chain = 'T1'")
    assert [entry.user_id for entry in await audit.newest(10, T1)] == ["U2", "U1"]
    assert [entry.user_id for entry in (await audit.find_token(TOKEN)).entries] == ["U1", "U2"]
    assert (await audit.verify(lambda _: None)).problem == "T1: Row 1 was altered."


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
    assert (result.entries, result.rows, result.pruned, result.problem) == (5, 7, 2, None)


async def test_since_is_inclusive_and_a_page_holds_what_was_asked_for(audit: AuditLog, clock: ManualClock) -> None:
    await write(audit, 2)
    at = clock.now()
    clock.advance(1)
    await write(audit, 2)
    assert len(await audit.newest(10, Filters(team_id="T1", since=at))) == 4
    assert len(await audit.newest(10, Filters(team_id="T1", since=at + 0.5))) == 2
    assert [entry.user_id for entry in await audit.newest(2, T1)] == ["U1", "U0"]


async def test_where_an_empty_log_begins_is_not_known(audit: AuditLog, clock: ManualClock) -> None:
    assert (await audit.find_token(TOKEN)).since is None
    at = clock.now()
    await write(audit, 1)
    clock.advance(5)
    await write(audit, 1)
    assert (await audit.find_token(TOKEN)).since == pytest.approx(at, abs=1e-5)
    await audit.prune(at + 1)
    assert (await audit.find_token(TOKEN)).since == pytest.approx(at + 5, abs=1e-5)
