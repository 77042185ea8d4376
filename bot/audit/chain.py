"""A workspace's chain of rows, its head, and checkpoints, all authenticated with the key.

A row's hash is keyed, and covers the whole row and the previous row's hash. A head's MAC covers the beginning and end
of its chain. The operator's chain, whose name is empty, records the beginning of each workspace's. A person who can
write to the database without the key can therefore only restore an old head and remove the newest rows. A checkpoint
reveals this.
"""

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from bot.audit.keys import AuditKey, is_equal
from bot.storage.engine import DatabaseError
from bot.storage.tables import audit_records

Row = Mapping[Any, Any]

ATTEMPT, RESULT, DENIED, PRUNE, BEGAN, VERIFIED = "attempt", "result", "denied", "prune", "began", "verified"
"""The kinds of rows."""

INTERRUPTED = "interrupted"
"""The outcome of an attempt whose process ended early, so that it isn't known if Slack carried out the request."""

OPERATOR = ""
"""The name of the chain of entries that belong to no workspace."""

MICRO = 1_000_000
"""The number of microseconds, the log's unit of time, in a second."""
_NO_HASH = "0" * 64
_ALTERED = "the audit log's head was altered: `audit verify` says more"
COLUMNS = [column.name for column in audit_records.columns]
HASHED = [name for name in COLUMNS if name != "hash"]


class AlteredLog(DatabaseError):
    """A change to the log that was made without the key. Retrying doesn't help."""


def chain_of(team_id: str | None, enterprise_id: str | None) -> str:
    """Return the name of a workspace's chain, or of an organization's chain if no workspace is known."""
    return team_id or enterprise_id or OPERATOR


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning and end of a chain, by default a new one, and the number of entries it has had.

    An attempt and its result are one entry. `verified` is the row number of the last verification, 0 if there is none.
    """

    chain: str
    log_id: str = field(default_factory=partial(secrets.token_hex, 8))
    number: int = 0
    hash: str = _NO_HASH
    entries: int = 0
    pruned_number: int = 0
    pruned_hash: str = _NO_HASH
    pruned_entries: int = 0
    verified: int = 0

    @classmethod
    def stored(cls, row: Row, key: AuditKey) -> "Head | AlteredLog":
        """Return the head stored in a row, or AlteredLog if its MAC is wrong."""
        head = cls(**{name: row[name] for name in cls.__slots__})
        try:
            is_authentic = is_equal(row["mac"], head.row(key)["mac"])
        except (TypeError, ValueError):  # SQLite stores anything in any column
            is_authentic = False
        return head if is_authentic else AlteredLog(_ALTERED)

    def row(self, key: AuditKey) -> dict[str, Any]:
        """Return the row that stores the head, with its MAC."""
        fields = asdict(self)
        return {**fields, "mac": key.mac("head", fields)}


def is_authentic(key: AuditKey, row: Row) -> bool:
    """Return whether a row was written with the key."""
    try:
        return is_equal(row["hash"], key.mac("chain", [row[name] for name in HASHED]))
    except (TypeError, ValueError):  # SQLite stores anything in any column
        return False


def is_proven(key: AuditKey, head: Head | None, row: Row) -> bool:
    """Return whether a row was written with the key and lies within its chain."""
    if head is None or row["chain"] != head.chain or not isinstance(row["number"], int):
        return False
    return head.pruned_number < row["number"] <= head.number and is_authentic(key, row)


def results_of(key: AuditKey, heads: Mapping[str, Head], rows: Iterable[Row]) -> dict[tuple[str, int], Row]:
    """Return the result of each attempt, by the attempt's chain and number. Unproven rows are left out.

    Of several results, the last counts, but an interruption never overrides another result.
    """
    proven = [row for row in rows if row["kind"] == RESULT and is_proven(key, heads.get(row["chain"]), row)]
    in_order = sorted(proven, key=lambda row: (row["outcome"] != INTERRUPTED, row["number"]))
    return {(row["chain"], row["attempt"]): row for row in in_order}


_FORM = re.compile(
    r"extauth-checkpoint (?P<log_id>[0-9a-f]{1,32}) row=(?P<number>\d{1,18}) entries=(?P<entries>\d{1,18}) "
    r"at=(?P<at>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ) hash=(?P<hash>[0-9a-f]{64}) mac=(?P<mac>[0-9a-f]{64})",
    re.ASCII,
)


class BadCheckpoint(ValueError):
    """Text that isn't a checkpoint made with this key."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed note of a chain's newest row and its number of entries. `at` is a time in UTC, as text.

    A checkpoint that is kept outside the database reveals that an old copy of the log was restored.
    """

    log_id: str
    number: int
    entries: int
    hash: str
    at: str

    def write(self, key: AuditKey) -> str:
        """Return the checkpoint as one line."""
        return (
            f"extauth-checkpoint {self.log_id} row={self.number} entries={self.entries} at={self.at} hash={self.hash} "
            f"mac={key.mac('checkpoint', asdict(self))}"
        )

    @classmethod
    def read(cls, text: str, key: AuditKey) -> Sequence["Checkpoint"]:
        """Return all checkpoints in a text. Raises BadCheckpoint if there are none, or if any is invalid."""
        found = []
        for match in _FORM.finditer(" ".join(text.split())):
            made = cls(match["log_id"], int(match["number"]), int(match["entries"]), match["hash"], match["at"])
            if not is_equal(match["mac"], key.mac("checkpoint", asdict(made))):
                raise BadCheckpoint("The checkpoint was altered, or made with another key.")
            found.append(made)
        if not found:
            raise BadCheckpoint("This is not a checkpoint: it starts with “extauth-checkpoint” and ends with its mac.")
        return found


def utc(seconds: float) -> str:
    """Format a time, in seconds since the epoch, as text in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
