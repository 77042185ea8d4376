"""`check` and the database: each fault has its own finding, and nothing is created or changed."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import pytest

from bot.check.database import check_database
from bot.check.finding import Finding, Status
from bot.settings import DatabaseSettings, read_database
from bot.storage import engine
from tests import audit_log
from tests.audit_log import change, configured, locked, open_audit_log, write
from tests.databases import POSTGRES, new_database
from tests.forked import run
from tests.manual_clock import ManualClock

KEY = "a-secret-key-of-more-than-32-characters"
OTHER_KEY = "another-secret-key-of-more-than-32-chars"


@pytest.fixture
def url(new_url: str) -> str:
    """Empty: each test decides on the key that its bot starts with."""
    return new_url


def reading(url: str, **more: str) -> DatabaseSettings:
    return read_database({"DATABASE_URL": url, "EXTAUTH_SECRET_KEY": audit_log.KEY, **more})


async def checked(url: str, **more: str) -> tuple[Finding, Finding]:
    database, key = await check_database(reading(url, **more))
    assert (database.subject, key.subject) == ("DATABASE_URL", "EXTAUTH_SECRET_KEY")
    return database, key


async def fault(url: str, **more: str) -> Finding:
    """The database's problem. Nothing is then said about the key."""
    database, key = await checked(url, **more)
    assert database.status is Status.PROBLEM
    assert (key.status, key.says) == (Status.NOT_CHECKED, "Because DATABASE_URL doesn't work.")
    return database


async def filled(url: str, count: int = 1, **more: str) -> None:
    async with open_audit_log(configured(url, **more), ManualClock()) as log:
        await write(log, count)


async def test_a_log_that_works(url: str) -> None:
    await filled(url)
    database, key = await checked(url)
    assert (database.status, database.says) == (Status.OK, "Works.")
    assert (key.status, key.says) == (Status.OK, "This is the key the audit log was written with, from .env.")


async def test_an_empty_log_works(url: str) -> None:
    await filled(url, 0, EXTAUTH_SECRET_KEY=KEY)
    database, key = await checked(url, EXTAUTH_SECRET_KEY=KEY)
    assert database.says == "Works. The audit log is empty."
    assert key.says == "This is the key the audit log was written with, from .env."


async def test_a_database_without_tables_is_ok_and_stays_so(url: str) -> None:
    if url.startswith("sqlite"):
        await asyncio.to_thread(Path(url.removeprefix("sqlite:///")).touch)
    for _ in range(2):
        database, key = await checked(url, EXTAUTH_SECRET_KEY=KEY)
        assert (database.status, database.says) == (Status.OK, "Works. Extauth creates its tables when it starts.")
        assert (key.status, key.says) == (Status.OK, "Extauth uses this key from its first start.")


async def test_a_file_that_is_still_to_be_created_is_ok(tmp_path: Path) -> None:
    database, _ = await checked(f"sqlite:///{tmp_path}/extauth.db")
    assert (database.status, database.says) == (Status.OK, f"Extauth creates {tmp_path}/extauth.db when it starts.")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("version", ["0008", "v1"])
async def test_tables_of_another_version(url: str, version: str) -> None:
    await filled(url)
    await change(url, f"UPDATE alembic_version SET version_num = '{version}'")
    found = await fault(url)
    assert found.says == "The tables are from another version of Extauth."
    assert found.fix == "Use that version, or name an empty database in DATABASE_URL."


async def test_an_altered_log(url: str) -> None:
    await filled(url)
    await change(url, "UPDATE audit_heads SET entries = 7")
    database, key = await checked(url)
    assert (database.status, database.says) == (Status.PROBLEM, "Somebody altered the audit log.")
    assert "`audit verify`" in database.fix
    assert key.status is Status.OK


async def test_a_wrong_key_is_no_fault_of_the_database(url: str) -> None:
    await filled(url, EXTAUTH_SECRET_KEY=KEY)
    database, key = await checked(url, EXTAUTH_SECRET_KEY=OTHER_KEY)
    assert database.status is Status.OK
    assert (key.status, key.says) == (Status.PROBLEM, "This isn't the key the audit log was written with.")
    assert key.fix == "Set the original key again."


@pytest.mark.parametrize(
    "statement", ["UPDATE installation_keys SET value = 'nonsense'", "DELETE FROM installation_keys"]
)
async def test_a_key_that_is_altered_or_gone_is_not_made_again(url: str, statement: str) -> None:
    await filled(url)
    await change(url, statement)
    for _ in range(2):
        database, key = await checked(url)
        assert database.status is Status.OK
        assert (key.status, key.says) == (Status.PROBLEM, "This isn't the key the audit log was written with.")


async def test_a_locked_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path}/extauth.db"
    await filled(url)
    async with locked(url):
        # It's ten seconds, and no setting.
        monkeypatch.setattr(engine, "BUSY_SECONDS", 0.2)
        found = await fault(url)
    assert found.says == "Another program has locked the database."
    assert "Find what holds the lock" in found.fix


async def test_a_missing_folder() -> None:
    found = await fault("sqlite:////nowhere/at/all.db")
    assert found.says == "The folder /nowhere/at doesn't exist."
    assert "Create the folder" in found.fix


async def test_a_folder_that_nothing_can_be_created_in() -> None:
    found = await fault("sqlite:////proc/extauth.db")
    assert found.says == "Extauth can't create files in /proc."
    assert "name another folder in DATABASE_URL" in found.fix


async def test_a_folder_in_the_files_place(tmp_path: Path) -> None:
    found = await fault(f"sqlite:///{tmp_path}")
    assert found.says == "The database file can't be opened."


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    path = tmp_path / "notes.txt"
    path.write_text("These are notes, and many of them. " * 100)
    return path


async def test_a_file_that_is_no_database(notes: Path) -> None:
    found = await fault(f"sqlite:///{notes}")
    assert found.says == "The file isn't a SQLite database."
    assert found.fix == "Name another file in DATABASE_URL."


def say_to_somebody_else(url: str) -> None:
    """Print what a user hears who isn't root: root may write everywhere."""
    if os.geteuid() == 0:
        os.seteuid(65534)
    print(asyncio.run(check_database(reading(url)))[0].says)


def says_to_somebody_else(url: str) -> str:
    ran = run([url], os.environ, program=say_to_somebody_else)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


@pytest.mark.process
@pytest.mark.parametrize(
    ("mode", "folder_mode", "says"),
    [
        (0o444, 0o777, "The database can't be written to."),
        (0o444, 0o555, "The database can't be written to."),
        (0o666, 0o555, "The database can't be written to."),
        (0o000, 0o777, "The database file can't be opened."),
    ],
)
def test_a_database_without_permission(mode: int, folder_mode: int, says: str) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "extauth.db"
        asyncio.run(filled(f"sqlite:///{path}"))
        path.chmod(mode)
        Path(folder).chmod(folder_mode)
        said = says_to_somebody_else(f"sqlite:///{path}")
        Path(folder).chmod(0o700)
    assert said == says


@pytest.fixture
async def postgres(tmp_path: Path) -> AsyncIterator[str]:
    async with new_database("postgresql", tmp_path) as address:
        yield address


async def test_a_postgresql_that_is_not_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    found = await fault(f"postgresql://extauth:a-password@127.0.0.1:{port}/x")
    assert found.says == f"PostgreSQL can't be reached (x on 127.0.0.1:{port})."
    assert "correct the host and port" in found.fix


async def test_a_database_that_postgresql_does_not_have(postgres: str) -> None:
    found = await fault(f"{postgres}_other")
    assert found.says == "PostgreSQL has no database of this name."
    assert "Create the database" in found.fix


@asynccontextmanager
async def as_a_user(url: str, *statements: str) -> AsyncIterator[str]:
    """The address of the database for a new user, after some statements about that user."""
    name = f"user_of_{url.rsplit('/', 1)[1]}"
    server = await asyncpg.connect(url)
    try:
        await server.execute(f"CREATE ROLE {name} LOGIN")
        for statement in statements:
            await server.execute(statement.format(name=name))
        yield url.replace("//postgres@", f"//{name}@")
    finally:
        await server.execute(f"DROP OWNED BY {name}")
        await server.execute(f"DROP ROLE {name}")
        await server.close()


READS = "GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}"
DEFAULTS_TO_READING = "ALTER ROLE {name} SET default_transaction_read_only = on"


@pytest.mark.skipif("//postgres@" not in POSTGRES, reason="needs to make users in PostgreSQL")
async def test_a_user_of_postgresql_who_may_not_write(postgres: str) -> None:
    async with as_a_user(postgres, "REVOKE CREATE ON SCHEMA public FROM PUBLIC") as url:
        assert (await fault(url)).says == "The user of the database can't write the tables."
    await filled(postgres)
    async with as_a_user(postgres, READS) as url:
        found = await fault(url)
        assert found.says == "The user of the database can't write the tables."
        assert found.fix == "Make that user the owner of the database and its tables."


@pytest.mark.skipif("//postgres@" not in POSTGRES, reason="needs to make users in PostgreSQL")
async def test_a_postgresql_that_is_read_only(postgres: str) -> None:
    async with as_a_user(postgres, DEFAULTS_TO_READING) as url:
        found = await fault(url)
    assert found.says == "The PostgreSQL server is read-only."
    assert "not a replica" in found.fix
