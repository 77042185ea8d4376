"""Opening the database, and bringing its tables up to date."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, event, inspect, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.storage.tables import SCHEMA

BUSY_SECONDS = 10
COMMAND_SECONDS = 60
_CLOSE_SECONDS = 1.0
_POSTGRES_SESSION = {
    # The locks of a machine that died in a transaction are released after this long, not when TCP notices.
    "idle_in_transaction_session_timeout": "15000",
    "lock_timeout": str(BUSY_SECONDS * 1000),
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
log = logging.getLogger(__name__)
logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells of every start

_MIGRATION_LOCK = 0x65787461757468  # "extauth": one process at a time migrates a PostgreSQL


_POSTGRES_OPTIONS = {"ssl", "host", "port"}


class DatabaseError(Exception):
    """The database can't be used. The message is one line and holds no password."""


def database_url(value: str) -> URL:
    """Return the address in SQLAlchemy's form, for the drivers this bot uses. Raises ValueError.

    Heroku writes `postgres://`, and libpq's `sslmode` is asyncpg's `ssl`.
    """
    try:
        url = make_url(value)
    except (ArgumentError, ValueError):
        # Neither message can be passed on: both quote parts of the address, and so of its password.
        raise ValueError(
            "must be an address such as sqlite:///extauth.db or postgresql://user:password@host/name, with the @ : / "
            "of a password written as %40 %3A %2F."
        ) from None
    if url.drivername in {"postgres", "postgresql", "postgresql+asyncpg"}:
        if "@" in (url.host or ""):
            raise ValueError("has more than one @: write the @ of a password as %40, a : as %3A and a / as %2F.")
        return url.set(drivername="postgresql+asyncpg", query=_postgres_options(url))
    if url.drivername in {"sqlite", "sqlite+aiosqlite"} and url.database not in {None, "", ":memory:"}:
        return url.set(drivername="sqlite+aiosqlite")
    raise ValueError("must begin with sqlite:/// and name a file, or begin with postgresql://.")


def _postgres_options(url: URL) -> dict[str, str | tuple[str, ...]]:
    """Translate the options that libpq's addresses have and asyncpg's don't. Raises ValueError."""
    options = {("ssl" if name == "sslmode" else name): value for name, value in url.query.items()}
    unknown = sorted(set(options) - _POSTGRES_OPTIONS)
    if unknown:
        known = ", ".join(sorted({*_POSTGRES_OPTIONS, "sslmode"} - {"ssl"}))
        raise ValueError(f"has an option that this bot doesn't know: {unknown[0]}. Remove it; it knows {known}.")
    return options


def describe(value: str) -> str:
    """Return which database an address means, without its password."""
    url = database_url(value)
    if url.drivername.startswith("sqlite"):
        return str(Path(str(url.database)).absolute())
    return f"{url.database} on {url.host or 'localhost'}{f':{url.port}' if url.port else ''}"


def open_engine(url: URL, *, creates: bool = True) -> AsyncEngine:
    """Make a pool of connections. Nothing is connected yet. Only one that `creates` makes a missing SQLite file."""
    if url.drivername.startswith("postgresql"):
        return create_async_engine(
            url,
            pool_pre_ping=True,
            pool_timeout=BUSY_SECONDS,
            connect_args={
                "timeout": BUSY_SECONDS,
                "command_timeout": COMMAND_SECONDS,
                "server_settings": _POSTGRES_SESSION,
            },
            hide_parameters=True,
        )
    engine = create_async_engine(url, connect_args={"timeout": BUSY_SECONDS}, hide_parameters=True)
    _make_sqlite_strict(engine, _File(Path(str(url.database)).absolute(), creates))
    return engine


class _File:
    """The file of a SQLite database. Once it has been opened, another one in its place is not the same database."""

    def __init__(self, path: Path, creates: bool) -> None:
        self.path = path
        self._creates = creates
        self._identity: tuple[int, int] | None = None

    def ensure(self) -> None:
        """Make the file where that is wanted. Raises FileNotFoundError."""
        if self._creates and self._identity is None and not self.path.exists():
            # The file may come to hold the installation's key: nobody else on this machine reads it.
            os.close(os.open(self.path, os.O_CREAT | os.O_WRONLY, 0o600))
        self.check()

    def check(self) -> None:
        """Raise OSError when the file is gone, or another one is in its place."""
        found = self.path.stat()
        identity = (found.st_dev, found.st_ino)
        if self._identity not in (None, identity):
            raise OSError(f"{self.path} was replaced while the bot was running: restart it")
        self._identity = identity


def _make_sqlite_strict(engine: AsyncEngine, file: _File) -> None:
    @event.listens_for(engine.sync_engine, "do_connect")
    def _before_connect(*_: Any) -> None:
        file.ensure()

    @event.listens_for(engine.sync_engine, "connect")
    def _on_connect(connection: Any, _: Any) -> None:
        # The driver would begin transactions by itself, and only when something is written.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _on_begin(connection: Connection) -> None:
        reads = connection.get_execution_options().get("reads", False)
        if not reads:
            # A removed file can still be written to, and everything written to it is lost.
            file.check()
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


async def close_engine(engine: AsyncEngine) -> None:
    """Close the pool's connections. A database that has stopped answering gets a moment, and is then left alone."""
    try:
        async with asyncio.timeout(_CLOSE_SECONDS):
            await engine.dispose()
    except (TimeoutError, SQLAlchemyError, OSError) as error:
        log.warning("the database didn't close cleanly", extra={"error_type": type(error).__name__})


@asynccontextmanager
async def transaction(engine: AsyncEngine, *, reads: bool = False) -> AsyncIterator[AsyncConnection]:
    """Run a transaction. One that only `reads` sees one state throughout and locks nobody out. Raises DatabaseError."""
    try:
        async with engine.connect() as connection:
            await connection.execution_options(reads=reads)
            if reads and connection.dialect.name == "postgresql":
                await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            async with connection.begin():
                yield connection
    except (SQLAlchemyError, OSError, TimeoutError, CommandError) as error:
        raise DatabaseError(_one_line(error, engine.url)) from None


async def migrate(connection: AsyncConnection) -> bool:
    """Bring the tables up to date. Other processes wait until the connection's transaction ends.

    Returns whether anything had to be done.
    """
    if connection.dialect.name == "postgresql":
        await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
    before = await schema_version(connection)
    await connection.run_sync(_upgrade)
    return before != SCHEMA


async def check_schema(connection: AsyncConnection) -> None:
    """Raise DatabaseError where the tables are missing or of another version. Changes nothing."""
    found = await schema_version(connection)
    if found is None:
        raise DatabaseError("there is no audit log in it")
    if found != SCHEMA:
        raise DatabaseError("its tables are of another version of Extauth: start the bot once, or update it")


async def schema_version(connection: AsyncConnection) -> str | None:
    """Return the version of the tables; None where there are none."""
    if not await connection.run_sync(lambda sync: inspect(sync).has_table("alembic_version")):
        return None
    found: str | None = (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar()
    return found


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _one_line(error: Exception, url: URL) -> str:
    if isinstance(error, CommandError):
        return "its tables are of a newer version of Extauth: update the bot"
    # The driver's own words, without the statement and its parameters that SQLAlchemy adds.
    cause = getattr(error, "orig", None) or error
    text = " ".join(str(cause).split())[:200]
    for spelling in (url.password, quote_plus(str(url.password)), quote(str(url.password))):
        text = text.replace(str(spelling), "…") if url.password else text
    return f"{type(cause).__name__}: {text}"
