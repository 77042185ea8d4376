"""Connections to SQLite or PostgreSQL, and transactions."""

import asyncio
import logging
import os
import sqlite3
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, quote_plus

from sqlalchemy import Connection, Table, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

BUSY_SECONDS = 10
"""Seconds a transaction waits for a connection, or for SQLite's one writer."""
LOCK_SECONDS = 4
"""Seconds a PostgreSQL transaction waits for a locked row: few enough that a caller has time for a second attempt."""
TRANSACTION_SECONDS = 60.0
"""Seconds a PostgreSQL transaction may take, the connection included. Canceling it takes up to ten more."""
ANSWER_SECONDS = 15.0
"""Seconds a caller waits for a transaction."""
_CONNECTION = {
    "application_name": "extauth",
    "connect_timeout": str(BUSY_SECONDS),
    "keepalives_idle": "30",
    "tcp_user_timeout": "30000",
}
"""The default options of a connection to PostgreSQL. Without them, TCP takes minutes to notice a dead server."""
_CLOSE_SECONDS = 1.0
_READERS = 4
SCHEMA_NAME = "public"
"""PostgreSQL's schema for the tables. Queries name it, because the search path doesn't include it."""
BEGIN = f"""
    BEGIN ISOLATION LEVEL {{}};
    RESET SESSION AUTHORIZATION;
    RESET ALL;
    SET LOCAL search_path = pg_catalog, pg_temp;
    SET LOCAL client_encoding = 'UTF8';
    SET LOCAL synchronous_commit = on;
    SET LOCAL quote_all_identifiers = off;
    SET LOCAL lock_timeout = {LOCK_SECONDS * 1000};
    SET LOCAL idle_in_transaction_session_timeout = 15000;
    SET LOCAL tcp_keepalives_idle = 30;
    SET LOCAL tcp_keepalives_interval = 10;
    SET LOCAL tcp_keepalives_count = 3
"""
"""The start of a PostgreSQL transaction, which undoes changes to the session by the database, a pooler, or a trigger.

The search path keeps a person who can create functions and operators from replacing PostgreSQL's. The timeouts release
the locks of a machine that died during a transaction, long before TCP alone would notice.
"""
log = logging.getLogger(__name__)

T = TypeVar("T")
Work = Callable[[Connection], T]
"""A transaction's content, as a plain function that takes SQLAlchemy's connection."""


class DatabaseError(Exception):
    """A failure of the database. The message is one line and holds no password."""


def open_database(url: URL, *, creates: bool = True) -> "Database":
    """Return a database, ready to use. A missing SQLite file is created only if `creates` is set."""
    return PostgresDatabase(url) if url.drivername.startswith("postgresql") else SqliteDatabase(url, creates=creates)


def insert_into(connection: Connection, table: Table) -> "postgresql.Insert | sqlite.Insert":
    """Return the INSERT with `on_conflict` that SQLAlchemy has for this kind of database."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite  # noqa: PLC0415

    return sqlite.insert(table)


class Database(ABC):
    """Connections to one database, opened on first use."""

    def __init__(self, url: URL, *driver_errors: type[Exception]) -> None:
        self._url = url
        # SQLAlchemy doesn't wrap the errors that a driver raises on connecting.
        self._errors: tuple[type[Exception], ...] = (SQLAlchemyError, OSError, TimeoutError, *driver_errors)
        self._running: set[asyncio.Task[Any]] = set()

    async def run(self, work: Work[T], *, reads: bool = False, seconds: float | None = ANSWER_SECONDS) -> T:
        """Run `work` in one transaction and return its result.

        A transaction that only `reads` sees one state throughout and blocks no writer. Any transaction runs to its end,
        even if the caller is canceled or stops waiting after `seconds` without knowing whether it was committed.

        Raises DatabaseError, and the errors of `work`.
        """
        task: asyncio.Task[T] = asyncio.ensure_future(self._transact(work, reads))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        # If the caller has stopped waiting, asyncio would otherwise log that the error was never retrieved.
        task.add_done_callback(lambda task: task.cancelled() or task.exception())
        done, _ = await asyncio.wait({task}, timeout=seconds)
        if not done:
            raise DatabaseError(f"the database did not answer within {seconds:.0f} seconds")
        try:
            return task.result()
        except BrokenPipeError:
            # Some work prints what it reads, and the program that reads it may end first.
            raise
        except self._errors as error:
            raise DatabaseError(self._one_line(error)) from None

    async def close(self) -> None:
        """Close the connections. If the database has stopped responding, they are abandoned after a moment."""
        if self._running:
            await asyncio.wait(set(self._running), timeout=_CLOSE_SECONDS)
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._close()
        except (TimeoutError, SQLAlchemyError, OSError) as error:
            log.warning("the database didn't close cleanly", extra={"error_type": type(error).__name__})

    @abstractmethod
    async def _transact(self, work: Work[T], reads: bool) -> T: ...

    @abstractmethod
    async def _close(self) -> None: ...

    def _one_line(self, error: Exception) -> str:
        # The driver's own message omits the statement and parameters, which SQLAlchemy and PostgreSQL would add.
        cause = getattr(error, "orig", None) or error
        text = " ".join(str(getattr(getattr(cause, "diag", None), "message_primary", None) or cause).split())
        password = self._url.password
        for spelling in (password, quote_plus(str(password)), quote(str(password))):
            text = text.replace(str(spelling), "…") if password else text
        return f"{type(cause).__name__}: {text[:200]}" if text else f"{type(cause).__name__} without a message"


class PostgresDatabase(Database):
    """A database on a PostgreSQL server."""

    def __init__(self, url: URL) -> None:
        # Imported only here, because SQLite needs neither.
        import psycopg  # noqa: PLC0415
        from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415

        super().__init__(url, psycopg.Error)
        self._engine = create_async_engine(
            url.set(query={**_CONNECTION, **url.query}),
            pool_pre_ping=True,
            pool_timeout=BUSY_SECONDS,
            # Keeps SQLAlchemy from beginning transactions, because `_transact` runs `BEGIN` itself.
            isolation_level="AUTOCOMMIT",
            # SQLAlchemy would look up the `hstore` type using the database's own search path.
            use_native_hstore=False,
            # Statements stay unnamed, because a pooler such as PgBouncer may give each transaction another session, and
            # a trigger could prepare its own statements under Extauth's names.
            connect_args={"prepare_threshold": None},
            hide_parameters=True,
            execution_options={"schema_translate_map": {None: SCHEMA_NAME}},
        )
        # SQLAlchemy would ask for the schema by the database's own search path, which an attacker could set.
        self._engine.sync_engine.dialect._get_default_schema_name = lambda _: SCHEMA_NAME  # type: ignore[method-assign,assignment]
        # Limits readers, so that the pool always has connections left for writers.
        self._readers = asyncio.Semaphore(_READERS)

    async def _transact(self, work: Work[T], reads: bool) -> T:
        async with (
            self._readers if reads else nullcontext(),
            asyncio.timeout(TRANSACTION_SECONDS),
            self._engine.connect() as connection,
        ):
            driver: Any = (await connection.get_raw_connection()).driver_connection
            try:
                await driver.execute(BEGIN.format("REPEATABLE READ READ ONLY" if reads else "READ COMMITTED"))
                result = await connection.run_sync(work)
                if (await driver.execute("COMMIT")).statusmessage != "COMMIT":
                    raise DatabaseError("a transaction was rolled back")
            except BaseException:
                # Closing the connection makes the server roll back in any state of the session.
                await connection.invalidate()
                raise
            return result

    async def _close(self) -> None:
        for task in self._running:
            # Canceling closes the task's connection, which the server has stopped responding to.
            task.cancel()
        await self._engine.dispose()


class SqliteDatabase(Database):
    """A durable SQLite file, in which a committed transaction is on disk.

    The driver blocks, so each transaction is one call to a thread: one thread writes, as SQLite has one writer at a
    time, and one reads. Only a database that `creates` makes a missing file.
    """

    def __init__(self, url: URL, *, creates: bool) -> None:
        super().__init__(url, sqlite3.Error)
        self._file = _File(Path(str(url.database)).absolute(), creates)
        self._engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS}, hide_parameters=True, pool_size=2)
        event.listen(self._engine, "do_connect", lambda *_: self._file.ensure())
        event.listen(self._engine, "connect", self._connected)
        event.listen(self._engine, "close", lambda *_: self._file.connected(-1))
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="sqlite-writer")
        # A second one would only take the interpreter from the event loop, which acknowledges Slack's requests.
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="sqlite-reader")

    async def _transact(self, work: Work[T], reads: bool) -> T:
        def transact() -> T:
            with self._engine.connect() as connection, connection.begin():
                if not reads:
                    # Writes to a removed file succeed, but the data is lost.
                    self._file.check()
                connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
                result = work(connection)
            if not reads:
                self._file.check()
            return result

        return await asyncio.get_running_loop().run_in_executor(self._reader if reads else self._writer, transact)

    def _connected(self, connection: sqlite3.Connection, _: object) -> None:
        self._file.connected(1)
        # Otherwise the driver would begin transactions implicitly, and only before a write.
        connection.isolation_level = None
        # SQLite doesn't wait here itself if several processes switch a new file to WAL at the same time.
        deadline = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                connection.execute("PRAGMA journal_mode=WAL")
                break
            except sqlite3.OperationalError as error:
                if error.sqlite_errorname != "SQLITE_BUSY" or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
        connection.execute("PRAGMA synchronous=FULL")

    async def _close(self) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(self._writer, self._engine.dispose)
        finally:
            self._writer.shutdown(wait=False, cancel_futures=True)
            self._reader.shutdown(wait=False, cancel_futures=True)


class _File:
    """The file of a SQLite database, and its write-ahead log.

    If the files are replaced while they are open, Extauth must stop, because data written to removed files is lost.
    https://www.sqlite.org/wal.html
    """

    def __init__(self, path: Path, creates: bool) -> None:
        self._path = path
        self._wal = path.with_name(f"{path.name}-wal")
        self._creates = creates
        self._known: dict[Path, tuple[int, int]] = {}
        self._connections = 0

    def ensure(self) -> None:
        """Create the file if it is missing and `creates` is set. Raises FileNotFoundError."""
        if self._creates and not self._known and not self._path.exists():
            # The mode keeps other users of this machine from reading the file.
            os.close(os.open(self._path, os.O_CREAT | os.O_WRONLY, 0o600))
        self.check()

    def connected(self, count: int) -> None:
        """Count a connection that was opened (1) or closed (-1). SQLite may remove the log when the last is closed."""
        self._connections += count
        if not self._connections:
            self._known.pop(self._wal, None)

    def check(self) -> None:
        """Raise OSError if one of the files is gone or was replaced."""
        for path in (self._path, self._wal):
            if path == self._path or path in self._known or path.exists():
                found = path.stat()
                identity = (found.st_dev, found.st_ino)
                if self._known.setdefault(path, identity) != identity:
                    raise OSError(f"{path} was replaced while Extauth was running: restart it")
