"""Where each workspace's chain begins and ends, and how many chains there are, proven by the key.

A row's hash is keyed and covers all of it and the hash of the row before; a head's MAC covers where its chain begins
and ends; the root's MAC covers how many chains there are, and which. So someone who can write the database without the
key can only put back an old head and remove the newest rows, or an old root and the newest chains, which a checkpoint
shows.

Until migration 0005 all workspaces shared one chain, which is now named "". Their own chains go on counting where it
ended, so that a row's number tells its place among all of its workspace's rows.
"""

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any

from bot.audit.keys import AuditKey, canonical, is_equal
from bot.storage.database import DatabaseError
from bot.storage.tables import NO_HASH, audit_records

Row = Mapping[Any, Any]

# The kinds of rows. They are part of each row's hash, so their spelling can't change.
ATTEMPT, RESULT, DENIED, PRUNE = "attempt", "ending", "denied", "prune"

INTERRUPTED = "interrupted"
"""The outcome of what was begun when the bot ended: whether Slack did it isn't known."""

SHARED = ""
"""The chain that all workspaces shared, and that of what belongs to none."""

_HASHED = [column.name for column in audit_records.columns if column.name != "hash"]
_HASHED_BEFORE = [name for name in _HASHED if name != "chain"]


def chain_of(team_id: str | None, enterprise_id: str | None) -> str:
    """Return the chain of a workspace; of an organization where no workspace is known."""
    return team_id or enterprise_id or SHARED


Place = tuple[int, str, str]
"""Which chain comes where: its ordinal, its name, and its log ID."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain begins and ends, and how many entries it has had. A result belongs to its attempt's entry.

    It is the `ordinal`th chain of its database. Rows up to `carried_number` are in the chain that all shared.
    """

    chain: str
    ordinal: int
    log_id: str
    carried_number: int
    number: int
    hash: str
    entries: int
    pruned_number: int
    pruned_hash: str
    pruned_entries: int

    def mac(self, key: AuditKey) -> str:
        """Return the MAC that proves it."""
        return key.of_head(canonical(self._fields()))

    def single_mac(self, key: AuditKey) -> str:
        """Return the MAC that proved it when there was one chain for all."""
        later = ("chain", "ordinal", "carried_number")
        return key.of_head(canonical({name: value for name, value in self._fields().items() if name not in later}))

    def stored(self, key: AuditKey) -> dict[str, Any]:
        """Return the columns of its row, MAC included."""
        return {**self._fields(), "mac": self.mac(key)}

    def _fields(self) -> dict[str, Any]:
        return dict(zip(Head.__slots__, _values_of(self), strict=True))

    def includes(self, row: Row) -> bool:
        """Return whether a row's place lies within the chain."""
        number = row["number"]
        is_here = row["chain"] == self.chain and isinstance(number, int)
        return is_here and self.pruned_number < number <= self.number

    @property
    def place(self) -> Place:
        """Which chain it is of."""
        return self.ordinal, self.chain, self.log_id

    @property
    def first_number(self) -> int:
        """The number before that of the first row that was ever written to this chain."""
        return 0 if self.chain == SHARED else self.carried_number


@dataclass(frozen=True, slots=True)
class Root:
    """How many chains there are, and where the one that all shared ended."""

    chains: int
    carried_number: int

    def mac(self, key: AuditKey, places: Iterable[Place]) -> str:
        """Return the MAC that proves it, and that the chains are those in these places.

        Without the places, a new chain could stand in for one that was deleted.
        """
        return key.of_root(canonical([self.chains, self.carried_number, sorted([*place] for place in places)]))

    def stored(self, key: AuditKey, places: Iterable[Place]) -> dict[str, Any]:
        """Return the columns of its row, MAC included."""
        return {"chains": self.chains, "carried_number": self.carried_number, "mac": self.mac(key, places)}

    def new_chain(self, chain: str) -> tuple["Root", Head]:
        """Return what follows when a chain is added, and the chain's head."""
        begin = 0 if chain == SHARED else self.carried_number
        ordinal = self.chains + 1
        head = Head(chain, ordinal, secrets.token_hex(8), begin, begin, NO_HASH, 0, begin, NO_HASH, 0)
        return replace(self, chains=ordinal), head


def chain_hash(key: AuditKey, row: Row) -> str:
    """Return the hash of a row: over all of it, with the hash of the one before."""
    return key.of_chain(_text(row, _HASHED))


def is_authentic(key: AuditKey, head: Head, row: Row) -> bool:
    """Return whether a row was written with the key, by this version or, to the chain that all shared, by another."""
    if row["number"] > head.carried_number:
        return _matches(row, _HASHED, key.of_chain)
    return is_of_single_chain(key, row) or _matches(row, _HASHED_BEFORE, key.of_old_chain)


def is_of_single_chain(key: AuditKey, row: Row) -> bool:
    """Return whether a row was written with the key since there are signed heads, and before there were many."""
    return _matches(row, _HASHED_BEFORE, key.of_single_chain)


def is_proven(key: AuditKey, head: Head | None, row: Row) -> bool:
    """Return whether a row is part of the log: within its chain, and written with the key."""
    return head is not None and head.includes(row) and is_authentic(key, head, row)


def results_of(key: AuditKey, heads: Mapping[str, Head], rows: Iterable[Row]) -> dict[tuple[str, int], Row]:
    """Return the result of each attempt, by the attempt's chain and number. What isn't proven is left out.

    Of several, the last counts, but never an interruption over what is known.
    """
    proven = [row for row in rows if row["kind"] == RESULT and is_proven(key, heads.get(row["chain"]), row)]
    in_order = sorted(proven, key=lambda row: (row["outcome"] != INTERRUPTED, row["number"]))
    return {(row["chain"], row["attempt"]): row for row in in_order}


def _matches(row: Row, names: Iterable[str], hashed: Callable[[bytes], str]) -> bool:
    try:
        text = _text(row, names)
    except (TypeError, ValueError):  # SQLite stores anything in any column, and this bot writes only JSON's types
        return False
    return is_equal(row["hash"], hashed(text))


def _text(row: Row, names: Iterable[str]) -> bytes:
    return canonical([row[name] for name in names])


def chained(key: AuditKey, head: Head, row: Row) -> tuple[Head, Row]:
    """Put a row behind the head. Returns the new head, and the row complete."""
    number = head.number + 1
    complete = {**dict.fromkeys(_HASHED), **row, "chain": head.chain, "number": number, "previous": head.hash}
    digest = chain_hash(key, complete)
    entries = head.entries + (complete["kind"] != RESULT)
    return replace(head, number=number, hash=digest, entries=entries), {**complete, "hash": digest}


_values_of = attrgetter(*Head.__slots__)
HEAD_FIELDS = (*Head.__slots__, "mac")
"""The columns that a head is stored in."""
ROOT_FIELDS = (*Root.__slots__, "mac")
"""The columns that the root is stored in."""


def stored_head(row: Row, key: AuditKey) -> tuple[Head, bool]:
    """Return the head that is stored in a row, and whether it is authentic."""
    head = Head(**{name: row[name] for name in Head.__slots__})
    return head, _is_signed(row, lambda: head.mac(key))


def stored_root(row: Row, key: AuditKey, places: Sequence[Place]) -> tuple[Root, bool]:
    """Return the root that is stored in a row, and whether it is authentic, with the chains that there are."""
    root = Root(**{name: row[name] for name in Root.__slots__})
    return root, _is_signed(row, lambda: root.mac(key, places))


def _is_signed(row: Row, mac: Callable[[], str]) -> bool:
    try:
        return is_equal(row["mac"], mac())
    except (TypeError, ValueError):
        return False


class Altered(DatabaseError):
    """Somebody without the key has changed the log. Trying again doesn't help."""


def authentic(found: tuple[Head, bool]) -> Head:
    """Return a head that was read. Raises Altered."""
    if not found[1]:
        raise Altered("the audit log's head was altered: `audit verify` says more")
    return found[0]


def authentic_root(found: tuple[Root, bool] | None) -> Root:
    """Return the root that was read. Raises DatabaseError where it was altered."""
    if found is None or not found[1]:
        raise DatabaseError("the audit log's list of workspaces was altered: `audit verify` says more")
    return found[0]
