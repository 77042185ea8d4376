"""Appends rows to the audit log, and prunes it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from zlib import crc32

from sqlalchemy import delete, func, select

from bot.audit.append import Appender, Claim, Item
from bot.audit.head import RESULT, Row, chained
from bot.audit.heads import locked_head, store
from bot.audit.interactions import Interactions
from bot.audit.keys import AuditKey
from bot.audit.snapshot import Snapshot
from bot.audit.verified import Verified, keep_verified
from bot.storage.database import Database, DatabaseError
from bot.storage.tables import audit_records

log = logging.getLogger(__name__)

MAX_BATCH = 128
"""How many rows are written at once. With more, a burst waits longer for the first of them than the rest gain."""
NOTE_SECONDS = 0.05
"""How long it may take until it's written that somebody has been answered. Mostly, an entry comes by before that, and
the disk isn't waited for once more."""
_CLOSE_SECONDS = 1.0


class Duplicate(Exception):
    """The interaction is on record already: it came again."""


@dataclass(slots=True)
class _Lane:
    """What waits to be written, one batch after another. `noting` is when `answered` is written by itself."""

    waiting: list[Item] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)
    writer: asyncio.Task[None] | None = None
    noting: asyncio.TimerHandle | None = None


class AuditRows:
    """Writes the log's rows. Rows that arrive during a write go into the next one together.

    The chains are shared out over the appender's lanes: what is in different lanes is written at the same time.

    `on_late` gets each row that was written after its caller had given up, with its number. What it returns is added.
    """

    def __init__(self, database: Database, key: AuditKey) -> None:
        self._database = database
        self._key = key
        self._appender = _appender(database, key)
        self.interactions = Interactions(database, key)
        self._lanes = [_Lane() for _ in range(self._appender.lanes)]
        self._is_closing = False
        self.on_late: Callable[[Row, int], Row | None] = lambda row, number: None

    async def append(self, row: Row, claim: Claim | None = None) -> int:
        """Add a row to the chain and return its number. It is on disk when this returns.

        Raises DatabaseError, and Duplicate when the claim's interaction is on record already.
        """
        return await self.written(self.queue(row, claim))

    async def written(self, item: Item) -> int:
        """Return the number of a row that waits to be written, once it is on disk. Raises as `append` does."""
        try:
            return await item.written
        except asyncio.CancelledError:
            if item.written.done() and not item.written.cancelled() and item.written.exception() is None:
                # It was written in the same turn of the loop in which the caller gave up.
                self._correct(item, item.written.result())
            raise

    async def claim(self, claim: Claim) -> None:
        """Put an interaction on record before anything is done about it. It is on disk when this returns.

        Raises DatabaseError, and Duplicate when it is on record already.
        """
        await self.queue(None, claim).written

    def queue(self, row: Row | None, claim: Claim | None) -> Item:
        """Have a row or a claim written with the next batch."""
        item = Item(row, claim, asyncio.get_running_loop().create_future())
        lane = self._lane(item.chain)
        lane.waiting.append(item)
        self._start_writing(lane)
        return item

    def answered(self, chain: str, key: str) -> None:
        """Note that the person of an interaction has been answered. Nobody waits for that to be written."""
        lane = self._lane(chain)
        lane.answered.append(key)
        self._note_soon(lane)

    def _lane(self, chain: str) -> "_Lane":
        # The same in every process, so that two of them wait for each other in one lane only.
        return self._lanes[crc32(chain.encode()) % len(self._lanes)]

    def _note_soon(self, lane: "_Lane") -> None:
        if lane.answered and lane.noting is None:
            lane.noting = asyncio.get_running_loop().call_later(NOTE_SECONDS, self._note, lane)

    def _note(self, lane: "_Lane") -> None:
        lane.noting = None
        self._start_writing(lane)

    def _start_writing(self, lane: "_Lane") -> None:
        if lane.writer is None or lane.writer.done():
            lane.writer = asyncio.ensure_future(self._write_waiting(lane))

    def _correct(self, item: Item, number: int) -> None:
        if item.row is None:
            return
        if item.claim is not None:
            # Its person has been told that it couldn't be recorded.
            self.answered(item.chain, item.claim.key)
        late = self.on_late(item.row, number)
        if late is not None:
            # Nobody waits for it, so nobody would look at its error either.
            self.queue(late, None).written.add_done_callback(lambda future: future.cancelled() or future.exception())

    async def close(self) -> None:
        """Wait for the write in progress, for a moment: the database is about to be closed."""
        self._is_closing = True
        for lane in self._lanes:
            if lane.answered:
                self._start_writing(lane)
        writing = {lane.writer for lane in self._lanes if lane.writer is not None}
        if writing:
            await asyncio.wait(writing, timeout=_CLOSE_SECONDS)

    async def _write_waiting(self, lane: "_Lane") -> None:
        await self._write_batch(lane)
        while lane.waiting or (lane.answered and self._is_closing):
            await self._write_batch(lane)
        self._note_soon(lane)

    async def _write_batch(self, lane: "_Lane") -> None:
        if lane.noting is not None:
            lane.noting.cancel()
            lane.noting = None
        taken, lane.waiting = lane.waiting[:MAX_BATCH], lane.waiting[MAX_BATCH:]
        answered, lane.answered = lane.answered, []
        batch = [item for item in taken if not item.written.done()]
        try:
            numbers = await self._appender.append(batch, answered)
        except Exception as error:
            if answered:
                # The next start will tell these people once more, which is better than never.
                extra = {"count": len(answered), "error_type": type(error).__name__}
                log.warning("answered interactions couldn't be recorded as such", extra=extra)
            # To those who wait for it: each of them has to know, and the next batch may fare better.
            for item in batch:
                if not item.written.done():
                    item.written.set_exception(error)
            return
        for item, number in zip(batch, numbers, strict=True):
            self._tell(item, number)

    def _tell(self, item: Item, number: int | DatabaseError | None) -> None:
        if item.written.done():
            if isinstance(number, int):
                self._correct(item, number)
        elif isinstance(number, DatabaseError):
            item.written.set_exception(number)
        elif number is None:
            item.written.set_exception(Duplicate())
        else:
            item.written.set_result(number)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        """Read the log as it is at one moment, whatever is appended and pruned meanwhile. Raises DatabaseError."""
        async with self._database.transaction(reads=True) as transaction:
            yield Snapshot(transaction, self._key)

    async def note_verified(self, verified: Verified) -> None:
        """Note when the log was verified, and what that found. Raises DatabaseError."""
        async with self._database.transaction() as transaction:
            await keep_verified(transaction, self._key, verified)

    async def prune(self, chain: str, before: int, row: Callable[[int, int], Row]) -> int:
        """Delete the rows of a chain that are older than `before` (microseconds), and append a row that says so.

        `row` makes that row from the number of entries deleted, which is returned, and the number of the last row
        deleted. Raises DatabaseError.
        """
        table = audit_records.c
        async with self._database.transaction() as transaction:
            head = await locked_head(transaction, self._key, chain)
            if head is None:
                return 0
            within = [table.chain == chain, table.number > head.pruned_number, table.number <= head.number]
            kept = select(func.min(table.number)).where(*within, table.at >= before)
            first_kept = (await transaction.execute(kept)).scalar()
            last = head.number if first_kept is None else int(first_kept) - 1
            if last <= head.pruned_number:
                return 0
            gone = [table.chain == chain, table.number > head.pruned_number, table.number <= last]
            last_row = select(table.hash).where(table.chain == chain, table.number == last)
            edge = (await transaction.execute(last_row)).scalar_one()
            entries = (await transaction.execute(select(func.count()).where(*gone, table.kind != RESULT))).scalar_one()
            await transaction.execute(delete(audit_records).where(table.chain == chain, table.number <= last))
            head = replace(
                head, pruned_number=last, pruned_hash=edge, pruned_entries=head.pruned_entries + int(entries)
            )
            head, pruned = chained(self._key, head, row(int(entries), last))
            await store(transaction, self._key, head, [pruned])
        return int(entries)


def _appender(database: Database, key: AuditKey) -> Appender:
    # Each is imported only where it is used: one needs asyncpg, the other sqlite3.
    if database.is_postgresql:
        from bot.audit.append_postgresql import PostgresAppender  # noqa: PLC0415
        from bot.storage.postgresql import PostgresDatabase  # noqa: PLC0415

        if isinstance(database, PostgresDatabase):
            return PostgresAppender(database, key)
    from bot.audit.append_sqlite import SqliteAppender  # noqa: PLC0415
    from bot.storage.sqlite import SqliteDatabase  # noqa: PLC0415

    if isinstance(database, SqliteDatabase):
        return SqliteAppender(database, key)
    raise TypeError("There is no appender for this kind of database.")
