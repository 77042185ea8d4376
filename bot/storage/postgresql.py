"""A PostgreSQL server."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

import asyncpg
from sqlalchemy import Connection, Executable, Result, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from bot.storage.database import BUSY_SECONDS, Database, Transaction

_COMMAND_SECONDS = 60
_WRITERS = 4
_SESSION = {
    # The locks of a machine that died in a transaction are released after this long, not when TCP notices.
    "idle_in_transaction_session_timeout": "15000",
    "lock_timeout": str(BUSY_SECONDS * 1000),
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
P = ParamSpec("P")
T = TypeVar("T")


class PostgresDatabase(Database):
    """A database of a PostgreSQL server."""

    def __init__(self, url: URL) -> None:
        super().__init__(url, asyncpg.PostgresError)
        self._engine = create_async_engine(
            url,
            pool_pre_ping=True,
            pool_timeout=BUSY_SECONDS,
            connect_args={
                "timeout": BUSY_SECONDS,
                "command_timeout": _COMMAND_SECONDS,
                "server_settings": _SESSION,
            },
            hide_parameters=True,
        )
        self._idle: list[_Writer] = []
        self._lent: set[_Writer] = set()
        self._writing = asyncio.Semaphore(_WRITERS)
        self.writers = _WRITERS

    def insert(self, table: Table) -> postgresql.Insert:
        """Begin an INSERT that can say what happens `on_conflict`."""
        return postgresql.insert(table)

    @asynccontextmanager
    async def writer(self) -> AsyncIterator[asyncpg.Connection]:
        """Lend a connection that is kept for writing: asyncpg's own, which keeps its statements prepared.

        There are `writers` of them. A lost connection is replaced. Raises DatabaseError.
        """
        with self.errors():
            async with self._writing:
                writer = await self._take_writer()
                self._lent.add(writer)
                try:
                    yield writer.connection
                except asyncpg.PostgresError:
                    self._idle.append(writer)  # It answered, so it can be used again.
                    raise
                except (asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
                    await writer.forget()
                    raise ConnectionError(str(error)) from None
                except BaseException:
                    await writer.forget()
                    raise
                else:
                    self._idle.append(writer)
                finally:
                    self._lent.discard(writer)

    async def _take_writer(self) -> "_Writer":
        while self._idle:
            writer = self._idle.pop()
            if not writer.connection.is_closed():
                return writer
            await writer.forget()
        holder = await self._engine.connect()
        connection = (await holder.get_raw_connection()).driver_connection
        return _Writer(holder, cast(asyncpg.Connection, connection))

    @asynccontextmanager
    async def _transaction(self, reads: bool) -> AsyncIterator[Transaction]:
        async with self._engine.connect() as connection:
            if reads:
                await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            async with connection.begin():
                yield _PostgresTransaction(connection)

    async def _close(self) -> None:
        # Side by side: where the database has stopped answering, none of them ends by itself.
        idle, lent = (writer.holder.close() for writer in self._idle), (writer.forget() for writer in self._lent)
        await asyncio.gather(*idle, *lent)
        await self._engine.dispose()


@dataclass(frozen=True, slots=True, eq=False)
class _Writer:
    holder: AsyncConnection
    connection: asyncpg.Connection

    async def forget(self) -> None:
        if not self.holder.closed:
            await self.holder.invalidate()
            await self.holder.close()


class _PostgresTransaction:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def execute(self, statement: Executable, parameters: Any = None) -> Result[Any]:
        return await self._connection.execute(statement, parameters)

    async def run(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._connection.run_sync(work, *args, **kwargs)
