"""The audit log's writer, which records attempts before they run, and their results."""

import asyncio
import json
import logging
import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection

from bot.actor import Actor, new_reference
from bot.audit import store
from bot.audit.chain import (
    ATTEMPT,
    BEGAN,
    DENIED,
    INTERRUPTED,
    MICRO,
    OPERATOR,
    PRUNE,
    RESULT,
    VERIFIED,
    AlteredLog,
    Head,
    Row,
    chain_of,
)
from bot.audit.entries import AuditResult, Entry, Event, Filters, VerificationResult
from bot.audit.keys import FINGERPRINT, AuditKey
from bot.audit.reader import AuditReader, entry_of
from bot.clock import Clock
from bot.operation import Request
from bot.storage.engine import ANSWER_SECONDS, Database, DatabaseError

log = logging.getLogger(__name__)

T = TypeVar("T")

RETRY_SECONDS = 5.0
"""Seconds to wait before retrying a result that couldn't be recorded."""
MAX_BATCH = 128
"""Maximum number of rows written at once."""


class DuplicateInteraction(Exception):
    """An interaction that is already in the log, so it must not be run again."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A recorded attempt without a result. `number` is that of the row in the workspace's chain."""

    number: int
    event: Event


@dataclass(slots=True, eq=False)
class _PendingRow:
    row: Row
    written: asyncio.Future[int]


class AuditLog(AuditReader):
    """A log that appends entries, each to the chain of its workspace, and reads them.

    A single writer takes rows from a queue, so rows that arrive during a write go into the next write together. Every
    method raises DatabaseError if the database doesn't work.
    """

    def __init__(self, database: Database, key: AuditKey, clock: Clock) -> None:
        super().__init__(database, key, clock)
        self._queue: deque[_PendingRow] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._unwritten: list[tuple[Attempt, AuditResult]] = []
        self._retrying: asyncio.Task[None] | None = None
        self._finished_until = 0
        self._ahead: dict[str, float] = {}

    async def attempt(self, actor: Actor, request: Request) -> Attempt:
        """Record an attempt before it runs. Raises DuplicateInteraction if its interaction is already in the log."""
        event = Event.of(actor, request)
        return Attempt(await self._append(self._row(ATTEMPT, event, interaction=actor.interaction)), event)

    async def finish(self, attempt: Attempt, result: AuditResult) -> None:
        """Record an attempt's result."""
        ended = {"outcome": result.outcome, "code": result.code, "milliseconds": result.milliseconds}
        token = result.token.get_secret_value() if result.token is not None else None
        token_hmac = self._key.mac(FINGERPRINT, token) if token is not None else None
        await self._append(self._row(RESULT, attempt.event, attempt=attempt.number, token_hmac=token_hmac, **ended))

    def finish_later(self, attempt: Attempt, result: AuditResult) -> None:
        """Record an attempt's result as soon as the database works again. A later result replaces an earlier one."""
        self._unwritten.append((attempt, result))
        if self._retrying is None or self._retrying.done():
            self._retrying = asyncio.ensure_future(self._retry())

    async def deny(self, actor: Actor, request: Request, reason: str) -> None:
        """Record a denial. Raises DuplicateInteraction if its interaction is already in the log."""
        event = Event.of(actor, request)
        await self._append(self._row(DENIED, event, interaction=actor.interaction, outcome="denied", code=reason))

    async def interrupt(
        self, older_than: float, serves: Callable[[str | None, str | None], bool] = lambda *_: True
    ) -> Sequence[Entry]:
        """Record attempts without a result that are more than `older_than` seconds old as interrupted.

        Returns the entries, each in only one of several processes. Altered chains are skipped, as are workspaces and
        organizations that the process doesn't serve.
        """
        before = round((self._clock.now() - older_than) * MICRO)
        kept = ("reference", "team_id", "enterprise_id", "user_id", "action", "external_token_id", "provider_key")

        def interruption(attempt: Row) -> Row:
            copied = {name: attempt[name] for name in (*kept, "parameters")}
            return {**copied, "at": round(self._clock.now() * MICRO), "outcome": INTERRUPTED}

        looking = partial(store.unfinished, since=self._finished_until, before=before, serves=serves)
        unfinished = await self._database.run(looking, reads=True, seconds=None)
        found: list[Entry] = []
        is_whole = True
        for chain, numbers in unfinished.items():
            ending = partial(store.interrupt, chain=chain, numbers=numbers, result=interruption)
            try:
                # Has no timeout, because no other process would notify the people who made these requests.
                ended = await self._change(ending)
            except DatabaseError as error:
                log.error("interrupted commands couldn't be recorded", extra={"chain": chain, "why": str(error)})
                is_whole = False
            else:
                found += [entry_of(attempt, result) for attempt, result in ended]
        if is_whole:
            # The next check starts here, so that it doesn't have to read the whole log.
            self._finished_until = before
        return found

    async def steps(self, entry: Entry) -> Sequence[Entry]:
        """Return the entries of one interaction, such as the deletions of several tokens, oldest first."""
        workspace = chain_of(entry.team_id, entry.enterprise_id)
        # Limits how much of the log is read, because no interaction lasts a day.
        since = entry.at - 24 * 3600
        found: list[Entry] = []
        await self.export(Filters(team_id=workspace, reference=entry.reference, since=since), found.append)
        return found

    async def now(self, workspace: str) -> float:
        """Return the time (seconds since the epoch, UTC), even if the clock was set back.

        The time is no earlier than any of the workspace's entries, or than this method's last result in this process.
        """
        newest, monotonic = await self.newest_time(workspace), self._clock.monotonic()
        now = max(self._clock.now(), newest, self._ahead.get(workspace, -math.inf) + monotonic)
        self._ahead[workspace] = now - monotonic
        return now

    async def prune(self, before: float, workspace: str | None = None) -> int:
        """Delete entries older than `before` (seconds since the epoch, UTC), of all workspaces or one, and record this.

        Returns the number of entries deleted. The operator's chain is kept, because it lists the workspaces' chains.
        """

        def pruned(chain: str, entries: int, last: int) -> Row:
            parameters = {"entries": str(entries), "through": str(last), "before": f"{before:.0f}"}
            return self._row(PRUNE, Event("", chain, None, "", PRUNE, parameters), outcome="pruned")

        deleted = 0
        for head in await self.heads(workspace):
            if head.chain != OPERATOR:
                now, entry = round(self._clock.now() * MICRO), partial(pruned, head.chain)
                prune = partial(store.prune, chain=head.chain, before=round(before * MICRO), now=now, entry=entry)
                deleted += await self._change(prune)
        return deleted

    async def note_verified(self, result: VerificationResult) -> None:
        """Record the result of a verification that just ended, in the operator's chain."""
        event = Event(new_reference(), None, None, "", VERIFIED, {"rows": str(result.rows)})
        await self._append(self._row(VERIFIED, event, outcome="altered" if result.problem else "intact"))

    async def close(self) -> None:
        """Stop retrying results that couldn't be recorded, and wait a moment for the current write."""
        if self._retrying is not None:
            self._retrying.cancel()
            await asyncio.gather(self._retrying, return_exceptions=True)
        if self._writer is not None:
            await asyncio.wait({self._writer}, timeout=1.0)

    async def _append(self, row: Row, *, is_limited: bool = True) -> int:
        """Append a row, and return its number once it is on disk. Raises DuplicateInteraction.

        Unless `is_limited` is False, it's given up after `ANSWER_SECONDS`.
        """
        waiting = _PendingRow(row, asyncio.get_running_loop().create_future())
        written = waiting.written
        self._queue.append(waiting)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.ensure_future(self._write())
        try:
            async with asyncio.timeout(ANSWER_SECONDS if is_limited else None):
                try:
                    return await written
                except asyncio.CancelledError:
                    if not written.cancelled() and written.exception() is None:
                        # The row was written just as its caller stopped waiting.
                        self._withdraw(row, written.result())
                    raise
        except TimeoutError:
            raise DatabaseError(f"the database did not answer within {ANSWER_SECONDS:.0f} seconds") from None

    async def _change(self, act: Callable[[Connection, store.LogWrite], T]) -> T:
        """Run a transaction that writes to the log, and remember the chains' new heads."""
        writing = store.LogWrite(self._key, self._written)
        result = await self._database.run(lambda connection: act(connection, writing), seconds=None)
        for chain, head in writing.moved.items():
            if chain not in self._written or self._written[chain].number < head.number:
                self._written[chain] = head
        return result

    async def _write(self) -> None:
        """Write the queued rows together, or if that fails, chain by chain, so that no chain blocks the others."""
        while self._queue:
            taken = [self._queue.popleft() for _ in range(min(len(self._queue), MAX_BATCH))]
            batches: list[tuple[Sequence[_PendingRow], Exception | None]] = [(taken, None)]
            for batch, failed in batches:
                batch = [waiting for waiting in batch if not waiting.written.done()]
                rows = [waiting.row for waiting in batch]
                appended: Sequence[store.AppendResult | Exception] = []
                try:
                    if rows:
                        appended = await self._change(partial(store.append, batch=rows, began=self._began_row))
                except Exception as error:
                    chains = sorted({row["chain"] for row in rows})
                    if len(chains) > 1:
                        batches += [([one for one in batch if one.row["chain"] == chain], error) for chain in chains]
                        continue
                    appended = [error] * len(batch)
                for waiting, number in zip(batch, appended, strict=True):
                    if isinstance(number, int) and waiting.written.done():
                        self._withdraw(waiting.row, number)
                    elif isinstance(number, int):
                        waiting.written.set_result(number)
                    elif not waiting.written.done():
                        # After a failed write, the row in the log may be this one: the caller gets that write's error.
                        waiting.written.set_exception(number or failed or DuplicateInteraction())

    def _withdraw(self, row: Row, number: int) -> None:
        """Record that an attempt wasn't carried out, because its caller stopped waiting before it was written."""
        if row["kind"] == ATTEMPT:
            withdrawn = {**row, "kind": RESULT, "interaction": None, "attempt": number, "outcome": "not done"}
            # Has no time limit, because the person was told that nothing was done, and the log must say so, too.
            writing = asyncio.ensure_future(self._append(withdrawn, is_limited=False))
            writing.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def _retry(self) -> None:
        while self._unwritten:
            await self._clock.sleep(RETRY_SECONDS)
            attempt, result = self._unwritten.pop(0)
            try:
                await self.finish(attempt, result)
            except AlteredLog as error:
                log.error("a result can't be recorded", extra={"why": str(error)})
            except Exception as error:
                log.warning("a result still can't be recorded", extra={"why": str(error)})
                # The failed workspace's results go last, so that they don't block the others. They stay in order,
                # because the last of an attempt's results counts.
                self._unwritten.insert(0, (attempt, result))
                self._unwritten.sort(key=lambda kept: kept[0].event.team_id == attempt.event.team_id)

    def _row(self, kind: str, event: Event, **more: Any) -> dict[str, Any]:
        named = {name: event.parameters.get(name) for name in ("external_token_id", "provider_key")}
        others = {name: value for name, value in event.parameters.items() if name not in named}
        return {
            "chain": chain_of(event.team_id, event.enterprise_id),
            "at": round(self._clock.now() * MICRO),
            "kind": kind,
            "reference": event.reference,
            "team_id": event.team_id,
            "enterprise_id": event.enterprise_id,
            "user_id": event.user_id,
            "action": event.action,
            **named,
            "parameters": json.dumps(others, sort_keys=True),
            **more,
        }

    def _began_row(self, head: Head) -> Row:
        event = Event(new_reference(), head.chain, None, "", BEGAN, {"log_id": head.log_id})
        return self._row(BEGAN, event, outcome="began")
