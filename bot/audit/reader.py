"""The audit log's reader, which never returns rows that aren't authentic."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import SecretStr
from sqlalchemy import ColumnElement, Connection, Select, func, or_, select, tuple_

from bot.actor import Actor
from bot.audit.chain import (
    ATTEMPT,
    BEGAN,
    DENIED,
    MICRO,
    OPERATOR,
    PRUNE,
    VERIFIED,
    AlteredLog,
    Checkpoint,
    Head,
    Row,
    chain_of,
    is_proven,
    results_of,
    utc,
)
from bot.audit.entries import Entry, Filters, TokenTrace, VerificationResult
from bot.audit.keys import FINGERPRINT, AuditKey
from bot.audit.store import (
    BEGINS_ENTRY,
    STANDS_ALONE,
    authentic_heads,
    prunable,
    prunable_entries,
    read_heads,
    rows_at,
    rows_since,
)
from bot.audit.verify import LastVerification, last_verified, verify_chains
from bot.batch import Batch
from bot.clock import Clock
from bot.ids import is_id
from bot.operation import Operation
from bot.storage.engine import Database, DatabaseError
from bot.storage.tables import audit_records

MOST_IDS = 5
_ENTRIES = 50
_PAGE = 1000
_DECISIONS = (Operation.APPROVE.action, Operation.DECLINE.action)
_DECIDED = ("approved", "declined")
_TABLE = audit_records.c
log = logging.getLogger(__name__)


class AuditReader:
    """A reader of entries, each from the chain of its workspace. Every method raises DatabaseError."""

    def __init__(self, database: Database, key: AuditKey, clock: Clock) -> None:
        self._database = database
        self._key = key
        self._clock = clock
        self._written: dict[str, Head] = {}
        """The heads after this process's last write to each chain."""

    async def newest(self, count: int, filters: Filters) -> Sequence[Entry]:
        """Return the newest entries, or with `after` the ones that follow it, newest first.

        With `before` or `after`, `filters` must name a workspace, because each chain has its own numbers.
        """

        def read(connection: Connection) -> Sequence[Entry]:
            heads = self._heads(connection, filters.team_id)
            entries: list[Entry] = []
            last: Row | None = None
            while len(entries) < count:
                # A row that isn't authentic is skipped, so a page of rows may hold fewer entries.
                rows = connection.execute(_page(filters, last).limit(count)).mappings().all()
                entries += self._entries(connection, heads, rows)
                if len(rows) < count:
                    break
                last = rows[-1]
            return entries[:count] if filters.after is None else entries[:count][::-1]

        return await self._database.run(read, reads=True)

    async def export(self, filters: Filters, write: Callable[[Entry], None]) -> None:
        """Call `write`, perhaps in a thread, with every entry, one workspace after another, oldest first."""

        def read(connection: Connection) -> None:
            heads = self._heads(connection, filters.team_id)
            for chain, head in heads.items():
                after, wanted = head.pruned_number, [_TABLE.chain == chain, *_conditions(filters)]
                while True:
                    query = select(audit_records).where(_TABLE.number > after, *wanted).order_by(_TABLE.number)
                    rows = connection.execute(query.limit(_PAGE)).mappings().all()
                    for entry in self._entries(connection, heads, rows):
                        write(entry)
                    if len(rows) < _PAGE:
                        break
                    after = rows[-1]["number"]

        await self._database.run(read, reads=True, seconds=None)

    async def find_token(self, token: SecretStr) -> TokenTrace:
        """Return every entry in which this token was fetched and shown, oldest first."""

        def read(connection: Connection) -> TokenTrace:
            heads = self._heads(connection)
            fingerprint = self._key.mac(FINGERPRINT, token.get_secret_value())
            found = select(audit_records).where(_TABLE.token_hmac == fingerprint)
            rows = connection.execute(found).mappings().all()
            fetched = [
                (row["chain"], row["attempt"]) for row in rows if is_proven(self._key, heads.get(row["chain"]), row)
            ]
            entries = self._entries(connection, heads, rows_at(connection, _TABLE.number, fetched))
            # The operator's chain is never pruned, so it doesn't show how far back the log goes.
            first = select(func.min(_TABLE.at)).where(BEGINS_ENTRY, _TABLE.chain != OPERATOR)
            since = connection.execute(first).scalar()
            return TokenTrace(
                sorted((entry for entry in entries if entry.outcome == "fetched"), key=lambda entry: entry.at),
                since / MICRO if since is not None else None,
            )

        return await self._database.run(read, reads=True)

    async def verify(
        self,
        progress: Callable[[int], None],
        checkpoints: Sequence[Checkpoint] = (),
        workspace: str | None = None,
    ) -> VerificationResult:
        """Check every row, optionally of one workspace only, and that the log still holds the rows of the checkpoints.

        `progress` is called from time to time with the number of rows checked, perhaps in a thread.
        """

        def read(connection: Connection) -> VerificationResult:
            return verify_chains(connection, self._key, progress, checkpoints, workspace, {**self._written})

        return await self._database.run(read, reads=True, seconds=None)

    async def heads(self, workspace: str | None = None) -> Sequence[Head]:
        """Return the head of each chain with rows, optionally of one workspace only."""
        found = await self._database.run(lambda connection: self._heads(connection, workspace), reads=True)
        return [head for head in found.values() if head.number]

    async def status(self) -> tuple[int, LastVerification | None]:
        """Return the number of entries, as the heads count them, and the last verification.

        Workspaces with altered heads aren't counted. Raises AlteredLog if there is one and no other workspace is left.
        """

        def read(connection: Connection) -> tuple[int, LastVerification | None]:
            heads = read_heads(connection, self._key)
            proven = [head for head in heads.values() if isinstance(head, Head)]
            altered = [head for head in heads.values() if isinstance(head, AlteredLog)]
            if altered and not any(head.chain != OPERATOR for head in proven):
                raise altered[0]
            entries = sum(head.entries - head.pruned_entries for head in proven)
            return entries, last_verified(connection, self._key, heads.get(OPERATOR))

        return await self._database.run(read, reads=True)

    async def count(self, filters: Filters) -> int:
        """Return the number of entries to export."""
        query = select(func.count()).where(*_conditions(filters))
        return await self._database.run(lambda connection: int(connection.execute(query).scalar_one()), reads=True)

    async def count_before(self, before: float, workspace: str | None = None) -> tuple[int, float | None]:
        """Return the number of entries `prune` would delete, and the time of the oldest (both times in seconds)."""
        now = self._clock.now()

        def read(connection: Connection) -> tuple[int, float | None]:
            counted, times = 0, []
            for head in self._heads(connection, workspace).values():
                if head.chain != OPERATOR:
                    last = prunable(connection, head, round(before * MICRO), round(now * MICRO))
                    query = select(func.count(), func.min(_TABLE.at)).where(prunable_entries(head, last))
                    count, oldest = connection.execute(query).one()
                    counted += count
                    times += [oldest] if oldest is not None else []
            return counted, min(times) / MICRO if times else None

        return await self._database.run(read, reads=True)

    async def newest_time(self, workspace: str) -> float:
        """Return the latest time of a workspace's entries that is in the future (seconds, UTC); 0 if there is none."""
        ahead = [_TABLE.chain == workspace, BEGINS_ENTRY, _TABLE.at > round(self._clock.now() * MICRO)]

        def read(connection: Connection) -> float:
            heads = self._heads(connection, workspace)
            rows = connection.execute(select(audit_records).where(*ahead).order_by(_TABLE.at.desc())).mappings()
            proven = (row["at"] for row in rows if is_proven(self._key, heads.get(workspace), row))
            return next(proven, 0) / MICRO

        return await self._database.run(read, reads=True)

    async def decisions(self, asked: Batch) -> Sequence[Entry]:
        """Return the entries in which someone approved or declined a person's request.

        Every row since the request is authenticated, so that removing a decision's row is noticed. Raises AlteredLog.
        """
        chain = chain_of(asked.team_id, asked.enterprise_id)
        request = [_TABLE.chain == chain, _TABLE.kind == ATTEMPT, _TABLE.reference == asked.reference]
        mine = {"request": asked.reference, "user_id": asked.user_id}

        def read(connection: Connection) -> Sequence[Entry]:
            heads = self._heads(connection, chain)
            first = connection.execute(select(audit_records).where(*request).order_by(_TABLE.number)).mappings().first()
            if first is None or not is_proven(self._key, heads.get(chain), first):
                raise AlteredLog(f"the audit log of {chain} doesn't have the request: `audit verify` says more")
            rows = rows_since(connection, self._key, heads[chain], first["number"], first["hash"])
            decided = [row for row in rows if row["kind"] == ATTEMPT and row["action"] in _DECISIONS]
            entries = self._entries(connection, heads, decided)
            return [one for one in entries if mine.items() <= one.parameters.items() and one.outcome in _DECIDED]

        return await self._database.run(read, reads=True)

    def settings_version(self, connection: Connection, workspace_id: str) -> int:
        """Return the last saved version of a workspace's settings, or of an organization's; 0 if there is none."""
        is_change = [BEGINS_ENTRY, _TABLE.action == Operation.SETTINGS.action, _TABLE.kind == ATTEMPT]
        of_place = or_(_TABLE.team_id == workspace_id, _TABLE.enterprise_id == workspace_id)
        known = {**self._written}
        rows = connection.execute(select(audit_records).where(*is_change, of_place)).mappings().all()
        heads = authentic_heads(connection, self._key, sorted({row["chain"] for row in rows}), known)
        entries = self._entries(connection, heads, rows)
        mine = (entry.parameters for entry in entries if entry.outcome == "saved")
        return max((int(given["version"]) for given in mine if given.get("workspace") == workspace_id), default=0)

    async def checkpoints(self, workspace: str | None = None) -> Sequence[str]:
        """Return a current checkpoint of each chain, or of one workspace's."""
        at = utc(self._clock.now())
        return [
            Checkpoint(head.log_id, head.number, head.entries, head.hash, at).write(self._key)
            for head in await self.heads(workspace)
        ]

    def read_checkpoints(self, text: str) -> Sequence[Checkpoint]:
        """Return the checkpoints in a text. Raises BadCheckpoint."""
        return Checkpoint.read(text, self._key)

    def _heads(self, connection: Connection, workspace: str | None = None) -> Mapping[str, Head]:
        return authentic_heads(connection, self._key, None if workspace is None else [workspace], {**self._written})

    def _entries(self, connection: Connection, heads: Mapping[str, Head], rows: Sequence[Row]) -> list[Entry]:
        """Return the entries that begin with these rows, with their results."""
        rows = [row for row in rows if is_proven(self._key, heads.get(row["chain"]), row)]
        attempts = [(row["chain"], row["number"]) for row in rows if row["kind"] == ATTEMPT]
        results = results_of(self._key, heads, rows_at(connection, _TABLE.attempt, attempts))
        return [
            entry_of(row, results.get((row["chain"], row["number"])) if row["kind"] == ATTEMPT else row) for row in rows
        ]


def entry_of(row: Row, result: Row | None) -> Entry:
    """Return the entry of a row, with its result if it has one."""
    end = result or {"outcome": None, "code": None, "milliseconds": None, "token_hmac": None}
    named = {name: row[name] for name in ("external_token_id", "provider_key") if row[name] is not None}
    return Entry(
        number=row["number"],
        at=row["at"] / MICRO,
        reference=row["reference"],
        team_id=row["team_id"],
        enterprise_id=row["enterprise_id"],
        user_id=row["user_id"] or None,
        action=row["action"],
        parameters=dict(sorted({**named, **json.loads(row["parameters"])}.items())),
        outcome=end["outcome"],
        code=end["code"],
        milliseconds=end["milliseconds"],
        token_hmac=end["token_hmac"],
    )


def _page(filters: Filters, last: Row | None) -> Select[Any]:
    """Return the query for the page of rows after a row, or for the first page."""
    query = select(audit_records).where(*_conditions(filters))
    if filters.team_id is None:
        # Numbers are only comparable within a workspace, so rows of several are ordered by time.
        place = (_TABLE.at, _TABLE.chain, _TABLE.number)
        if last is not None:
            query = query.where(tuple_(*place) < tuple_(last["at"], last["chain"], last["number"]))
        return query.order_by(*(column.desc() for column in place))
    if filters.after is not None:
        return query.where(_TABLE.number > (filters.after if last is None else last["number"])).order_by(_TABLE.number)
    end = filters.before if last is None else last["number"]
    query = query if end is None else query.where(_TABLE.number < end)
    return query.order_by(_TABLE.number.desc())


def _conditions(filters: Filters) -> list[ColumnElement[bool]]:
    """Return the conditions for the rows that begin the filtered entries, on any page."""
    is_kind = filters.action in (DENIED, PRUNE, BEGAN, VERIFIED)
    wanted = (
        (_TABLE.external_token_id, filters.external_token_id),
        (_TABLE.provider_key, filters.provider_key),
        (_TABLE.user_id, filters.user_id),
        (_TABLE.kind if is_kind else _TABLE.action, filters.action),
        (_TABLE.chain, filters.team_id),
        (_TABLE.reference, filters.reference),
    )
    where = [STANDS_ALONE if is_kind else BEGINS_ENTRY]
    where += [column == value for column, value in wanted if value is not None]
    return where + ([_TABLE.at >= round(filters.since * MICRO)] if filters.since is not None else [])


async def recent_token_ids(log_reader: AuditReader, actor: Actor) -> Sequence[str]:
    """Return the IDs of the tokens this person fetched recently, newest first; none if the log can't be read."""
    if actor.team_id is None:
        return ()
    try:
        entries = await log_reader.newest(_ENTRIES, Filters(user_id=actor.user_id, team_id=actor.team_id))
    except DatabaseError as error:
        log.warning("the audit log couldn't be read for a person's token IDs", extra={"why": str(error)})
        return ()
    # Entries come newest first, so a token's last outcome counts, and a token that was deleted is left out.
    ended: dict[str, str] = {}
    for entry in entries:
        token_id = entry.parameters.get("external_token_id")
        if isinstance(token_id, str) and is_id(token_id) and entry.outcome in ("fetched", "deleted"):
            ended.setdefault(token_id, entry.outcome)
    return tuple(token_id for token_id, outcome in ended.items() if outcome == "fetched")[:MOST_IDS]
