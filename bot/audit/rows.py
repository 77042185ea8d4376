"""Appends rows to the audit log, and prunes it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.audit.head import ATTEMPT, RESULT, Head, Row, chain, is_new, is_proven, locked_head, read_head
from bot.audit.keys import AuditKey
from bot.audit.snapshot import Snapshot
from bot.storage.engine import transaction
from bot.storage.tables import audit_head, audit_records, interactions

MAX_BATCH = 500
_CLOSE_SECONDS = 1.0


class Duplicate(Exception):
    """The interaction is on record already: it came again."""


@dataclass(frozen=True, slots=True)
class Claim:
    """An interaction to be run once: when it came (microseconds), who runs it, and where its person can be told."""

    key: str
    at: int
    owner: str
    reply_to: str | None = None


@dataclass(slots=True)
class _Item:
    row: Row
    claim: Claim | None
    written: asyncio.Future[int]


class AuditRows:
    """The log's rows. Those that come during a write are written together in the next one.

    `on_late` is given each row that was still written although whoever wanted it had given up, with its number; what it
    returns is appended.
    """

    def __init__(self, engine: AsyncEngine, key: AuditKey) -> None:
        self._engine = engine
        self._key = key
        self._waiting: list[_Item] = []
        self._writer: asyncio.Task[None] | None = None
        self.on_late: Callable[[Row, int], Row | None] = lambda row, number: None

    async def append(self, row: Row, claim: Claim | None = None) -> int:
        """Add a row to the chain and return its number. It is on disk when this returns.

        Raises DatabaseError, and Duplicate when the claim's interaction is on record already.
        """
        item = self._queue(row, claim)
        try:
            return await item.written
        except asyncio.CancelledError:
            if item.written.done() and not item.written.cancelled() and item.written.exception() is None:
                # It was written in the same turn of the loop in which whoever wanted it gave up.
                self._correct(row, item.written.result())
            raise

    def _queue(self, row: Row, claim: Claim | None) -> _Item:
        item = _Item(row, claim, asyncio.get_running_loop().create_future())
        self._waiting.append(item)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.ensure_future(self._write_waiting())
        return item

    def _correct(self, row: Row, number: int) -> None:
        late = self.on_late(row, number)
        if late is not None:
            # Nobody waits for it, so nobody would look at its error either.
            self._queue(late, None).written.add_done_callback(lambda future: future.cancelled() or future.exception())

    async def close(self) -> None:
        """Wait for the write in progress, for a moment: the database is about to be closed."""
        if self._writer is not None:
            await asyncio.wait({self._writer}, timeout=_CLOSE_SECONDS)

    async def _write_waiting(self) -> None:
        while self._waiting:
            taken, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
            batch = [item for item in taken if not item.written.done()]
            try:
                numbers = await self._write(batch) if batch else []
            except Exception as error:
                # To those who wait for it: each of them has to know, and the next batch may fare better.
                for item in batch:
                    if not item.written.done():
                        item.written.set_exception(error)
                continue
            for item, number in zip(batch, numbers, strict=True):
                self._tell(item, number)

    def _tell(self, item: _Item, number: int | None) -> None:
        if item.written.done():
            if number is not None:
                self._correct(item.row, number)
        elif number is None:
            item.written.set_exception(Duplicate())
        else:
            item.written.set_result(number)

    async def _write(self, batch: Sequence[_Item]) -> list[int | None]:
        """Write a batch in one transaction. Returns the rows' numbers; None for a duplicate, which isn't written."""
        async with transaction(self._engine) as connection:
            head = await locked_head(connection, self._key)
            known = await _known_keys(connection, [item.claim.key for item in batch if item.claim is not None])
            numbers: list[int | None] = []
            rows, claims, finished = [], [], []
            for item in batch:
                if item.claim is not None and item.claim.key in known:
                    numbers.append(None)
                    continue
                head, row = chain(self._key, head, item.row)
                rows.append(row)
                numbers.append(head.number)
                if item.claim is not None:
                    known.add(item.claim.key)
                    is_attempt = row["kind"] == ATTEMPT
                    claims.append(
                        {
                            **asdict(item.claim),
                            "attempt": head.number if is_attempt else None,
                            "is_finished": not is_attempt,
                        }
                    )
                if row["kind"] == RESULT:
                    finished.append(row["attempt"])
            await _store(connection, self._key, head, rows, claims, finished)
        return numbers

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        """Read the log as it is at one moment, whatever is appended and pruned meanwhile. Raises DatabaseError."""
        async with transaction(self._engine, reads=True) as connection:
            yield Snapshot(connection, self._key)

    async def prune(self, before: int, row: Callable[[int, int], Row]) -> int:
        """Delete the rows older than `before` (microseconds), and append a row that says so.

        `row` makes that row from the number of entries deleted, which is returned, and the number of the last row
        deleted. Raises DatabaseError.
        """
        table = audit_records.c
        async with transaction(self._engine) as connection:
            head = await locked_head(connection, self._key)
            within = [table.number > head.pruned_number, table.number <= head.number]
            kept = select(func.min(table.number)).where(*within, table.at >= before)
            first_kept = (await connection.execute(kept)).scalar()
            last = head.number if first_kept is None else int(first_kept) - 1
            if last <= head.pruned_number:
                return 0
            gone = [table.number > head.pruned_number, table.number <= last]
            edge = (await connection.execute(select(table.hash).where(table.number == last))).scalar_one()
            entries = (await connection.execute(select(func.count()).where(*gone, table.kind != RESULT))).scalar_one()
            await connection.execute(delete(audit_records).where(table.number <= last))
            head = replace(
                head, pruned_number=last, pruned_hash=edge, pruned_entries=head.pruned_entries + int(entries)
            )
            head, pruned = chain(self._key, head, row(int(entries), last))
            await _store(connection, self._key, head, [pruned])
        return int(entries)

    async def interrupt(
        self, before: int, is_gone: Callable[[str], bool], row: Callable[[Row], Row]
    ) -> list[tuple[Row, str | None]]:
        """Append a result to each attempt that has none and never will, and return them.

        That is one from before `before` (microseconds), or whose owner `is_gone`. With each comes where its person can
        be told. `row` makes the result of an attempt. Of several processes, one gets each. Raises DatabaseError.

        Nothing proves the table of interactions, so it only says where to look: an attempt must be in the chain, and
        its result must not.
        """
        table = interactions.c
        async with transaction(self._engine) as connection:
            head = await locked_head(connection, self._key)
            unfinished = select(table.attempt, table.at, table.owner, table.reply_to).where(
                table.is_finished.is_(False)
            )
            replies = {
                found.attempt: found.reply_to
                for found in await connection.execute(unfinished)
                if found.at < before or is_gone(found.owner)
            }
            if not replies:
                return []
            attempts = await self._open_attempts(connection, head, list(replies))
            rows = []
            for attempt in attempts:
                head, result = chain(self._key, head, row(attempt))
                rows.append(result)
            await _store(connection, self._key, head, rows, finished=list(replies))
        return [(attempt, replies[attempt["number"]]) for attempt in attempts]

    async def _open_attempts(self, connection: AsyncConnection, head: Head, numbers: Sequence[int]) -> list[Row]:
        """Return those of some rows that are attempts without a result."""
        table = audit_records.c
        wanted = select(audit_records).where(table.number.in_(numbers) | table.attempt.in_(numbers))
        found = (await connection.execute(wanted.order_by(table.number))).mappings().all()
        proven = [row for row in found if is_proven(self._key, head, row)]
        ended = {row["attempt"] for row in proven if row["kind"] == RESULT}
        return [row for row in proven if row["kind"] == ATTEMPT and row["number"] not in ended]

    async def forget_interactions(self, before: int) -> None:
        """Delete the finished interactions that came before `before` (microseconds). Raises DatabaseError."""
        table = interactions.c
        async with transaction(self._engine) as connection:
            await connection.execute(delete(interactions).where(table.is_finished.is_(True), table.at < before))


async def sign_head(connection: AsyncConnection, key: AuditKey, prune_row: Callable[[int], Row]) -> None:
    """Sign the head of a log that this very transaction made, or carried over from version 0.1.

    A log that had been pruned gets an entry that says so, made by `prune_row` from the number of the last row deleted.
    A log that version 0.2 has written to isn't signed again: somebody took its tables back to those of version 0.1.
    """
    found = await read_head(connection, key, locks=True)
    if found is None:
        return
    head, _ = found
    async for row in Snapshot(connection, key).oldest_first(0):
        if is_new(key, row):
            return
    rows = []
    if head.pruned_number:
        head, pruned = chain(key, head, prune_row(head.pruned_number))
        rows.append(pruned)
    await _store(connection, key, head, rows)


async def _known_keys(connection: AsyncConnection, keys: Sequence[str]) -> set[str]:
    if not keys:
        return set()
    found = await connection.execute(select(interactions.c.key).where(interactions.c.key.in_(keys)))
    return set(found.scalars())


async def _store(
    connection: AsyncConnection,
    key: AuditKey,
    head: Head,
    rows: Sequence[Row],
    claims: Sequence[Mapping[str, Any]] = (),
    finished: Sequence[int] = (),
) -> None:
    if rows:
        await connection.execute(insert(audit_records), rows)
    if claims:
        await connection.execute(insert(interactions), claims)
    if finished:
        done = update(interactions).where(interactions.c.attempt.in_(finished))
        await connection.execute(done.values(is_finished=True, reply_to=None))
    await connection.execute(update(audit_head).where(audit_head.c.id == 1).values(**asdict(head), mac=head.mac(key)))
