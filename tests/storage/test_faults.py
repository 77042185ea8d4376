"""Databases as they fail in life: locked, removed, replaced, left locked by a machine that died."""

import asyncio
import os
import shutil
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from bot.audit.append_sqlite import SqliteAppender
from bot.audit.entries import AuditResult, Filters
from bot.audit.guard import AuditLogUnavailable
from bot.settings import Transport
from bot.storage import postgresql
from bot.storage.address import database_url
from bot.storage.connect import open_database
from tests.audit_log import GET, TOKEN, actor, configured, locked, open_audit_log, until
from tests.databases import started_database
from tests.harness import open_harness
from tests.manual_clock import ManualClock


async def test_an_attempt_written_after_its_person_was_told_otherwise_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/audit.db"
    async with open_audit_log(configured(url), ManualClock()) as audit:
        async with locked(url):
            with monkeypatch.context() as patched:
                patched.setattr("bot.audit.guard.APPEND_SECONDS", 0.2)
                writing = asyncio.gather(
                    *(audit.attempt(actor(f"U{n}"), GET) for n in range(3)), return_exceptions=True
                )
                assert {type(error) for error in await writing} == {AuditLogUnavailable}
                # This one waits behind them, and is dropped unwritten.
                with pytest.raises(AuditLogUnavailable):
                    await audit.attempt(actor("U9"), GET)
        await until(audit, "not done")
        await audit.attempt(actor("U5"), GET)
        found = [(entry.user_id, entry.outcome) for entry in await audit.newest(10, Filters())]
        assert found == [("U5", None), ("U2", "not done"), ("U1", "not done"), ("U0", "not done")]
        assert (await audit.verify(lambda _: None)).problem is None


async def test_an_attempt_given_up_in_the_moment_it_was_written_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = SqliteAppender.append

    async def write_and_give_up(appender: SqliteAppender, *batch: Any) -> Any:
        numbers = await write(appender, *batch)
        if trying in asyncio.all_tasks():
            # After the number is set, and before the caller runs again.
            asyncio.get_running_loop().call_soon(trying.cancel)
        return numbers

    async with open_audit_log(configured(f"sqlite:///{tmp_path}/audit.db"), ManualClock()) as audit:
        monkeypatch.setattr(SqliteAppender, "append", write_and_give_up)
        trying = asyncio.ensure_future(audit.attempt(actor(), GET))
        with pytest.raises(asyncio.CancelledError):
            await trying
        await until(audit, "not done")
        assert [entry.outcome for entry in await audit.newest(9, Filters())] == ["not done"]


async def test_a_token_withheld_because_its_result_came_too_late_accuses_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, clock = f"sqlite:///{tmp_path}/audit.db", ManualClock()
    async with open_audit_log(configured(url), clock) as audit:
        attempt = await audit.attempt(actor(), GET)
        async with locked(url):
            with monkeypatch.context() as patched:
                patched.setattr("bot.audit.guard.APPEND_SECONDS", 0.2)
                with pytest.raises(AuditLogUnavailable):
                    await audit.finish(attempt, AuditResult("fetched", None, 1, TOKEN))
            audit.finish_later(attempt, AuditResult("withheld", None, 1))
        await until(audit, "fetched")
        await clock.until_asleep(5)
        clock.advance(5)
        await until(audit, "withheld")
        assert (await audit.find_token(TOKEN)).entries == []
        assert (await audit.verify(lambda _: None)).problem is None


@pytest.mark.parametrize("change", ["removed", "replaced", "moved"])
async def test_a_file_that_is_no_longer_the_one_that_was_opened_is_not_written_to(
    change: str, tmp_path: Path, transport: Transport
) -> None:
    path = tmp_path / "audit.db"
    async with open_harness(transport, DATABASE_URL=f"sqlite:///{path}") as harness:
        assert "[Show token]" in harness.read(await harness.types("/extauth get EtGoogle0001"))
        copy = tmp_path / "copy.db"
        shutil.copy(path, copy)
        if change == "moved":
            os.rename(path, tmp_path / "elsewhere.db")
        else:
            os.remove(path)
        if change == "replaced":
            os.rename(copy, path)
        for _ in range(2):
            read = harness.read(await harness.types("/extauth get EtGoogle0001"))
            assert "Extauth couldn't record your request" in read
        assert len(harness.calls("apps.auth.external.get")) == 1
        assert path.exists() == (change == "replaced")


async def test_a_machine_that_died_in_a_transaction_keeps_the_others_out_for_seconds(
    tmp_path: Path,
) -> None:
    session = {**postgresql._SESSION, "idle_in_transaction_session_timeout": "500"}
    async with started_database("postgresql", tmp_path) as url, open_audit_log(configured(url), ManualClock()) as audit:
        dead = await asyncpg.connect(url, server_settings=session)
        await dead.execute("BEGIN")
        await dead.execute("SELECT * FROM audit_heads FOR UPDATE")
        # Nothing more comes from that machine, and its connection stays open.
        async with asyncio.timeout(10):
            await audit.attempt(actor(), GET)
        dead.terminate()


async def test_each_session_has_its_limits(tmp_path: Path) -> None:
    async with started_database("postgresql", tmp_path) as url:
        database = open_database(database_url(url))
        async with database.transaction(reads=True) as connection:
            for name, value in (
                ("idle_in_transaction_session_timeout", "15s"),
                ("lock_timeout", "10s"),
                ("tcp_keepalives_idle", "30"),
                ("transaction_read_only", "on"),
                ("transaction_isolation", "repeatable read"),
            ):
                assert (await connection.execute(text(f"SHOW {name}"))).scalar() == value
        await database.close()


def test_the_secret_of_a_reply_is_not_printed() -> None:
    assert "hooks" not in repr(actor().__class__("U1", "T1", None, SecretStr("x"), "R", "k", SecretStr("hooks")))
