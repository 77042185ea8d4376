"""A SQLite file. The driver blocks, so it works in threads; a whole transaction can be one call to one of them."""

import asyncio
import logging
import os
import sqlite3
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Executable, Result, Table, create_engine, event
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import URL

from bot.storage.database import BUSY_SECONDS, Database, Transaction

_THREADS = 4
_READERS = 10
"""How many transactions may read at once: fewer than SQLAlchemy keeps connections for."""
log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


class SqliteDatabase(Database):
    """A SQLite file, durable: a transaction that has ended is on disk.

    Only one that `creates` makes a missing file.
    """

    def __init__(self, url: URL, *, creates: bool) -> None:
        super().__init__(url, sqlite3.Error)
        self._file = _File(Path(str(url.database)).absolute(), creates)
        self._engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS}, hide_parameters=True)
        event.listen(self._engine, "do_connect", lambda *_: self._file.ensure())
        event.listen(self._engine, "connect", lambda connection, _: _make_durable(connection))
        event.listen(self._engine, "begin", self._begin)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="sqlite")
        self._writing_thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-writer")
        self._turn = asyncio.Lock()
        self._reading = asyncio.Semaphore(_READERS)
        self._writer: sqlite3.Connection | None = None

    def insert(self, table: Table) -> sqlite.Insert:
        """Begin an INSERT that can say what happens `on_conflict`."""
        return sqlite.insert(table)

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Call `work` in a transaction, all of it in one turn of one thread. Raises DatabaseError."""
        with self.errors():
            return await _call(self._writing_thread, self._write, work)

    def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._writer is None:
            self._file.ensure()
            self._writer = sqlite3.connect(self._file.path, timeout=BUSY_SECONDS, check_same_thread=False)
            _make_durable(self._writer)
        # A removed file can still be written to, and everything written to it is lost.
        self._file.check()
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            result = work(self._writer)
            self._writer.execute("COMMIT")
        except BaseException:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            raise
        return result

    @asynccontextmanager
    async def _transaction(self, reads: bool) -> AsyncIterator[Transaction]:
        # Each waits here for its turn: those that waited in the threads would leave none to the ones whose turn it is.
        turn = self._reading if reads else self._turn
        async with asyncio.timeout(BUSY_SECONDS):
            await turn.acquire()
        try:
            async with self._begun(reads) as transaction:
                yield transaction
        finally:
            turn.release()

    @asynccontextmanager
    async def _begun(self, reads: bool) -> AsyncIterator[Transaction]:
        connection = await self._in_thread(self._engine.connect)
        try:
            connection.execution_options(reads=reads)
            begun = await self._in_thread(connection.begin)
            try:
                yield _SqliteTransaction(connection, self._in_thread)
            except BaseException:
                await self._in_thread(begun.rollback)
                raise
            await self._in_thread(begun.commit)
        finally:
            await self._in_thread(connection.close)

    def _begin(self, connection: Connection) -> None:
        reads = connection.get_execution_options().get("reads", False)
        if not reads:
            self._file.check()
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    async def _in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await _call(self._threads, work, *args, **kwargs)

    async def _close(self) -> None:
        try:
            if self._writer is not None:
                await _call(self._writing_thread, self._writer.close)
            await self._in_thread(self._engine.dispose)
        finally:
            self._writing_thread.shutdown(wait=False)
            self._threads.shutdown(wait=False)


async def _call(threads: ThreadPoolExecutor, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call `work` in a thread. It can't be stopped, so a canceled caller waits for its end too."""
    running = asyncio.get_running_loop().run_in_executor(threads, lambda: work(*args, **kwargs))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        if not running.done():
            await asyncio.wait({running})
        if not running.cancelled() and running.exception() is not None:
            log.debug("a statement failed", extra={"error_type": type(running.exception()).__name__})
        raise


class _SqliteTransaction:
    def __init__(self, connection: Connection, in_thread: Callable[..., Any]) -> None:
        self._connection = connection
        self._in_thread = in_thread

    async def execute(self, statement: Executable, parameters: Any = None) -> Result[Any]:
        def execute() -> Callable[[], Result[Any]]:
            found = self._connection.execute(statement, parameters)
            # Frozen, so that its rows are fetched in the thread as well.
            return found.freeze() if found.returns_rows else lambda: found

        result: Result[Any] = (await self._in_thread(execute))()
        return result

    async def run(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        result: T = await self._in_thread(work, self._connection, *args, **kwargs)
        return result


def _make_durable(connection: sqlite3.Connection) -> None:
    # The driver would begin transactions by itself, and only when something is written.
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")


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
