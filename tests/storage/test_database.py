"""Addresses of databases, start-up of several processes, and many writers on one record."""

import asyncio
import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import text

from bot.clock import SystemClock
from bot.storage.address import TRUSTED, database_url
from bot.storage.engine import DatabaseError, open_database
from tests.audit.append_many import append
from tests.audit_log import configured, open_audit_log
from tests.databases import DATABASES, new_database
from tests.forked import Forked

PROCESSES, EACH = 4, 2500


@pytest.mark.parametrize(
    ("given", "driver"),
    [
        ("sqlite:///extauth.db", "sqlite:///extauth.db"),
        ("postgres://u:p@h:5432/d", "postgresql+psycopg://u:p@h:5432/d"),
        ("postgresql://u@h/d?sslmode=require", "postgresql+psycopg://u@h/d?sslmode=require"),
    ],
)
def test_an_address_is_understood_as_people_and_platforms_write_it(given: str, driver: str) -> None:
    assert database_url(given).render_as_string(hide_password=False) == driver


@pytest.mark.parametrize(
    ("options", "trusted"),
    [
        ("sslmode=verify-full", "system"),
        ("sslmode=verify-full&sslrootcert=system", "system"),
        ("sslrootcert=system", "system"),
        ("sslmode=verify-full&sslrootcert=/etc/company.pem", "/etc/company.pem"),
        ("sslmode=verify-ca", None),
        ("sslmode=verify-ca&sslrootcert=system", "left to libpq"),
        ("sslmode=require&pgbouncer=true&channel_binding=prefer", None),
    ],
)
def test_only_verify_full_trusts_what_the_system_trusts(
    options: str, trusted: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    system = next((path for path in TRUSTED if Path(path).exists()), "system")
    expected = {"system": system, "left to libpq": "system"}.get(str(trusted), trusted)
    address = f"postgresql://u@h/d?{options}"
    assert database_url(address).query.get("sslrootcert") == expected
    if expected == system:
        assert database_url(address).query["sslmode"] == "verify-full"
    own = tmp_path / ".postgresql" / "root.crt"
    own.parent.mkdir()
    own.touch()
    if "sslrootcert" not in options:
        assert "sslrootcert" not in database_url(address).query


@pytest.mark.parametrize("option", ["ssl=require", "password=S3cret", "sslpassword=S3cret", "sslmod=require"])
def test_an_option_that_cannot_be_there_is_named_without_its_value(option: str) -> None:
    with pytest.raises(ValueError, match=option.split("=", maxsplit=1)[0]) as raised:
        database_url(f"postgresql://u@h/d?{option}")
    assert option.split("=")[1] not in str(raised.value)


@pytest.mark.parametrize("option", ["mode=ro", "uri=true", "timeout=1"])
def test_an_option_of_a_sqlite_file_is_not_ignored(option: str) -> None:
    with pytest.raises(ValueError, match=f"can't have here: {option.split('=', maxsplit=1)[0]}"):
        database_url(f"sqlite:///x.db?{option}")


@pytest.mark.parametrize("given", ["extauth.db", "mysql://h/d", "sqlite://", "sqlite:///:memory:", ""])
def test_other_addresses_are_turned_away(given: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        database_url(given)


async def test_nobody_else_on_the_machine_reads_a_new_file(tmp_path: Path) -> None:
    database = open_database(database_url(f"sqlite:///{tmp_path}/audit.db"))
    await database.run(lambda connection: None)
    await database.close()
    assert stat.S_IMODE((tmp_path / "audit.db").stat().st_mode) == 0o600


@pytest.mark.parametrize("kind", DATABASES)
async def test_a_hundred_readers_at_once_wait_for_each_other(kind: str, tmp_path: Path) -> None:
    async with new_database(kind, tmp_path) as url:
        database = open_database(database_url(url))

        async def read_twice() -> None:
            for _ in range(2):
                await database.run(lambda connection: connection.execute(text("SELECT 1")).all(), reads=True)

        async with asyncio.timeout(20):
            await asyncio.gather(*(read_twice() for _ in range(100)))
        await database.close()


PASSWORD = "p@ss:wo/rd canary"


@pytest.mark.parametrize("written", [quote(PASSWORD, safe=""), quote(PASSWORD, safe="+ ")])
async def test_no_error_tells_the_password(written: str) -> None:
    url = database_url(f"postgresql://u:{written}@127.0.0.1:9/d")
    assert url.password == PASSWORD
    database = open_database(url)
    with pytest.raises(DatabaseError) as caught:
        await database.run(lambda connection: None)
    await database.close()
    for piece in ("canary", "p@ss", written):
        assert piece not in str(caught.value)


async def test_tables_of_a_newer_version_are_told_in_one_line(tmp_path: Path) -> None:
    settings = configured(f"sqlite:///{tmp_path}/audit.db")
    async with open_audit_log(settings, SystemClock()):
        pass
    with closing(sqlite3.connect(tmp_path / "audit.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    with pytest.raises(DatabaseError, match="of another version of Extauth"):
        async with open_audit_log(settings, SystemClock()):
            pytest.fail("it opened")


@pytest.mark.parametrize("kind", DATABASES)
async def test_four_processes_write_ten_thousand_records_and_the_chain_verifies(kind: str, tmp_path: Path) -> None:
    async with new_database(kind, tmp_path) as url:
        writers = [Forked([url, str(EACH)], os.environ, (0, 1, 2), program=append) for _ in range(PROCESSES)]
        assert [await writer.ended() for writer in writers] == [0] * PROCESSES
        async with open_audit_log(configured(url), SystemClock()) as audit:
            result = await audit.verify(lambda _: None)
        assert (result.rows, result.problem) == (PROCESSES * EACH + 1, None)
