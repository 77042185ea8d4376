"""Verification of the audit log, including each chain from end to end and missing chains, and its last result."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from sqlalchemy import Connection, func, select

from bot.audit.chain import (
    BEGAN,
    OPERATOR,
    PRUNE,
    RESULT,
    VERIFIED,
    AlteredLog,
    Checkpoint,
    Head,
    Row,
    is_authentic,
    is_proven,
)
from bot.audit.entries import VerificationResult
from bot.audit.keys import AuditKey
from bot.audit.schema import schema_differences
from bot.audit.store import authentic_heads, read_heads
from bot.storage.tables import audit_heads, audit_records

_PROGRESS_EVERY = 10_000
_PAGE = 5000
_TABLE = audit_records.c
_OTHER_LOG = (
    "The checkpoint is of another log: either this log was started over, or the checkpoint is from another database."
)

_NOT_COMPARED = "Checkpoints of other workspaces weren't compared: verify the whole log for that."


def verify_chains(
    connection: Connection,
    key: AuditKey,
    progress: Callable[[int], None],
    checkpoints: Sequence[Checkpoint] = (),
    workspace: str | None = None,
    known: Mapping[str, Head] = MappingProxyType({}),
) -> VerificationResult:
    """Check every row, or one workspace's. `progress` is called from time to time with the number of rows checked.

    The log must still hold the rows of the checkpoints, and of `known`, the heads after this process's last writes.
    """
    changed = schema_differences(connection, key)
    problem = f"Its tables were changed: {'; '.join(changed)}." if changed else altered_heads(connection, key)
    if problem is None and connection.dialect.name == "sqlite":
        # Someone could empty an index to hide rows from the queries that use the index.
        damage = str(connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar())
        problem = None if damage == "ok" else f"Its database is damaged or was tampered with: {damage}."
    if problem is not None:
        return VerificationResult(0, 0, problem)
    heads = authentic_heads(connection, key)
    logs = {head.log_id for head in heads.values()}
    if any(seen.log_id not in logs for seen in checkpoints):
        return VerificationResult(0, 0, _OTHER_LOG)
    total = VerificationResult(0, 0)
    # The operator's chain is always checked, because it lists the other chains that must exist.
    walked = {chain: head for chain, head in heads.items() if workspace in (None, chain) or chain == OPERATOR}
    for chain, head in walked.items():
        walk = _Walk(key, head, [checkpoint for checkpoint in checkpoints if checkpoint.log_id == head.log_id])
        found = _verify_chain(connection, walk, progress, total.rows)
        missing = _missing(walk.began, heads) if chain == OPERATOR else None
        if found.problem is not None or missing is not None:
            return total.plus(found).plus(VerificationResult(0, 0, missing))
        if workspace in (None, chain):
            total = total.plus(found)
    try:
        authentic_heads(connection, key, known=known)
    except AlteredLog as error:
        return total.plus(VerificationResult(0, 0, f"{str(error)[0].upper()}{str(error)[1:]}."))
    compared = {head.log_id for head in walked.values()}
    if any(seen.log_id not in compared for seen in checkpoints):
        return total.plus(VerificationResult(0, 0, note=_NOT_COMPARED))
    return total


def altered_heads(connection: Connection, key: AuditKey) -> str | None:
    """Return the first problem with the heads; None if there is none."""
    heads = read_heads(connection, key)
    for chain, head in heads.items():
        if isinstance(head, AlteredLog):
            return f"The head of the log{_of(chain)} was altered."
    if OPERATOR not in heads:
        return "The head of the log is missing."
    query = select(func.min(_TABLE.chain)).where(_TABLE.chain.not_in(select(audit_heads.c.chain)))
    stray = connection.execute(query).scalar()
    return f"The head of the log{_of(stray)} is missing." if stray is not None else None


def _missing(began: Mapping[str, str], heads: Mapping[str, Head]) -> str | None:
    """Return the problem if the chains differ from those recorded in the operator's chain; else None."""
    for chain, log_id in began.items():
        if chain not in heads or heads[chain].log_id != log_id:
            return f"The log{_of(chain)} is missing, or another one is in its place."
    added = next((chain for chain in heads if chain != OPERATOR and chain not in began), None)
    return f"The log{_of(added)} is there, but never began." if added is not None else None


def _verify_chain(
    connection: Connection, walk: "_Walk", progress: Callable[[int], None], before: int
) -> VerificationResult:
    head, after = walk.head, walk.head.pruned_number
    is_of_chain = _TABLE.chain == head.chain
    while True:
        query = select(audit_records).where(is_of_chain, _TABLE.number > after, _TABLE.number <= head.number)
        rows = connection.execute(query.order_by(_TABLE.number).limit(_PAGE)).mappings().all()
        for row in rows:
            problem = walk.check(row)
            if problem is not None:
                return walk.result(problem)
            if (before + walk.rows) % _PROGRESS_EVERY == 0:
                progress(before + walk.rows)
        if len(rows) < _PAGE:
            break
        after = rows[-1]["number"]
    outside = (_TABLE.number <= head.pruned_number) | (_TABLE.number > head.number)
    stray = connection.execute(select(func.min(_TABLE.number)).where(is_of_chain, outside)).scalar()
    added = f"Row {stray} is not part of the log: somebody added it." if stray is not None else None
    return walk.result(walk.at_end() or added)


def _of(chain: str) -> str:
    return f" of {chain}" if chain != OPERATOR else ""


class _Walk:
    """A check of a chain, row by row, that describes the first problem."""

    def __init__(self, key: AuditKey, head: Head, checkpoints: Sequence[Checkpoint]) -> None:
        self.head = head
        self._key = key
        self._to_see = list(checkpoints)
        self._number, self._previous = head.pruned_number, head.pruned_hash
        self._pruned_through = 0
        self.rows = 0
        self.began: dict[str, str] = {}
        self._verified = 0
        self._entries = 0
        self._notes: list[str] = []

    def result(self, problem: str | None) -> VerificationResult:
        """Return the findings so far."""
        head = self.head
        where = f"{head.chain}: " if head.chain != OPERATOR else ""
        note = self._notes[0] if self._notes else None
        text = f"{where}{problem}" if problem else None
        return VerificationResult(self._entries, self.rows, text, note, head.pruned_number)

    def check(self, row: Row) -> str | None:
        """Return the problem with the next row; None if it is right."""
        if row["number"] != self._number + 1:
            return f"Row {self._number + 1} is missing."
        if not is_authentic(self._key, row):
            return f"Row {row['number']} was altered."
        if row["previous"] != self._previous:
            return f"Row {row['number']} does not follow the one before it."
        self._number, self._previous = row["number"], row["hash"]
        self.rows += 1
        self._entries += row["kind"] != RESULT
        if row["kind"] == PRUNE:
            self._pruned_through = int(json.loads(row["parameters"])["through"])
        elif row["kind"] == BEGAN:
            self.began[row["team_id"]] = json.loads(row["parameters"])["log_id"]
        elif row["kind"] == VERIFIED:
            self._verified = self._number
        seen = [checkpoint for checkpoint in self._to_see if checkpoint.number == self._number]
        self._to_see = [checkpoint for checkpoint in self._to_see if checkpoint.number != self._number]
        if any(checkpoint.hash != self._previous for checkpoint in seen):
            return f"Row {self._number} is not the one that the checkpoint saw."
        return None

    def at_end(self) -> str | None:
        """Return the problem with the chain as a whole; None if it is right."""
        head = self.head
        if self._number != head.number:
            return f"Row {self._number + 1} is missing."
        if self._previous != head.hash:
            return f"Row {self._number} is not the one that was written last."
        if head.entries != head.pruned_entries + self._entries:
            return f"There are {self._entries} entries, and there should be {head.entries - head.pruned_entries}."
        if self._verified != head.verified:
            return f"Row {head.verified} is not the last verification."
        if self._pruned_through != head.pruned_number:
            return f"Rows up to {head.pruned_number} are gone, and no entry says that they were pruned."
        return next((problem for seen in self._to_see if (problem := self._unseen(seen)) is not None), None)

    def _unseen(self, seen: Checkpoint) -> str | None:
        """Return the problem if the chain lacks a checkpoint's row; else None."""
        head = self.head
        if seen.number > head.number:
            return (
                f"The log ends with row {head.number}, but on {seen.at} it had row {seen.number}: "
                "newer rows are gone, as when an old copy is put back."
            )
        if seen.number == head.pruned_number and seen.hash != head.pruned_hash:
            return f"Row {seen.number} was not the one that the checkpoint saw."
        if seen.number < head.pruned_number:
            self._notes.append("The checkpoint is older than what was pruned, so there was nothing to compare it with.")
        return None


@dataclass(frozen=True, slots=True)
class LastVerification:
    """A verification, with its time (seconds since the epoch, UTC), the number of valid rows, and the finding."""

    at: int
    rows: int
    is_intact: bool


def last_verified(connection: Connection, key: AuditKey, head: Head | AlteredLog | None) -> LastVerification | None:
    """Return the last verification recorded in the operator's chain, which ends with `head`; None if there is none.

    If the verification's row or the head was altered, the result is a verification that found the log altered.
    """
    if isinstance(head, Head) and not head.verified:
        return None
    if isinstance(head, Head):
        query = select(audit_records).where(_TABLE.chain == OPERATOR, _TABLE.number == head.verified)
        row = connection.execute(query).mappings().first()
        if row is not None and is_proven(key, head, row):
            rows = int(json.loads(row["parameters"])["rows"])
            return LastVerification(row["at"] // 1_000_000, rows, row["outcome"] == "intact")
    return LastVerification(0, 0, False)
