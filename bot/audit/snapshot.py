"""The audit log at one moment: whatever is appended and pruned meanwhile."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import func, select, tuple_

from bot.audit.head import Head, Root, Row, authentic
from bot.audit.heads import read_heads, read_root, read_some
from bot.audit.keys import AuditKey
from bot.audit.verified import Verified, last_verified
from bot.storage.database import Transaction
from bot.storage.tables import audit_records

PAGE = 5000

_TABLE = audit_records.c


class Snapshot:
    """Reads in one transaction."""

    def __init__(self, transaction: Transaction, key: AuditKey) -> None:
        self._transaction = transaction
        self._key = key

    async def root(self) -> tuple[Root, bool] | None:
        """Return the root, and whether it is authentic; None where it is missing."""
        return await read_root(self._transaction, self._key)

    async def heads(self) -> Mapping[str, tuple[Head, bool]]:
        """Return all heads by their chains, oldest chain first, and whether each is authentic."""
        return await read_heads(self._transaction, self._key)

    async def authentic_heads(self, chains: Sequence[str] | None = None) -> Mapping[str, Head]:
        """Return the heads of some chains, or of all. Raises DatabaseError where one was altered."""
        found = await self.heads() if chains is None else await read_some(self._transaction, self._key, chains)
        return {chain: authentic(head) for chain, head in found.items()}

    async def last_verified(self) -> Verified | None:
        """Return the last verification that was noted."""
        return await last_verified(self._transaction, self._key)

    async def oldest_first(self, chain: str, after: int, where: Sequence[Any] = ()) -> AsyncIterator[Row]:
        """Yield a chain's rows after a number, with one page in memory at a time, authentic or not."""
        while True:
            page = await self.next_after(after, PAGE, [_TABLE.chain == chain, *where])
            for row in page:
                yield row
            if len(page) < PAGE:
                return
            after = page[-1]["number"]

    async def newest_first(self, before: int, count: int, where: Sequence[Any] = ()) -> Sequence[Row]:
        """Return the rows with the highest numbers below one, of whatever chains, authentic or not."""
        query = select(audit_records).where(_TABLE.number < before, *where)
        return await self._rows(query.order_by(_TABLE.number.desc()).limit(count))

    async def next_after(self, after: int, count: int, where: Sequence[Any] = ()) -> Sequence[Row]:
        """Return the rows with the lowest numbers above one, of whatever chains, authentic or not."""
        query = select(audit_records).where(_TABLE.number > after, *where)
        return await self._rows(query.order_by(_TABLE.number).limit(count))

    async def latest_first(self, before: Row | None, count: int, where: Sequence[Any] = ()) -> Sequence[Row]:
        """Return the rows that were written last, or last before one, of whatever chains, authentic or not."""
        place = (_TABLE.at, _TABLE.chain, _TABLE.number)
        query = select(audit_records).where(*where)
        if before is not None:
            query = query.where(tuple_(*place) < tuple_(before["at"], before["chain"], before["number"]))
        return await self._rows(query.order_by(*(column.desc() for column in place)).limit(count))

    async def rows_at(self, column: Any, places: Iterable[tuple[str, int]]) -> Sequence[Row]:
        """Return the rows with these numbers in a column, each of its own chain, authentic or not."""
        numbers: dict[str, list[int]] = {}
        for chain, number in places:
            numbers.setdefault(chain, []).append(number)
        # Chain by chain: for pairs of both, SQLite would read the whole log. And not by kind as well: half of all rows
        # are results, and a planner may start with those.
        found = [await self.rows_of([_TABLE.chain == chain, column.in_(some)]) for chain, some in numbers.items()]
        return [row for rows in found for row in rows]

    async def rows_of(self, where: Sequence[Any]) -> Sequence[Row]:
        """Return some rows, oldest first, authentic or not."""
        return await self._rows(select(audit_records).where(*where).order_by(_TABLE.at, _TABLE.chain, _TABLE.number))

    async def outside(self, head: Head) -> int | None:
        """Return the number of a row of a chain that isn't within it; None where there is none."""
        stray = (_TABLE.number <= head.pruned_number) | (_TABLE.number > head.number)
        found = await self._scalar(select(func.min(_TABLE.number)).where(_TABLE.chain == head.chain, stray))
        return None if found is None else int(found)

    async def without_head(self, chains: Sequence[str]) -> str | None:
        """Return the name of a chain that has rows, and isn't one of these; None where there is none."""
        found = await self._scalar(select(func.min(_TABLE.chain)).where(_TABLE.chain.not_in(chains)))
        return None if found is None else str(found)

    async def oldest_time(self, heads: Sequence[Head]) -> int | None:
        """Return when the first row of these chains was written (microseconds); None where there is none."""
        times = [
            await self._scalar(
                select(_TABLE.at)
                .where(_TABLE.chain == head.chain, _TABLE.number > head.pruned_number)
                .order_by(_TABLE.number)
                .limit(1)
            )
            for head in heads
        ]
        return min((int(time) for time in times if time is not None), default=None)

    async def count(self, where: Sequence[Any]) -> tuple[int, int | None]:
        """Return how many rows there are, and when the oldest was written (microseconds)."""
        query = select(func.count(), func.min(_TABLE.at)).where(*where)
        found: Any = (await self._transaction.execute(query)).one()
        return int(found[0]), None if found[1] is None else int(found[1])

    async def _rows(self, query: Any) -> Sequence[Row]:
        return (await self._transaction.execute(query)).mappings().all()

    async def _scalar(self, query: Any) -> Any:
        return (await self._transaction.execute(query)).scalar()
