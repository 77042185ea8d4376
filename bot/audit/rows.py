"""The rows of the audit log: appended in order, read in pages, never changed."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.audit.keys import AuditKey
from bot.storage.engine import transaction
from bot.storage.tables import audit_head, audit_records

Row = Mapping[Any, Any]

MAX_BATCH = 500
PAGE = 5000
_HASHED = [column.name for column in audit_records.columns if column.name != "hash"]


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain ends, and where it begins since the last pruning."""

    number: int
    hash: str
    pruned_number: int
    pruned_hash: str


def chain_hash(key: AuditKey, row: Row) -> str:
    """Return the hash of a row: over all of it, with the hash of the one before."""
    return key.of_chain(json.dumps([row[name] for name in _HASHED], separators=(",", ":")).encode())


class AuditRows:
    """The log's rows. Those that come during a write are written together in the next one."""

    def __init__(self, engine: AsyncEngine, key: AuditKey) -> None:
        self._engine = engine
        self._key = key
        self._waiting: list[tuple[Row, asyncio.Future[int]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def append(self, row: Row) -> int:
        """Add a row to the chain and return its number. It is on disk when this returns. Raises DatabaseError."""
        written: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append((row, written))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.ensure_future(self._write_waiting())
        return await written

    async def _write_waiting(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
            try:
                first = await self._write([row for row, _ in batch])
            except Exception as error:
                # To those who wait for it: each of them has to know, and the next batch may fare better.
                for _, written in batch:
                    if not written.done():
                        written.set_exception(error)
                continue
            for offset, (_, written) in enumerate(batch):
                if not written.done():
                    written.set_result(first + offset)

    async def _write(self, rows: Sequence[Row]) -> int:
        async with transaction(self._engine) as connection:
            head = await _head(connection, locks=True)
            number, previous, chained = head.number, head.hash, []
            for row in rows:
                number += 1
                complete = {**dict.fromkeys(_HASHED), **row, "number": number, "previous": previous}
                previous = chain_hash(self._key, complete)
                chained.append({**complete, "hash": previous})
            await connection.execute(insert(audit_records), chained)
            await connection.execute(update(audit_head).values(number=number, hash=previous))
        return head.number + 1

    async def head(self) -> Head:
        """Return where the chain stands. Raises DatabaseError."""
        async with transaction(self._engine, reads=True) as connection:
            return await _head(connection, locks=False)

    async def oldest_first(self, after: int, where: Sequence[Any] = ()) -> AsyncIterator[Row]:
        """Yield all rows after a number, with one page in memory at a time. Raises DatabaseError."""
        while True:
            query = select(audit_records).where(audit_records.c.number > after, *where)
            async with transaction(self._engine, reads=True) as connection:
                found = await connection.execute(query.order_by(audit_records.c.number).limit(PAGE))
                page = found.mappings().all()
            for row in page:
                yield row
            if len(page) < PAGE:
                return
            after = page[-1]["number"]

    async def newest_first(self, count: int, where: Sequence[Any] = ()) -> Sequence[Row]:
        """Return the newest rows. Raises DatabaseError."""
        query = select(audit_records).where(*where).order_by(audit_records.c.number.desc()).limit(count)
        async with transaction(self._engine, reads=True) as connection:
            return (await connection.execute(query)).mappings().all()

    async def prune(self, before: int) -> int:
        """Delete the rows older than `before` (microseconds) and return how many. The rest can still be verified.

        Raises DatabaseError.
        """
        table = audit_records.c
        async with transaction(self._engine) as connection:
            head = await _head(connection, locks=True)
            kept = select(table.number).where(table.at >= before).order_by(table.number).limit(1)
            first_kept = (await connection.execute(kept)).scalar()
            last = head.number if first_kept is None else first_kept - 1
            if last <= head.pruned_number:
                return 0
            edge = (await connection.execute(select(table.hash).where(table.number == last))).scalar_one()
            gone = await connection.execute(delete(audit_records).where(table.number <= last))
            await connection.execute(update(audit_head).values(pruned_number=last, pruned_hash=edge))
        return int(gone.rowcount)


async def _head(connection: AsyncConnection, *, locks: bool) -> Head:
    query = select(audit_head)
    row = (await connection.execute(query.with_for_update() if locks else query)).one()
    return Head(row.number, row.hash, row.pruned_number, row.pruned_hash)
