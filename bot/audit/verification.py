"""Checks the audit log's chain from end to end."""

import json
from collections.abc import Callable

from bot.audit.checkpoint import Checkpoint
from bot.audit.entries import VerificationResult
from bot.audit.head import PRUNE, RESULT, Head, Row, is_authentic
from bot.audit.keys import AuditKey
from bot.audit.snapshot import Snapshot

_PROGRESS_EVERY = 10_000


async def verify_chain(
    snapshot: Snapshot, key: AuditKey, progress: Callable[[int], None], checkpoint: Checkpoint | None
) -> VerificationResult:
    """Check every row of a snapshot. `progress` is told the number of rows checked, now and then."""
    found = await snapshot.head()
    if found is None:
        return VerificationResult(0, 0, "The head of the log is missing.")
    head, is_signed = found
    if not is_signed:
        return VerificationResult(0, 0, "The head of the log was altered.")
    walk = _Walk(key, head, checkpoint)
    async for row in snapshot.oldest_first(head.pruned_number):
        if row["number"] > head.number:
            break
        problem = walk.check(row)
        if problem is not None:
            return VerificationResult(walk.entries, walk.rows, problem)
        if walk.rows % _PROGRESS_EVERY == 0:
            progress(walk.rows)
    problem = walk.at_end() or await _outside(snapshot, head)
    return VerificationResult(walk.entries, walk.rows, problem, walk.note, head.pruned_number)


async def _outside(snapshot: Snapshot, head: Head) -> str | None:
    stray = await snapshot.outside(head)
    return None if stray is None else f"Row {stray} is not part of the log: somebody added it."


class _Walk:
    """Goes from row to row, and says what is wrong with the first that isn't right."""

    def __init__(self, key: AuditKey, head: Head, checkpoint: Checkpoint | None) -> None:
        self._key = key
        self._head = head
        self._checkpoint = checkpoint
        self._number, self._previous = head.pruned_number, head.pruned_hash
        self._pruned_through = 0
        self._saw_checkpoint = False
        self.rows = 0
        self.entries = 0
        self.note: str | None = None

    def check(self, row: Row) -> str | None:
        """Return what is wrong with the next row; None where it is right."""
        if row["number"] != self._number + 1:
            return f"Row {self._number + 1} is missing."
        if not is_authentic(self._key, row):
            return f"Row {row['number']} was altered."
        if row["previous"] != self._previous:
            return f"Row {row['number']} does not follow the one before it."
        self._number, self._previous = row["number"], row["hash"]
        self.rows += 1
        self.entries += row["kind"] != RESULT
        if row["kind"] == PRUNE:
            self._pruned_through = int(json.loads(row["parameters"]).get("through", 0))
        return self._differs_from_checkpoint()

    def at_end(self) -> str | None:
        """Return what is wrong with the log as a whole; None where it is right."""
        head = self._head
        if self._number != head.number:
            return f"Row {self._number + 1} is missing."
        if self._previous != head.hash:
            return f"Row {self._number} is not the one that was written last."
        if head.entries != head.pruned_entries + self.entries:
            return f"There are {self.entries} entries, and there should be {head.entries - head.pruned_entries}."
        if head.pruned_number and self._pruned_through != head.pruned_number:
            return f"Rows up to {head.pruned_number} are gone, and no entry says that they were pruned."
        return self._compare_checkpoint()

    def _differs_from_checkpoint(self) -> str | None:
        seen = self._checkpoint
        if seen is None or self._number != seen.number:
            return None
        self._saw_checkpoint = True
        return None if self._previous == seen.hash else f"Row {self._number} is not the one that the checkpoint saw."

    def _compare_checkpoint(self) -> str | None:
        seen, head = self._checkpoint, self._head
        if seen is None or self._saw_checkpoint:
            return None
        if seen.log_id != head.log_id:
            return (
                "The checkpoint is of another log: either this log was started over, or the checkpoint is from another "
                "database."
            )
        if seen.number > head.number:
            return (
                f"The log ends with row {head.number}, but on {seen.at} it had row {seen.number}: "
                "newer rows are gone, as when an old copy is put back."
            )
        if seen.number == head.pruned_number and seen.hash != head.pruned_hash:
            return f"Row {seen.number} was not the one that the checkpoint saw."
        if seen.number < head.pruned_number:
            self.note = "The checkpoint is older than what was pruned, so there was nothing to compare it with."
        return None
