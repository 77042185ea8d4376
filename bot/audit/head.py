"""Where the audit log's chain begins and ends, proven by the key.

A row's hash is keyed and covers all of it and the hash of the row before; the head's MAC covers where the chain begins
and ends. So someone who can write the database without the key can only put back an old head and remove the newest
rows, which a checkpoint shows.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any

from sqlalchemy import select

from bot.audit.keys import AuditKey, canonical, is_equal
from bot.storage.database import DatabaseError, Transaction
from bot.storage.tables import audit_head, audit_records

Row = Mapping[Any, Any]

# The kinds of rows. They are part of each row's hash, so their spelling can't change.
ATTEMPT, RESULT, DENIED, PRUNE = "attempt", "ending", "denied", "prune"

INTERRUPTED = "interrupted"
"""The outcome of what was begun when the bot ended: whether Slack did it isn't known."""

_HASHED = [column.name for column in audit_records.columns if column.name != "hash"]


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain begins and ends, and how many entries it has had. A result belongs to its attempt's entry."""

    log_id: str
    number: int
    hash: str
    entries: int
    pruned_number: int
    pruned_hash: str
    pruned_entries: int

    def mac(self, key: AuditKey) -> str:
        """Return the MAC that proves it."""
        return key.of_head(canonical(self._fields()))

    def stored(self, key: AuditKey) -> dict[str, Any]:
        """Return the columns of its row, MAC included."""
        return {**self._fields(), "mac": self.mac(key)}

    def _fields(self) -> dict[str, Any]:
        return dict(zip(Head.__slots__, _values_of(self), strict=True))

    def includes(self, row: Row) -> bool:
        """Return whether a row's number lies within the chain."""
        return self.pruned_number < int(row["number"]) <= self.number


def chain_hash(key: AuditKey, row: Row) -> str:
    """Return the hash of a row: over all of it, with the hash of the one before."""
    return key.of_chain(_hashed(row))


def is_authentic(key: AuditKey, row: Row) -> bool:
    """Return whether a row was written with the key, by this version or by 0.1."""
    return is_new(key, row) or _matches(row, key.of_old_chain)


def is_proven(key: AuditKey, head: Head, row: Row) -> bool:
    """Return whether a row is part of the log: within the chain, and written with the key."""
    return head.includes(row) and is_authentic(key, row)


def results_of(key: AuditKey, head: Head, rows: Iterable[Row]) -> dict[int, Row]:
    """Return the result of each attempt, by the attempt's number. What isn't proven is left out.

    Of several, the last counts, but never an interruption over what is known.
    """
    proven = [row for row in rows if row["kind"] == RESULT and is_proven(key, head, row)]
    in_order = sorted(proven, key=lambda row: (row["outcome"] != INTERRUPTED, row["number"]))
    return {row["attempt"]: row for row in in_order}


def is_new(key: AuditKey, row: Row) -> bool:
    """Return whether a row was written with the key since version 0.2, which signs the head."""
    return _matches(row, key.of_chain)


def _matches(row: Row, hashed: Callable[[bytes], str]) -> bool:
    try:
        text = _hashed(row)
    except (TypeError, ValueError):  # SQLite stores anything in any column, and this bot writes only JSON's types
        return False
    return is_equal(row["hash"], hashed(text))


def _hashed(row: Row) -> bytes:
    return canonical([row[name] for name in _HASHED])


def chain(key: AuditKey, head: Head, row: Row) -> tuple[Head, Row]:
    """Put a row behind the head. Returns the new head, and the row complete."""
    complete = {**dict.fromkeys(_HASHED), **row, "number": head.number + 1, "previous": head.hash}
    digest = chain_hash(key, complete)
    entries = head.entries + (complete["kind"] != RESULT)
    return replace(head, number=head.number + 1, hash=digest, entries=entries), {**complete, "hash": digest}


_values_of = attrgetter(*Head.__slots__)
HEAD_FIELDS = (*Head.__slots__, "mac")
"""The columns that a head is stored in."""


async def read_head(transaction: Transaction, key: AuditKey, *, locks: bool) -> tuple[Head, bool] | None:
    """Return the head, and whether it is authentic; None where it is missing."""
    query = select(audit_head).where(audit_head.c.id == 1)
    row = (await transaction.execute(query.with_for_update() if locks else query)).mappings().one_or_none()
    return stored_head(row, key) if row is not None else None


def stored_head(row: Row, key: AuditKey) -> tuple[Head, bool]:
    """Return the head that is stored in a row, and whether it is authentic."""
    fields = {name: row[name] for name in Head.__slots__}
    head = Head(**fields)
    try:
        return head, is_equal(row["mac"], head.mac(key))
    except (TypeError, ValueError):
        return head, False


async def locked_head(transaction: Transaction, key: AuditKey) -> Head:
    """Return the head, locked until the transaction ends. Raises DatabaseError where it was altered."""
    return authentic(await read_head(transaction, key, locks=True))


def authentic(found: tuple[Head, bool] | None) -> Head:
    """Return a head that was read. Raises DatabaseError where it was altered."""
    if found is None or not found[1]:
        raise DatabaseError("the audit log's head was altered: `audit verify` says more")
    return found[0]
