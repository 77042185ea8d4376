"""Reads the audit log. What isn't authentic is never returned."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from pydantic import SecretStr

from bot.audit.checkpoint import Checkpoint, utc
from bot.audit.entries import Entry, Filters, TokenTrace, VerificationResult, quote_parameter
from bot.audit.guard import AuditLogUnavailable, Guard
from bot.audit.head import ATTEMPT, PRUNE, RESULT, SHARED, Head, Row, is_proven, results_of
from bot.audit.keys import AuditKey
from bot.audit.query import rows_of
from bot.audit.rows import AuditRows
from bot.audit.snapshot import Snapshot
from bot.audit.verification import verify_chains
from bot.audit.verified import Verified
from bot.clock import Clock
from bot.storage.database import DatabaseError
from bot.storage.tables import audit_records

_ENTRIES_AT_ONCE = 1000
_MICRO = 1_000_000
_MAX_NUMBER = 2**62
_NextAfter = Callable[[Row | None], Awaitable[Sequence[Row]]]
"""Reads the page of rows after a row, or the first page."""


class AuditReader:
    """Reads entries, each from the chain of its workspace.

    Every method raises AuditLogUnavailable when the database doesn't work.
    """

    def __init__(self, rows: AuditRows, key: AuditKey, clock: Clock) -> None:
        self._rows = rows
        self._key = key
        self._clock = clock
        self._guard = Guard()

    async def newest(self, count: int, filters: Filters) -> Sequence[Entry]:
        """Return the newest entries, or with `after` those next to it, newest first.

        `before` and `after` are numbers of one workspace: `filters` must name it.
        """

        async def read() -> Sequence[Entry]:
            async with self._reading(filters.team_id) as (snapshot, heads):
                # Of one workspace, or where there is one, a row's number tells its place.
                is_one = len([chain for chain in heads if chain != SHARED]) < 2
                if filters.team_id is None and not is_one:
                    return await self._first(snapshot, heads, count, _latest(snapshot, count, filters))
                found = await self._first(snapshot, heads, count, _by_number(snapshot, count, filters))
                return found if filters.after is None else found[::-1]

        return await self._guard.whole(read())

    async def oldest_first(self, filters: Filters) -> AsyncIterator[Entry]:
        """Yield all entries of one workspace after another, oldest first, with one page in memory at a time."""
        async with self._reading(filters.team_id) as (snapshot, heads):
            for head in sorted(heads.values(), key=lambda head: head.chain):
                page: list[Row] = []
                async for row in snapshot.oldest_first(head.chain, head.pruned_number, rows_of(filters)):
                    page.append(row)
                    if len(page) == _ENTRIES_AT_ONCE:
                        for entry in await self._with_results(snapshot, heads, page):
                            yield entry
                        page = []
                for entry in await self._with_results(snapshot, heads, page):
                    yield entry

    async def find_token(self, token: SecretStr) -> TokenTrace:
        """Return every entry in which this token was fetched and handed out, oldest first."""
        async with self._reading() as (snapshot, heads):
            found = await snapshot.rows_of([audit_records.c.token_hmac == self._key.of_token(token)])
            results = [row for row in found if is_proven(self._key, heads.get(row["chain"]), row)]
            fetched = [(row["chain"], row["attempt"]) for row in results]
            attempts = await snapshot.rows_at(audit_records.c.number, fetched)
            entries = await self._with_results(snapshot, heads, attempts)
            since = await snapshot.oldest_time(list(heads.values()))
            return TokenTrace(
                sorted((entry for entry in entries if entry.outcome == "fetched"), key=lambda entry: entry.at),
                since / _MICRO if since is not None else None,
            )

    async def verify(
        self,
        progress: Callable[[int], None],
        checkpoints: Sequence[Checkpoint] = (),
        workspace: str | None = None,
    ) -> VerificationResult:
        """Check every row, perhaps only of one workspace, and that the log still holds what checkpoints saw.

        `progress` is told the number of rows checked, now and then.
        """
        async with self._snapshot() as snapshot:
            return await verify_chains(snapshot, self._key, progress, checkpoints, workspace)

    async def workspaces(self) -> Sequence[str]:
        """Return the IDs of the workspaces that have entries, oldest first."""

        async def read() -> Sequence[str]:
            async with self._snapshot() as snapshot:
                return list(await snapshot.heads())

        return await self._guard.whole(read())

    async def size(self, workspace: str | None = None) -> int:
        """Return how many rows there are to verify."""

        async def read() -> int:
            async with self._reading() as (_, heads):
                wanted = [head for head in heads.values() if workspace in (None, head.chain)]
                return sum(head.number - head.pruned_number for head in wanted)

        return await self._guard.whole(read())

    async def status(self) -> tuple[int, Verified | None]:
        """Return how many entries the log has, which its heads tell, and its last verification."""

        async def read() -> tuple[int, Verified | None]:
            async with self._reading() as (snapshot, heads):
                entries = sum(head.entries - head.pruned_entries for head in heads.values())
                return entries, await snapshot.last_verified()

        return await self._guard.whole(read())

    async def count(self, filters: Filters) -> int:
        """Return how many entries there are to export."""

        async def read() -> int:
            async with self._snapshot() as snapshot:
                return (await snapshot.count(rows_of(filters)))[0]

        return await self._guard.whole(read())

    async def checkpoints(self, workspace: str | None = None) -> Sequence[str]:
        """Return a checkpoint of each workspace's chain as it is now, or of one. One without entries has none."""

        async def read() -> Sequence[str]:
            async with self._reading() as (_, heads):
                now = utc(self._clock.now())
                return [
                    Checkpoint(head.log_id, head.number, head.entries, head.hash, now).write(self._key)
                    for head in heads.values()
                    if workspace in (None, head.chain)
                ]

        return await self._guard.whole(read())

    def read_checkpoints(self, text: str) -> Sequence[Checkpoint]:
        """Read checkpoints. Raises BadCheckpoint."""
        return Checkpoint.read(text, self._key)

    async def count_before(self, before: float, workspace: str | None = None) -> tuple[int, float | None]:
        """Return how many entries are older than `before`, and when the oldest was written (both in seconds)."""
        async with self._snapshot() as snapshot:
            table = audit_records.c
            older = [table.at < micro(before), table.kind != RESULT]
            older += [table.chain == workspace] if workspace is not None else []
            count, oldest = await snapshot.count(older)
            return count, oldest / _MICRO if oldest else None

    async def _first(
        self, snapshot: Snapshot, heads: Mapping[str, Head], count: int, next_after: _NextAfter
    ) -> Sequence[Entry]:
        """Return the first entries of rows that are read page by page, each after the last row of the one before.

        A row that isn't authentic is passed over, so a page of rows may hold fewer entries than were asked for.
        """
        entries: list[Entry] = []
        last: Row | None = None
        while len(entries) < count:
            rows = await next_after(last)
            entries += await self._with_results(snapshot, heads, rows)
            if len(rows) < count:
                break
            last = rows[-1]
        return entries[:count]

    async def _with_results(
        self, snapshot: Snapshot, heads: Mapping[str, Head], rows: Sequence[Row]
    ) -> Sequence[Entry]:
        rows = [row for row in rows if is_proven(self._key, heads.get(row["chain"]), row)]
        attempts = [(row["chain"], row["number"]) for row in rows if row["kind"] == ATTEMPT]
        results = results_of(self._key, heads, await snapshot.rows_at(audit_records.c.attempt, attempts))
        return [
            entry_of(row, results.get((row["chain"], row["number"])) if row["kind"] == ATTEMPT else row) for row in rows
        ]

    @asynccontextmanager
    async def _reading(self, team_id: str | None = None) -> AsyncIterator[tuple[Snapshot, Mapping[str, Head]]]:
        """Read with the heads of a workspace's entries, or with all."""
        async with self._snapshot() as snapshot:
            chains = None if team_id is None else [SHARED, team_id]
            yield snapshot, await snapshot.authentic_heads(chains)

    @asynccontextmanager
    async def _snapshot(self) -> AsyncIterator[Snapshot]:
        try:
            async with self._rows.snapshot() as snapshot:
                yield snapshot
        except DatabaseError as error:
            raise AuditLogUnavailable(str(error)) from None


def micro(seconds: float) -> int:
    """Return a time in seconds as the log keeps it, in microseconds."""
    return round(seconds * _MICRO)


def _parameters(row: Row) -> Mapping[str, str | bool]:
    parameters: dict[str, str | bool] = json.loads(row["parameters"])
    if row["kind"] == PRUNE:
        return parameters
    # Rows of version 0.1 hold parameters whole: a pasted token stays in the database until it is pruned.
    return {name: quote_parameter(value) for name, value in parameters.items()}


def entry_of(row: Row, result: Row | None) -> Entry:
    """Return the entry of a row, and of its result where it has one."""
    end = result or {"outcome": None, "code": None, "milliseconds": None, "token_hmac": None}
    return Entry(
        number=row["number"],
        at=row["at"] / _MICRO,
        reference=row["reference"],
        team_id=row["team_id"],
        enterprise_id=row["enterprise_id"],
        user_id=row["user_id"] or None,
        action=row["action"],
        parameters=_parameters(row),
        outcome=end["outcome"],
        code=end["code"],
        milliseconds=end["milliseconds"],
        token_hmac=end["token_hmac"],
    )


def _by_number(snapshot: Snapshot, count: int, filters: Filters) -> _NextAfter:
    begin = next((place for place in (filters.after, filters.before) if place is not None), _MAX_NUMBER)
    read = snapshot.newest_first if filters.after is None else snapshot.next_after
    return lambda last: read(begin if last is None else last["number"], count, rows_of(filters))


def _latest(snapshot: Snapshot, count: int, filters: Filters) -> _NextAfter:
    return lambda last: snapshot.latest_first(last, count, rows_of(filters))
