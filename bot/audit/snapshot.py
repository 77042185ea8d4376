"""The audit log as it was at one moment, whatever is appended and pruned meanwhile."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from sqlalchemy import func, select

from bot.audit.head import Head, Row, authentic, read_head
from bot.audit.keys import AuditKey
from bot.audit.verified import Verified, last_verified
from bot.storage.database import Transaction
from bot.storage.tables import audit_records

PAGE = 5000


class Snapshot:
    """Reads in one transaction."""

    def __init__(self, transaction: Transaction, key: AuditKey) -> None:
        self._transaction = transaction
        self._key = key

    async def head(self) -> tuple[Head, bool] | None:
        """Return the head, and whether it is authentic; None where it is missing."""
        return await read_head(self._transaction, self._key, locks=False)

    async def authentic_head(self) -> Head:
        """Return the head. Raises DatabaseError where it was altered."""
        return authentic(await self.head())

    async def last_verified(self) -> Verified | None:
        """Return the last verification that was noted."""
        return await last_verified(self._transaction, self._key)

    async def oldest_first(self, after: int, where: Sequence[Any] = ()) -> AsyncIterator[Row]:
        """Yield rows after a number, with one page in memory at a time, authentic or not."""
        while True:
            page = await self.next_after(after, PAGE, where)
            for row in page:
                yield row
            if len(page) < PAGE:
                return
            after = page[-1]["number"]

    async def newest_first(self, before: int, count: int, where: Sequence[Any] = ()) -> Sequence[Row]:
        """Return the newest rows before a number, authentic or not."""
        query = select(audit_records).where(audit_records.c.number < before, *where)
        found = await self._transaction.execute(query.order_by(audit_records.c.number.desc()).limit(count))
        return found.mappings().all()

    async def next_after(self, after: int, count: int, where: Sequence[Any] = ()) -> Sequence[Row]:
        """Return the oldest rows after a number, oldest first, authentic or not."""
        query = select(audit_records).where(audit_records.c.number > after, *where)
        found = await self._transaction.execute(query.order_by(audit_records.c.number).limit(count))
        return found.mappings().all()

    async def rows_of(self, where: Sequence[Any]) -> Sequence[Row]:
        """Return some rows, oldest first, authentic or not."""
        query = select(audit_records).where(*where).order_by(audit_records.c.number)
        return (await self._transaction.execute(query)).mappings().all()

    async def outside(self, head: Head) -> int | None:
        """Return the number of a row that isn't within the chain; None where there is none."""
        table = audit_records.c
        strays = select(func.min(table.number)).where(
            (table.number <= head.pruned_number) | (table.number > head.number)
        )
        found = (await self._transaction.execute(strays)).scalar()
        return None if found is None else int(found)

    async def oldest_time(self, after: int) -> int | None:
        """Return when the first row after a number was written (microseconds); None where there is none."""
        table = audit_records.c
        query = select(table.at).where(table.number > after).order_by(table.number).limit(1)
        found = (await self._transaction.execute(query)).scalar()
        return None if found is None else int(found)

    async def count(self, where: Sequence[Any]) -> tuple[int, int | None]:
        """Return how many rows there are, and when the oldest was written (microseconds)."""
        table = audit_records.c
        query = select(func.count(), func.min(table.at)).where(*where)
        found: Any = (await self._transaction.execute(query)).one()
        return int(found[0]), None if found[1] is None else int(found[1])
