"""Functions that read and write the log in the database, each for use within a transaction.

No row is appended to a chain whose head isn't authentic.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal_column,
    select,
    update,
)

from bot.audit.chain import (
    ATTEMPT,
    COLUMNS,
    HASHED,
    OPERATOR,
    RESULT,
    VERIFIED,
    AlteredLog,
    Head,
    Row,
    is_authentic,
    is_proven,
    results_of,
)
from bot.audit.keys import AuditKey
from bot.storage.engine import DatabaseError
from bot.storage.tables import audit_heads, audit_records

_TABLE = audit_records.c
# A query uses a partial index only if it repeats the index's exact condition, so these values are literals.
BEGINS_ENTRY = _TABLE.kind != literal_column("'result'")
"""The condition for rows that begin an entry, which are all but results."""
STANDS_ALONE = BEGINS_ENTRY & (_TABLE.kind != literal_column("'attempt'"))
"""The condition for the few rows that are a whole entry, such as denials."""
_MOVE = (
    update(audit_heads)
    .where(audit_heads.c.chain == bindparam("moved"))
    .values({column.name: bindparam(column.name) for column in audit_heads.columns})
)

_WENT_BACK = (
    "newer entries of the audit log are gone, as when an old copy is put back: restart Extauth if that was meant"
)
_NOT_KEPT = "the database doesn't keep what is written to the audit log: `extauth check` says more"

AppendResult = int | AlteredLog | None
"""The outcome of appending a row: its number, None for a duplicate, or the error if its chain was altered."""


def read_heads(
    connection: Connection, key: AuditKey, chains: Sequence[str] | None = None, *, locks: bool = False
) -> Mapping[str, Head | AlteredLog]:
    """Return the heads of some chains or of all, in the order of their names; AlteredLog for each that isn't authentic.

    With `locks`, PostgreSQL locks them until the transaction ends. SQLite needs no locks, because it has one writer.
    """
    query = select(audit_heads).order_by(audit_heads.c.chain)
    query = query if chains is None else query.where(audit_heads.c.chain.in_(chains))
    # Ordered, because two processes that lock heads in different orders could deadlock.
    found = connection.execute(query.with_for_update() if locks else query).mappings()
    return {row["chain"]: Head.stored(row, key) for row in found}


def authentic_heads(
    connection: Connection,
    key: AuditKey,
    chains: Sequence[str] | None = None,
    known: Mapping[str, Head] = MappingProxyType({}),
) -> Mapping[str, Head]:
    """Return the heads of some chains, or of all. `known` are the heads after this process's last writes.

    Raises AlteredLog if a head isn't authentic, or if a chain has lost its known head's row.
    """
    heads = {}
    for chain, found in read_heads(connection, key, chains).items():
        if isinstance(found, AlteredLog):
            raise found
        heads[chain] = found
    for chain, head in known.items():
        if (chains is not None and chain not in chains) or heads.get(chain) == head:
            continue
        if chain not in heads or _went_back(connection, key, heads[chain], head):
            raise AlteredLog(_WENT_BACK)
    return heads


def rows_since(connection: Connection, key: AuditKey, head: Head, number: int, previous: str) -> Sequence[Row]:
    """Return the rows of a chain after the one with this number and hash, up to the chain's head.

    Raises AlteredLog unless all of the rows are there, authentic, and chained to the row before.
    """
    query = select(audit_records).where(_TABLE.chain == head.chain, _TABLE.number > number)
    rows = connection.execute(query.where(_TABLE.number <= head.number).order_by(_TABLE.number)).mappings().all()
    for row in rows:
        number += 1
        if row["number"] != number or row["previous"] != previous or not is_authentic(key, row):
            raise AlteredLog(f"row {number} of the audit log of {head.chain} was altered: `audit verify` says more")
        previous = row["hash"]
    if (number, previous) != (head.number, head.hash):
        raise AlteredLog(f"row {head.number} of the audit log of {head.chain} is missing: `audit verify` says more")
    return rows


@dataclass(slots=True)
class LogWrite:
    """One transaction's writes, with the new heads, the errors of altered chains, and the rows.

    `known` are the heads after this process's last writes. A chain with an older head counts as altered. `moved` are
    the chains' heads after `write`.
    """

    key: AuditKey
    known: Mapping[str, Head] = field(default_factory=dict)
    heads: dict[str, Head] = field(default_factory=dict)
    altered: dict[str, AlteredLog] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    moved: dict[str, Head] = field(default_factory=dict)

    def add(self, chain: str, row: Row) -> int:
        """Append a row to a chain. Returns its number."""
        head = self.heads[chain]
        number = head.number + 1
        complete = {**dict.fromkeys(COLUMNS), **row, "chain": chain, "number": number, "previous": head.hash}
        complete["hash"] = self.key.mac("chain", [complete[name] for name in HASHED])
        self.rows.append(complete)
        self.heads[chain] = replace(
            head,
            number=number,
            hash=complete["hash"],
            entries=head.entries + (complete["kind"] != RESULT),
            verified=number if complete["kind"] == VERIFIED else head.verified,
        )
        return number

    def lock(self, connection: Connection, chains: Sequence[str]) -> None:
        """Lock the heads of chains until the transaction ends."""
        for chain, found in read_heads(connection, self.key, chains, locks=True).items():
            if isinstance(found, AlteredLog):
                self.altered[chain] = found
            elif found != (known := self.known.get(chain, found)) and _went_back(connection, self.key, found, known):
                self.altered[chain] = AlteredLog(_WENT_BACK)
            else:
                self.heads[chain] = found

    def head(self, connection: Connection, chain: str) -> Head | None:
        """Lock the head of one chain and return it; None if there is no such chain. Raises AlteredLog."""
        self.lock(connection, [chain])
        if chain in self.altered:
            raise self.altered[chain]
        return self.heads.get(chain)

    def write(self, connection: Connection) -> None:
        """Write the rows, move the heads of their chains, and read both back.

        Raises DatabaseError if the database doesn't keep them.
        """
        if not self.rows:
            return
        moved = {chain: self.heads[chain] for chain in sorted({row["chain"] for row in self.rows})}
        connection.execute(insert(audit_records), self.rows)
        connection.execute(_MOVE, [{"moved": chain, **head.row(self.key)} for chain, head in moved.items()])
        if connection.dialect.name == "postgresql":
            # Runs deferred triggers now, because they could otherwise change the rows after they are read back.
            connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
        written = {(row["chain"], row["number"]): row for row in self.rows}
        kept = rows_at(connection, _TABLE.number, [*written])
        # The rows are also counted, because a replaced table might return a row twice.
        is_kept = len(kept) == len(written) and {(row["chain"], row["number"]): dict(row) for row in kept} == written
        if not is_kept or read_heads(connection, self.key, [*moved]) != moved:
            raise DatabaseError(_NOT_KEPT)
        self.moved = moved


def _went_back(connection: Connection, key: AuditKey, head: Head, known: Head) -> bool:
    """Return whether a chain whose head differs from the `known` head has lost the known head's row."""
    if head.log_id != known.log_id or head.number <= known.number:
        return True
    if known.number <= head.pruned_number:
        return False
    try:
        rows_since(connection, key, head, known.number, known.hash)
    except AlteredLog:
        return True
    return False


def append(
    connection: Connection, writing: LogWrite, batch: Sequence[Row], began: Callable[[Head], Row]
) -> Sequence[AppendResult]:
    """Append rows to their chains, skipping interactions that are already in the log.

    A workspace's first row begins its chain. The operator's chain then gets the row that `began` returns.
    """
    chains = sorted({row["chain"] for row in batch})
    if not {*chains} <= writing.known.keys() and not {*chains} <= read_heads(connection, writing.key, chains).keys():
        # The operator's chain records new chains. It's locked first, so that `lock` sees every chain begun so far.
        read_heads(connection, writing.key, [OPERATOR], locks=True)
        chains = sorted({OPERATOR, *chains})
    writing.lock(connection, chains)
    for chain in chains:
        if chain not in writing.heads and chain not in writing.altered:
            _begin(connection, writing, chain, began)
    seen = _interactions(connection, [row for row in batch if row.get("interaction") is not None])
    appended: list[AppendResult] = []
    for row in batch:
        chain, claim = row["chain"], (row["chain"], row.get("interaction"))
        if chain in writing.altered:
            appended.append(writing.altered[chain])
        elif claim in seen:
            appended.append(None)
        else:
            seen |= {claim} if claim[1] is not None else set()
            appended.append(writing.add(chain, row))
    writing.write(connection)
    return appended


def _begin(connection: Connection, writing: LogWrite, chain: str, began: Callable[[Head], Row]) -> None:
    # Recording the beginning as an interaction keeps a chain from beginning twice.
    claim = {"chain": OPERATOR, "interaction": f"began {chain}"}
    if OPERATOR in writing.altered:
        writing.altered[chain] = writing.altered[OPERATOR]
    elif OPERATOR not in writing.heads or chain in writing.known or _interactions(connection, [claim]):
        # If a workspace's whole chain was removed, a new one would hide the loss.
        writing.altered[chain] = AlteredLog("the audit log of a workspace is missing: `audit verify` says more")
    else:
        head = writing.heads[chain] = Head(chain)
        connection.execute(insert(audit_heads), head.row(writing.key))
        writing.add(OPERATOR, {**began(head), **claim})


def _interactions(connection: Connection, rows: Sequence[Row]) -> set[tuple[str, str | None]]:
    """Return the chain and ID of each of the rows' interactions that is already recorded."""
    if not rows:
        return set()
    query = select(_TABLE.chain, _TABLE.interaction).where(_TABLE.interaction.in_([row["interaction"] for row in rows]))
    return {(chain, interaction) for chain, interaction in connection.execute(query)}


def prunable(connection: Connection, head: Head, before: int, now: int) -> int:
    """Return the number of a chain's last row that is older than `before` (in microseconds, as is `now`).

    A row dated after `now`, by a clock that briefly ran ahead, doesn't keep older rows from being pruned.
    """
    within = [_TABLE.chain == head.chain, _TABLE.number > head.pruned_number, _TABLE.number <= head.number]
    kept = connection.execute(select(func.min(_TABLE.number)).where(*within, _TABLE.at >= before, _TABLE.at <= now))
    older = [*within, _TABLE.at < before, _TABLE.number < (kept.scalar() or head.number + 1)]
    return connection.execute(select(func.max(_TABLE.number)).where(*older)).scalar() or head.pruned_number


def prunable_entries(head: Head, last: int) -> ColumnElement[bool]:
    """Return the condition for the entries that pruning the rows up to `last` removes."""
    return and_(_TABLE.chain == head.chain, _TABLE.number > head.pruned_number, _TABLE.number <= last, BEGINS_ENTRY)


def prune(
    connection: Connection, writing: LogWrite, chain: str, before: int, now: int, entry: Callable[[int, int], Row]
) -> int:
    """Delete the rows of a chain that are older than `before`, and append the `entry` that records the deletion.

    `entry` gets the number of entries deleted, which is returned, and the number of the last row deleted. Raises
    AlteredLog if that row isn't authentic.
    """
    head = writing.head(connection, chain)
    if head is None:
        return 0
    last = prunable(connection, head, before, now)
    if last <= head.pruned_number:
        return 0
    edge = (
        connection.execute(select(audit_records).where(_TABLE.chain == chain, _TABLE.number == last)).mappings().one()
    )
    if not is_proven(writing.key, head, edge) or edge["at"] >= before:
        # The row was altered to look old. Checking the last row suffices, because the rows before it are older.
        raise AlteredLog(f"row {last} of the audit log of {chain} was altered: `audit verify` says more")
    entries = int(connection.execute(select(func.count()).where(prunable_entries(head, last))).scalar_one())
    connection.execute(delete(audit_records).where(_TABLE.chain == chain, _TABLE.number <= last))
    writing.heads[chain] = replace(
        head, pruned_number=last, pruned_hash=edge["hash"], pruned_entries=head.pruned_entries + entries
    )
    writing.add(chain, entry(entries, last))
    writing.write(connection)
    return entries


def unfinished(
    connection: Connection, *, since: int, before: int, serves: Callable[[str | None, str | None], bool]
) -> Mapping[str, Sequence[int]]:
    """Return the numbers, by chain, of attempts between two times (microseconds) that seem to have no result.

    `serves` selects the workspaces and organizations.
    """
    found: dict[str, list[int]] = {}
    for row in connection.execute(unfinished_query(since, before)):
        if serves(row.team_id, row.enterprise_id):
            found.setdefault(row.chain, []).append(row.number)
    return found


def unfinished_query(since: int, before: int) -> Select[Any]:
    results = audit_records.alias()
    result = exists().where(results.c.chain == _TABLE.chain, results.c.attempt == _TABLE.number)
    in_time = (_TABLE.at >= since) & (_TABLE.at < before)
    whose = (_TABLE.chain, _TABLE.number, _TABLE.team_id, _TABLE.enterprise_id)
    return select(*whose).where(BEGINS_ENTRY, _TABLE.kind == ATTEMPT, in_time, ~result)


def interrupt(
    connection: Connection, writing: LogWrite, chain: str, numbers: Sequence[int], result: Callable[[Row], Row]
) -> Sequence[tuple[Row, Row]]:
    """Append the `result` to each of a chain's attempts that has none. Returns the attempts with their results.

    Only one of several processes does this for an attempt, because the chain's head is locked. Raises AlteredLog.
    """
    head, key = writing.head(connection, chain), writing.key
    if head is None:
        return []
    rows = rows_at(connection, _TABLE.number, [(chain, number) for number in numbers])
    ended = results_of(key, {chain: head}, rows_at(connection, _TABLE.attempt, [(chain, number) for number in numbers]))
    interrupted = []
    for row in rows:
        if row["kind"] == ATTEMPT and is_proven(key, head, row) and (chain, row["number"]) not in ended:
            writing.add(chain, {**result(row), "kind": RESULT, "attempt": row["number"]})
            interrupted.append((row, writing.rows[-1]))
    writing.write(connection)
    return interrupted


def rows_at(connection: Connection, column: Any, places: Sequence[tuple[str, int]]) -> Sequence[Row]:
    """Return the rows with these numbers in a column, each in its own chain, authentic or not."""
    numbers: dict[str, list[int]] = {}
    for chain, number in places:
        numbers.setdefault(chain, []).append(number)
    # Chain by chain, because SQLite would read the whole log for pairs of chain and number.
    return [
        row
        for chain, some in numbers.items()
        for row in connection.execute(
            select(audit_records).where(_TABLE.chain == chain, column.in_(some)).order_by(_TABLE.number)
        ).mappings()
    ]
