"""Appends to the audit log and reads it.

Rows are only ever added. Each carries a keyed hash over itself and the hash of the row before, so that an altered,
removed, inserted or moved row is found. A token is in it as a fingerprint (HMAC-SHA-256), never as itself.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import SecretStr

from bot.actor import Actor
from bot.audit.entries import AuditResult, Entry, Event, Filters, VerificationResult, quote_parameter
from bot.audit.keys import AuditKey
from bot.audit.rows import AuditRows, Row, chain_hash
from bot.clock import Clock
from bot.operation import Request
from bot.storage.engine import DatabaseError
from bot.storage.tables import audit_records

T = TypeVar("T")

APPEND_SECONDS = 15.0
"""How long an entry may take to be written before what it records isn't done."""

# The kinds of rows. They are part of each row's hash, so their spelling can't change.
_ATTEMPT, _RESULT, _DENIED, _PRUNE = "attempt", "ending", "denied", "prune"
_MICRO = 1_000_000


class AuditLogUnavailable(Exception):
    """The log can't be written or read now. The message is one line for the operator."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt on record, whose result is still to come."""

    number: int
    event: Event


class AuditLog:
    """Appends entries and reads them. Every method raises AuditLogUnavailable when the database doesn't work."""

    def __init__(self, rows: AuditRows, key: AuditKey, clock: Clock) -> None:
        self._rows = rows
        self._key = key
        self._clock = clock

    async def attempt(self, actor: Actor, request: Request) -> Attempt:
        """Record that something is about to be done."""
        event = Event.of(actor, request)
        return Attempt(await self._append(_ATTEMPT, event), event)

    async def finish(self, attempt: Attempt, result: AuditResult) -> None:
        """Record how an attempt ended."""
        await self._append(
            _RESULT,
            attempt.event,
            attempt=attempt.number,
            outcome=result.outcome,
            code=result.code,
            milliseconds=result.milliseconds,
            token_hmac=self._key.of_token(result.token) if result.token is not None else None,
        )

    async def deny(self, actor: Actor, request: Request, reason: str) -> None:
        """Record a denial."""
        await self._append(_DENIED, Event.of(actor, request), outcome="denied", code=reason)

    async def newest(self, count: int, filters: Filters) -> Sequence[Entry]:
        """Return the newest entries, newest first."""
        return await _within(self._newest(count, filters))

    async def oldest_first(self, filters: Filters) -> AsyncIterator[Entry]:
        """Yield all entries, oldest first, with one page in memory at a time."""
        page: list[Row] = []
        try:
            async for row in self._rows.oldest_first(0, _where(filters)):
                page.append(row)
                if len(page) == 1000:
                    for entry in await self._with_results(page):
                        yield entry
                    page = []
            for entry in await self._with_results(page):
                yield entry
        except DatabaseError as error:
            raise AuditLogUnavailable(str(error)) from None

    async def find_token(self, token: SecretStr) -> Sequence[Entry]:
        """Return every entry in which this token was fetched, oldest first."""
        table, found = audit_records.c, []
        fingerprint = self._key.of_token(token)
        try:
            async for row in self._rows.oldest_first(0, [table.token_hmac == fingerprint]):
                found.append(_entry(row, row))
        except DatabaseError as error:
            raise AuditLogUnavailable(str(error)) from None
        return found

    async def verify(self, progress: Callable[[int], None]) -> VerificationResult:
        """Check every entry. `progress` is told the number checked, now and then."""
        try:
            head = await self._rows.head()
            number, previous, checked = head.pruned_number, head.pruned_hash, 0
            async for row in self._rows.oldest_first(number, [audit_records.c.number <= head.number]):
                if row["number"] != number + 1:
                    return VerificationResult(checked, f"Record {number + 1} is missing.")
                if row["previous"] != previous:
                    return VerificationResult(checked, f"Record {row['number']} does not follow the one before it.")
                if row["hash"] != chain_hash(self._key, row):
                    return VerificationResult(checked, f"Record {row['number']} was altered.")
                number, previous, checked = row["number"], row["hash"], checked + 1
                if checked % 10_000 == 0:
                    progress(checked)
        except DatabaseError as error:
            raise AuditLogUnavailable(str(error)) from None
        if number != head.number:
            return VerificationResult(checked, f"Record {number + 1} is missing.")
        if previous != head.hash:
            return VerificationResult(checked, f"Record {number} is not the one that was written last.")
        return VerificationResult(checked)

    async def prune(self, before: float) -> int:
        """Delete what is older than `before` (seconds since the epoch) and record that. Return the number deleted."""
        try:
            gone = await self._rows.prune(round(before * _MICRO))
        except DatabaseError as error:
            raise AuditLogUnavailable(str(error)) from None
        if gone:
            event = Event("", None, None, "", "prune", {"rows": str(gone), "before": f"{before:.0f}"})
            await self._append(_PRUNE, event, outcome="pruned")
        return gone

    async def _append(self, kind: str, event: Event, **more: Any) -> int:
        row = {
            "at": round(self._clock.now() * _MICRO),
            "kind": kind,
            "reference": event.reference,
            "team_id": event.team_id,
            "enterprise_id": event.enterprise_id,
            "user_id": event.user_id,
            "action": event.action,
            "parameters": json.dumps(event.parameters, sort_keys=True),
            **more,
        }
        return await _within(self._rows.append(row))

    async def _newest(self, count: int, filters: Filters) -> Sequence[Entry]:
        return await self._with_results(await self._rows.newest_first(count, _where(filters)))

    async def _with_results(self, rows: Sequence[Row]) -> Sequence[Entry]:
        numbers = [row["number"] for row in rows if row["kind"] == _ATTEMPT]
        table = audit_records.c
        results: dict[int, Row] = {}
        if numbers:
            where = [table.kind == _RESULT, table.attempt.in_(numbers)]
            results = {row["attempt"]: row for row in await self._rows.newest_first(len(numbers), where)}
        return [_entry(row, results.get(row["number"]) if row["kind"] == _ATTEMPT else row) for row in rows]


def _where(filters: Filters) -> list[Any]:
    table, where = audit_records.c, [audit_records.c.kind != _RESULT]
    if filters.user_id is not None:
        where.append(table.user_id == filters.user_id)
    if filters.action is not None:
        where.append((table.action == filters.action) | (table.kind == filters.action))
    if filters.team_id is not None:
        where.append(table.team_id == filters.team_id)
    if filters.since is not None:
        where.append(table.at >= round(filters.since * _MICRO))
    if filters.before is not None:
        where.append(table.number < filters.before)
    return where


def _entry(row: Row, result: Row | None) -> Entry:
    end = result or {"outcome": None, "code": None, "milliseconds": None, "token_hmac": None}
    return Entry(
        number=row["number"],
        at=row["at"] / _MICRO,
        reference=row["reference"],
        team_id=row["team_id"],
        enterprise_id=row["enterprise_id"],
        user_id=row["user_id"] or None,
        action=row["action"],
        # Rows of older versions hold parameters whole: a pasted token stays in the database until it is pruned.
        parameters={name: quote_parameter(value) for name, value in json.loads(row["parameters"]).items()},
        outcome=end["outcome"],
        code=end["code"],
        milliseconds=end["milliseconds"],
        token_hmac=end["token_hmac"],
    )


async def _within(work: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout(APPEND_SECONDS):
            return await work
    except DatabaseError as error:
        raise AuditLogUnavailable(str(error)) from None
    except TimeoutError:
        raise AuditLogUnavailable(f"the database did not answer within {APPEND_SECONDS:.0f} seconds") from None
