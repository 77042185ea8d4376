"""Databases as they fail in life: locked, removed, replaced, left locked by a machine that died."""

import asyncio
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import Connection, text

from bot.audit import log as log_module
from bot.audit.entries import AuditResult
from bot.settings import Transport
from bot.storage import engine
from bot.storage.address import database_url
from bot.storage.engine import DatabaseError, open_database
from tests.audit_log import GET, TOKEN, actor, configured, locked, open_audit_log, until
from tests.databases import started_database
from tests.harness import open_harness
from tests.manual_clock import ManualClock


async def test_a_token_withheld_because_its_result_came_too_late_accuses_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, clock = f"sqlite:///{tmp_path}/audit.db", ManualClock()
    async with open_audit_log(configured(url), clock) as audit:
        attempt = await audit.attempt(actor(), GET)
        async with locked(url):
            with monkeypatch.context() as patched:
                # A database that is locked gives up before the log does.
                patched.setattr(log_module, "ANSWER_SECONDS", 0.2)
                with pytest.raises(DatabaseError):
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
    async with started_database("postgresql", tmp_path) as url, open_audit_log(configured(url), ManualClock()) as audit:
        dead = await asyncpg.connect(url)
        await dead.execute(engine.BEGIN.format("READ COMMITTED").replace("= 15000", "= 500"))
        await dead.execute("SELECT * FROM public.audit_heads FOR UPDATE")
        # Nothing more comes from that machine, and its connection stays open.
        async with asyncio.timeout(10):
            await audit.attempt(actor(), GET)
        dead.terminate()


LIMITS = {
    "idle_in_transaction_session_timeout": "15s",
    "lock_timeout": "4s",
    "tcp_keepalives_idle": "30",
    "transaction_read_only": "on",
    "transaction_isolation": "repeatable read",
}


async def test_each_session_has_its_limits(tmp_path: Path) -> None:
    async with started_database("postgresql", tmp_path) as url:
        database = open_database(database_url(url))

        def shown(connection: Connection) -> list[object]:
            return [connection.execute(text(f"SHOW {name}")).scalar() for name in LIMITS]

        assert await database.run(shown, reads=True) == list(LIMITS.values())
        await database.close()


async def test_what_is_written_to_a_removed_write_ahead_log_is_not_done(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/audit.db"
    async with open_audit_log(configured(url), ManualClock()) as audit:
        await audit.attempt(actor(), GET)
        with closing(sqlite3.connect(tmp_path / "audit.db")) as other:
            other.execute("PRAGMA wal_checkpoint(FULL)")
            for name in ("audit.db-wal", "audit.db-shm"):
                (tmp_path / name).unlink()
        for _ in range(2):
            with pytest.raises(DatabaseError, match=r"audit\.db-wal"):
                await audit.attempt(actor(), GET)
    async with open_audit_log(configured(url), ManualClock()) as restarted:
        await restarted.attempt(actor(), GET)
        assert (await restarted.verify(lambda _: None)).problem is None


def test_no_part_of_a_password_is_in_an_error() -> None:
    database = open_database(database_url("postgresql://ada:S3cretPassw0rd@127.0.0.1/x"))
    for length in range(180, 205):
        # No server lets a test choose where its message is cut.
        assert "S3c" not in database._one_line(OSError("x" * length + "S3cretPassw0rd"))
