"""A database and its transactions, whichever of the two kinds it is."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar
from urllib.parse import quote, quote_plus

from sqlalchemy import Connection, Executable, Result, Table
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

BUSY_SECONDS = 10
"""How long a transaction waits for a lock or a connection."""
_CLOSE_SECONDS = 1.0
log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


class DatabaseError(Exception):
    """The database can't be used. The message is one line and holds no password."""


class Transaction(Protocol):
    """A transaction in progress."""

    async def execute(self, statement: Executable, parameters: Any = None) -> Result[Any]:
        """Execute a statement, and return its whole result."""
        ...

    async def run(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call `work` with SQLAlchemy's own connection."""
        ...


class Database(ABC):
    """Connections to one database. Nothing is connected before it is used.

    `driver_error` is what its driver raises where SQLAlchemy isn't in between.
    """

    def __init__(self, url: URL, driver_error: type[Exception]) -> None:
        self._url = url
        self.driver_error = driver_error

    @property
    def is_postgresql(self) -> bool:
        """Whether it is a PostgreSQL server, and not a SQLite file."""
        return self._url.drivername.startswith("postgresql")

    @asynccontextmanager
    async def transaction(self, *, reads: bool = False) -> AsyncIterator[Transaction]:
        """Run a transaction. One that only `reads` sees one state throughout and locks nobody out.

        Raises DatabaseError.
        """
        with self.errors():
            async with self._transaction(reads) as transaction:
                yield transaction

    async def close(self) -> None:
        """Close the connections. A database that has stopped answering gets a moment, and is then left alone."""
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._close()
        except (TimeoutError, SQLAlchemyError, OSError) as error:
            log.warning("the database didn't close cleanly", extra={"error_type": type(error).__name__})

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn what the driver raises into DatabaseError."""
        try:
            yield
        except (SQLAlchemyError, OSError, TimeoutError, self.driver_error) as error:
            raise DatabaseError(self._one_line(error)) from None

    @abstractmethod
    def insert(self, table: Table) -> "postgresql.Insert | sqlite.Insert":
        """Begin an INSERT that can say what happens `on_conflict`: SQLAlchemy has one for each kind of database."""

    @abstractmethod
    def _transaction(self, reads: bool) -> AbstractAsyncContextManager[Transaction]: ...

    @abstractmethod
    async def _close(self) -> None: ...

    def _one_line(self, error: Exception) -> str:
        # The driver's own words, without the statement and its parameters that SQLAlchemy adds.
        cause = getattr(error, "orig", None) or error
        text = " ".join(str(cause).split())[:200]
        password = self._url.password
        for spelling in (password, quote_plus(str(password)), quote(str(password))):
            text = text.replace(str(spelling), "…") if password else text
        return f"{type(cause).__name__}: {text}"
