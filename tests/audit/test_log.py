"""The audit record: what is in it, and that a change of it is found."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from bot.actor import Actor
from bot.app import open_audit_log
from bot.audit.entries import AuditResult, Filters
from bot.audit.log import AuditLog, AuditLogUnavailable
from bot.settings import Settings, read
from bot.slack.external_auth.models import DeleteTokens, GetToken
from bot.storage.engine import database_url, open_engine, transaction
from bot.storage.tables import audit_records
from tests.bot_process import ROOT
from tests.databases import DATABASES, new_database
from tests.manual_clock import ManualClock

TOKEN = SecretStr("ya29.a-token-that-was-handed-out")


GET, DELETE = GetToken("Et1"), DeleteTokens(provider_key="google")


def actor(user: str = "U1") -> Actor:
    return Actor(user, "T1", None, SecretStr(""), "ABCD2345")


def configured(url: str, **more: str) -> Settings:
    return read({"SLACK_BOT_TOKEN": "xoxb-1234567890", "DATABASE_URL": url, **more})


@pytest.fixture(params=DATABASES)
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    async with new_database(request.param, tmp_path) as address:
        yield address


@pytest.fixture
async def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def audit(url: str, clock: ManualClock) -> AsyncIterator[AuditLog]:
    async with open_audit_log(configured(url), clock) as opened:
        yield opened


async def write(audit: AuditLog, count: int = 3) -> None:
    for number in range(count):
        attempt = await audit.attempt(actor(f"U{number}"), GET)
        await audit.finish(attempt, AuditResult("fetched", None, 12, TOKEN))


async def change(url: str, statement: str) -> None:
    engine = open_engine(database_url(url))
    async with transaction(engine) as connection:
        await connection.execute(text(statement))
    await engine.dispose()


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
    assert await users(Filters(before=3)) == ["U0"]


async def test_a_leaked_token_names_who_was_given_it(audit: AuditLog) -> None:
    await write(audit, 2)

    assert [entry.user_id for entry in await audit.find_token(TOKEN)] == ["U0", "U1"]
    assert await audit.find_token(SecretStr("another")) == []


async def test_a_pasted_token_is_not_kept(audit: AuditLog) -> None:
    await audit.attempt(actor(), GetToken("Zm9v" * 15, True))
    kept = (await audit.newest(1, Filters()))[0].parameters
    assert kept == {"external_token_id": "Zm9v… (60 characters)", "force_refresh": True}


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE audit_records SET user_id = 'U7' WHERE number = 3", "Record 3 was altered."),
        ("UPDATE audit_records SET token_hmac = NULL WHERE number = 4", "Record 4 was altered."),
        ("DELETE FROM audit_records WHERE number = 3", "Record 3 is missing."),
        ("DELETE FROM audit_records WHERE number = 6", "Record 6 is missing."),
        ("DELETE FROM audit_records WHERE number = 1", "Record 1 is missing."),
        (
            "UPDATE audit_records SET number = CASE number WHEN 3 THEN 1000 WHEN 5 THEN 3 ELSE number END",
            "Record 3 does not follow the one before it.",
        ),
    ],
)
async def test_a_change_is_found(audit: AuditLog, url: str, statement: str, problem: str) -> None:
    await write(audit)
    assert (await audit.verify(lambda _: None)).problem is None
    await change(url, statement)
    assert (await audit.verify(lambda _: None)).problem == problem


async def test_an_inserted_and_a_swapped_record_are_found(audit: AuditLog, url: str) -> None:
    await write(audit)
    names = ", ".join(column.name for column in audit_records.columns if column.name != "number")
    copy = f"INSERT INTO audit_records (number, {names}) SELECT 7, {names} FROM audit_records WHERE number = 6"
    await change(url, copy)
    await change(url, "UPDATE audit_head SET number = 7")
    assert (await audit.verify(lambda _: None)).problem == "Record 7 does not follow the one before it."
    await change(url, "DELETE FROM audit_records WHERE number = 7")
    await change(url, "UPDATE audit_head SET number = 6")
    for old, new in ((2, 102), (4, 2), (102, 4)):
        await change(url, f"UPDATE audit_records SET number = {new} WHERE number = {old}")
    assert (await audit.verify(lambda _: None)).problem == "Record 2 does not follow the one before it."


async def test_pruning_keeps_what_stays_checkable_and_says_what_went(audit: AuditLog, clock: ManualClock) -> None:
    await write(audit)
    clock.advance(1000)
    cut = clock.now() - 1
    await write(audit, 1)

    assert await audit.prune(cut) == 6
    assert await audit.prune(cut) == 0

    result = await audit.verify(lambda _: None)
    assert (result.checked, result.problem) == (3, None)
    pruned, kept = await audit.newest(10, Filters())
    assert (pruned.action, pruned.outcome, pruned.parameters["rows"]) == ("prune", "pruned", "6")
    assert kept.user_id == "U0"


async def test_several_writers_in_one_process_share_one_chain(audit: AuditLog) -> None:
    attempts = await asyncio.gather(*(audit.attempt(actor(f"U{number}"), GET) for number in range(300)))
    assert sorted(attempt.number for attempt in attempts) == list(range(1, 301))
    assert (await audit.verify(lambda _: None)).checked == 300


@pytest.mark.parametrize(
    ("first", "second", "says"),
    [
        ("a" * 32, "b" * 32, "EXTAUTH_SECRET_KEY is not the one"),
        ("a" * 32, "", "EXTAUTH_SECRET_KEY is not set, but"),
        ("", "a" * 32, "EXTAUTH_SECRET_KEY is not the one"),
    ],
)
async def test_another_key_is_noticed_at_start(
    url: str, clock: ManualClock, first: str, second: str, says: str
) -> None:
    for key in (first, first):
        async with open_audit_log(configured(url, EXTAUTH_SECRET_KEY=key), clock) as opened:
            await write(opened, 1)
            assert (await opened.verify(lambda _: None)).problem is None
    with pytest.raises(Exception, match=says):
        async with open_audit_log(configured(url, EXTAUTH_SECRET_KEY=second), clock):
            pytest.fail("it opened")


async def test_the_token_is_in_no_row(audit: AuditLog, url: str) -> None:
    await write(audit)
    engine = open_engine(database_url(url))
    async with transaction(engine, reads=True) as connection:
        rows = (await connection.execute(text("SELECT * FROM audit_records"))).all()
    await engine.dispose()
    assert TOKEN.get_secret_value()[5:21] not in repr(rows)


@pytest.mark.slow
async def test_a_database_that_is_gone_is_said_so_and_used_again_when_it_is_back(tmp_path: Path) -> None:
    path = tmp_path / "audit.db"
    async with open_audit_log(configured(f"sqlite:///{path}"), ManualClock()) as audit:
        await write(audit, 1)
        for broken in (Locked(path), Emptied(path)):
            async with AsyncExitStack() as stack:
                await stack.enter_async_context(broken)
                with pytest.raises(AuditLogUnavailable):
                    await audit.attempt(actor(), GET)
            await audit.attempt(actor(), GET)
        assert (await audit.verify(lambda _: None)).problem is None


class Emptied:
    """Its tables are gone for a while."""

    def __init__(self, path: Path) -> None:
        self._url = f"sqlite:///{path}"

    async def __aenter__(self) -> None:
        await change(self._url, "ALTER TABLE audit_head RENAME TO gone")

    async def __aexit__(self, *_: object) -> None:
        await change(self._url, "ALTER TABLE gone RENAME TO audit_head")


class Locked:
    """Somebody else holds the write lock for longer than the bot waits."""

    def __init__(self, path: Path) -> None:
        self._engine = open_engine(database_url(f"sqlite:///{path}"))

    async def __aenter__(self) -> None:
        self._transaction = transaction(self._engine)
        await self._transaction.__aenter__()

    async def __aexit__(self, *_: object) -> None:
        await self._transaction.__aexit__(None, None, None)
        await self._engine.dispose()


def command(url: str, *words: str, typed: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", "audit", *words],
        env={
            "PYTHONPATH": str(ROOT),
            "SLACK_BOT_TOKEN": "xoxb-1234567890",
            "DATABASE_URL": url,
            "PATH": "/usr/bin:/bin",
            **more,
        },
        input=typed,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


@pytest.mark.process
async def test_the_commands(audit: AuditLog, url: str, clock: ManualClock) -> None:
    await write(audit)
    await audit.deny(actor("U9"), GET, "=guest")

    async def run(*words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return await asyncio.to_thread(command, url, *words, typed=typed)

    listed = await run("list", "--user", "U1")
    assert len(listed.stdout.splitlines()) == 1
    assert "U1  get      external_token_id=Et1  fetched in 12 ms  ABCD2345" in listed.stdout
    exported = [json.loads(line) for line in (await run("export")).stdout.splitlines()]
    assert [entry["user_id"] for entry in exported] == ["U0", "U1", "U2", "U9"]
    table = (await run("export", "--format", "csv", "--action", "denied")).stdout
    assert "'=guest" in table
    assert TOKEN.get_secret_value() not in json.dumps(exported) + table
    verified = await run("verify")
    assert (verified.returncode, verified.stdout) == (0, "The record is whole: 7 checked.\n")
    found = await run("find-token", typed=f"{TOKEN.get_secret_value()}\n")
    assert "Handed out 3 times, to: U0, U1, U2." in found.stdout
    assert TOKEN.get_secret_value() not in found.stdout + found.stderr
    assert (await run("prune", "--older-than", "3", "--yes")).stdout == "0 records dropped.\n"
    await change(url, "UPDATE audit_records SET code = 'x' WHERE number = 2")
    broken = await run("verify")
    assert (broken.returncode, broken.stdout.startswith("The record is NOT whole. Record 2 was altered.")) == (1, True)


@pytest.mark.process
async def test_a_terminal_that_lacks_characters_gets_them_escaped(audit: AuditLog, url: str) -> None:
    await audit.attempt(actor(), GetToken("Zm9v" * 15))
    ran = await asyncio.to_thread(command, url, "list", PYTHONIOENCODING="latin-1", PYTHONUTF8="0")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "Zm9v\\u2026 (60 characters)" in ran.stdout


@pytest.mark.process
def test_a_database_that_cannot_be_used_is_one_line() -> None:
    ran = command("sqlite:////nowhere/at/all.db", "verify")
    assert ran.returncode == 1
    assert ran.stderr.startswith("extauth: the database of DATABASE_URL cannot be used: ")
    assert len(ran.stderr.splitlines()) == 1
