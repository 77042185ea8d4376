"""A PostgreSQL server."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

import asyncpg
from sqlalchemy import Connection, Executable, Result
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from bot.storage.database import BUSY_SECONDS, Database, Transaction

_COMMAND_SECONDS = 60
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
        self._holder: AsyncConnection | None = None
        self._writer: asyncpg.Connection | None = None

    @asynccontextmanager
    async def writer(self) -> AsyncIterator[asyncpg.Connection]:
        """Lend the connection that is kept for writing: asyncpg's own, which keeps its statements prepared.

        A lost connection is replaced. Raises DatabaseError.
        """
        with self.errors():
            if self._writer is not None and self._writer.is_closed():
                await self._forget_writer()
            if self._writer is None:
                self._holder = await self._engine.connect()
                self._writer = (await self._holder.get_raw_connection()).driver_connection
            try:
                yield cast(asyncpg.Connection, self._writer)
            except asyncpg.PostgresError:
                raise  # It answered, so it can be used again.
            except (asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
                await self._forget_writer()
                raise ConnectionError(str(error)) from None
            except BaseException:
                await self._forget_writer()
                raise

    async def _forget_writer(self) -> None:
        holder, self._holder, self._writer = self._holder, None, None
        if holder is not None:
            await holder.invalidate()
            await holder.close()

    @asynccontextmanager
    async def _transaction(self, reads: bool) -> AsyncIterator[Transaction]:
        async with self._engine.connect() as connection:
            if reads:
                await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            async with connection.begin():
                yield _PostgresTransaction(connection)

    async def _close(self) -> None:
        if self._holder is not None:
            await self._holder.close()
        await self._engine.dispose()


class _PostgresTransaction:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def execute(self, statement: Executable, parameters: Any = None) -> Result[Any]:
        return await self._connection.execute(statement, parameters)

    async def run(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._connection.run_sync(work, *args, **kwargs)
