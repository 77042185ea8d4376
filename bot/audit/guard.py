"""Transactions with a deadline, which a canceled caller leaves whole."""

import asyncio
import logging
from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar

from bot.storage.database import DatabaseError

log = logging.getLogger(__name__)

T = TypeVar("T")

APPEND_SECONDS = 15.0
"""How long an entry may take to be written before what it records isn't done."""
CLOSE_SECONDS = 1.0
"""How long closing waits for transactions in progress."""


class AuditLogUnavailable(Exception):
    """The database can't be written or read now. The message is one line for the operator."""


class Guard:
    """Runs transactions. `transactions` are those in progress."""

    def __init__(self) -> None:
        self.transactions: set[asyncio.Task[Any]] = set()

    async def within(self, work: Awaitable[T], seconds: float | None = None) -> T:
        """Run work that the database has to answer in time. Raises AuditLogUnavailable."""
        seconds = APPEND_SECONDS if seconds is None else seconds
        try:
            async with asyncio.timeout(seconds):
                return await work
        except DatabaseError as error:
            raise AuditLogUnavailable(str(error)) from None
        except TimeoutError:
            unit = "second" if seconds == 1 else "seconds"
            raise AuditLogUnavailable(f"the database did not answer within {seconds:.0f} {unit}") from None

    async def whole(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a transaction to its end, even if the caller is canceled: SQLite's thread can't be stopped.

        A canceled caller doesn't wait for it; closing does. Raises AuditLogUnavailable.
        """
        task = asyncio.ensure_future(self.within(work))
        self.transactions.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    async def close(self, *more: asyncio.Future[Any]) -> None:
        """Wait a moment for the transactions in progress, and for what else is given."""
        waiting = {*self.transactions, *more}
        if waiting:
            await asyncio.wait(waiting, timeout=CLOSE_SECONDS)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self.transactions.discard(task)
        if not task.cancelled() and task.exception() is not None:
            # The caller got the exception, unless it was canceled.
            log.debug("a transaction failed", extra={"error_type": type(task.exception()).__name__})
