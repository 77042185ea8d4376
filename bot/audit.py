"""The audit record: an attempt before Slack is asked, its ending after, and proof that nobody changed either.

Rows are only ever added. Each carries a keyed hash over itself and the hash of the row before, so that an altered, a
removed, an inserted or a moved row is found. A token is in it as a fingerprint (HMAC-SHA-256), never as itself.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import SecretStr

from bot.clock import Clock
from bot.storage.audit_rows import AuditRows, Row, chain_hash
from bot.storage.engine import DatabaseError
from bot.storage.keys import InstallationKey
from bot.storage.tables import audit_records

Answer = TypeVar("Answer")

APPEND_SECONDS = 15.0
"""How long a record may take to be written before what it records is not done."""
LONGEST_PARAMETER = 40

_ATTEMPT, _ENDING, _DENIED, _PRUNE = "attempt", "ending", "denied", "prune"
_MICRO = 1_000_000


class AuditUnavailable(Exception):
    """The record cannot be written or read now. The message is one line for the log."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something somebody wants to do. `action` is `get`, `show`, `refresh` or `delete`."""

    reference: str
    team_id: str | None
    enterprise_id: str | None
    user_id: str
    action: str
    parameters: Mapping[str, str | bool]


@dataclass(frozen=True, slots=True)
class Ending:
    """How it ended. `token` is what was handed out, and is recorded as its fingerprint."""

    outcome: str
    code: str | None
    milliseconds: int
    token: SecretStr | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was tried, with its ending. `at` is in seconds since the epoch, UTC.

    `outcome` is `fetched`, `deleted`, `failed`, `denied` or `pruned`; None where no ending was ever recorded.
    """

    number: int
    at: float
    reference: str
    team_id: str | None
    enterprise_id: str | None
    user_id: str | None
    action: str
    parameters: Mapping[str, str | bool]
    outcome: str | None
    code: str | None
    milliseconds: int | None
    token_hmac: str | None


@dataclass(frozen=True, slots=True)
class Filters:
    """Which entries are wanted. `since` and `before` are limits: seconds since the epoch, and an entry's number."""

    user_id: str | None = None
    action: str | None = None
    team_id: str | None = None
    since: float | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What checking the chain found. `problem` is a sentence about the first bad record; None when all is well."""

    checked: int
    problem: str | None = None


class Audit:
    """Writes and reads the record. Every method raises AuditUnavailable when the database does not work."""

    def __init__(self, rows: AuditRows, key: InstallationKey, clock: Clock) -> None:
        self._rows = rows
        self._key = key
        self._clock = clock

    async def attempt(self, event: Event) -> int:
        """Record that something is about to be done; the number its ending has to name."""
        return await self._append(_ATTEMPT, event)

    async def ending(self, attempt: int, event: Event, ending: Ending) -> None:
        """Record how it ended."""
        fingerprint = self._key.of_token(ending.token) if ending.token is not None else None
        await self._append(
            _ENDING,
            event,
            attempt=attempt,
            outcome=ending.outcome,
            code=ending.code,
            milliseconds=ending.milliseconds,
            token_hmac=fingerprint,
        )

    async def denied(self, event: Event, reason: str) -> None:
        """Record a refusal."""
        await self._append(_DENIED, event, outcome="denied", code=reason)

    async def newest(self, count: int, filters: Filters) -> Sequence[Entry]:
        """The newest entries, newest first."""
        return await _within(self._newest(count, filters))

    async def oldest_first(self, filters: Filters) -> AsyncIterator[Entry]:
        """All entries, oldest first, a page in memory at a time."""
        page: list[Row] = []
        try:
            async for row in self._rows.oldest_first(0, _where(filters)):
                page.append(row)
                if len(page) == 1000:
                    for entry in await self._with_endings(page):
                        yield entry
                    page = []
            for entry in await self._with_endings(page):
                yield entry
        except DatabaseError as error:
            raise AuditUnavailable(str(error)) from None

    async def find_token(self, token: SecretStr) -> Sequence[Entry]:
        """Every entry in which this token was handed out, oldest first."""
        table, found = audit_records.c, []
        fingerprint = self._key.of_token(token)
        try:
            async for row in self._rows.oldest_first(0, [table.token_hmac == fingerprint]):
                found.append(_entry(row, row))
        except DatabaseError as error:
            raise AuditUnavailable(str(error)) from None
        return found

    async def verify(self, progress: Callable[[int], None]) -> Verdict:
        """Check every record. `progress` is told the number checked, now and then."""
        try:
            head = await self._rows.head()
            number, previous, checked = head.pruned_number, head.pruned_hash, 0
            async for row in self._rows.oldest_first(number, [audit_records.c.number <= head.number]):
                if row["number"] != number + 1:
                    return Verdict(checked, f"Record {number + 1} is missing.")
                if row["previous"] != previous:
                    return Verdict(checked, f"Record {row['number']} does not follow the one before it.")
                if row["hash"] != chain_hash(self._key, row):
                    return Verdict(checked, f"Record {row['number']} was altered.")
                number, previous, checked = row["number"], row["hash"], checked + 1
                if checked % 10_000 == 0:
                    progress(checked)
        except DatabaseError as error:
            raise AuditUnavailable(str(error)) from None
        if number != head.number:
            return Verdict(checked, f"Record {number + 1} is missing.")
        if previous != head.hash:
            return Verdict(checked, f"Record {number} is not the one that was written last.")
        return Verdict(checked)

    async def prune(self, before: float) -> int:
        """Drop what is older than `before` (seconds since the epoch) and record that; how many rows went."""
        try:
            gone = await self._rows.prune(round(before * _MICRO))
        except DatabaseError as error:
            raise AuditUnavailable(str(error)) from None
        if gone:
            event = Event("", None, None, "", "prune", {"rows": str(gone), "before": f"{before:.0f}"})
            await self._append(_PRUNE, event, outcome="pruned")
        return gone

    async def _append(self, kind: str, event: Event, **more: Any) -> int:
        parameters = {name: without_pasted_token(value) for name, value in event.parameters.items()}
        row = {
            "at": round(self._clock.now() * _MICRO),
            "kind": kind,
            "reference": event.reference,
            "team_id": event.team_id,
            "enterprise_id": event.enterprise_id,
            "user_id": event.user_id,
            "action": event.action,
            "parameters": json.dumps(parameters, sort_keys=True),
            **more,
        }
        return await _within(self._rows.append(row))

    async def _newest(self, count: int, filters: Filters) -> Sequence[Entry]:
        return await self._with_endings(await self._rows.newest_first(count, _where(filters)))

    async def _with_endings(self, rows: Sequence[Row]) -> Sequence[Entry]:
        numbers = [row["number"] for row in rows if row["kind"] == _ATTEMPT]
        table = audit_records.c
        endings: dict[int, Row] = {}
        if numbers:
            where = [table.kind == _ENDING, table.attempt.in_(numbers)]
            endings = {row["attempt"]: row for row in await self._rows.newest_first(len(numbers), where)}
        return [_entry(row, endings.get(row["number"]) if row["kind"] == _ATTEMPT else row) for row in rows]


def _where(filters: Filters) -> list[Any]:
    table, where = audit_records.c, [audit_records.c.kind != _ENDING]
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


def _entry(row: Row, ending: Row | None) -> Entry:
    end = ending or {"outcome": None, "code": None, "milliseconds": None, "token_hmac": None}
    return Entry(
        number=row["number"],
        at=row["at"] / _MICRO,
        reference=row["reference"],
        team_id=row["team_id"],
        enterprise_id=row["enterprise_id"],
        user_id=row["user_id"] or None,
        action=row["action"],
        parameters=json.loads(row["parameters"]),
        outcome=end["outcome"],
        code=end["code"],
        milliseconds=end["milliseconds"],
        token_hmac=end["token_hmac"],
    )


def without_pasted_token(value: str | bool) -> str | bool:
    """Somebody may paste a token where its id belongs: what is too long for an id is not kept whole."""
    if isinstance(value, bool) or len(value) <= LONGEST_PARAMETER:
        return value
    return f"{value[:8]}… ({len(value)} characters)"


async def _within(work: Awaitable[Answer]) -> Answer:
    try:
        async with asyncio.timeout(APPEND_SECONDS):
            return await work
    except DatabaseError as error:
        raise AuditUnavailable(str(error)) from None
    except TimeoutError:
        raise AuditUnavailable(f"the database did not answer within {APPEND_SECONDS:.0f} seconds") from None
