"""Checks the audit log's chains from end to end, and that none is missing."""

import json
from collections.abc import Callable, Sequence

from bot.audit.checkpoint import Checkpoint
from bot.audit.entries import VerificationResult
from bot.audit.head import PRUNE, RESULT, SHARED, Head, Row, is_authentic
from bot.audit.keys import AuditKey
from bot.audit.snapshot import Snapshot

_PROGRESS_EVERY = 10_000


async def verify_chains(
    snapshot: Snapshot,
    key: AuditKey,
    progress: Callable[[int], None],
    checkpoints: Sequence[Checkpoint] = (),
    workspace: str | None = None,
) -> VerificationResult:
    """Check every row of a snapshot, or of one workspace's chain. `progress` is told the number of rows, now and then.

    What the checkpoints saw must still be there.
    """
    heads = await snapshot.heads()
    altered = await altered_heads(snapshot)
    if altered is not None:
        return VerificationResult(0, 0, altered)
    logs = {head.log_id for head, _ in heads.values()}
    if any(seen.log_id not in logs for seen in checkpoints):
        return VerificationResult(0, 0, _OTHER_LOG)
    total = VerificationResult(0, 0)
    for chain, (head, _) in heads.items():
        if workspace in (None, chain):
            seen = [checkpoint for checkpoint in checkpoints if checkpoint.log_id == head.log_id]
            total = total.plus(await _verify_chain(snapshot, _Walk(key, head, seen), progress, total.rows))
            if total.problem is not None:
                break
    return total


_OTHER_LOG = (
    "The checkpoint is of another log: either this log was started over, or the checkpoint is from another database."
)


async def altered_heads(snapshot: Snapshot) -> str | None:
    """Return what is wrong with the heads and their number; None where they are right."""
    root, heads = await snapshot.root(), await snapshot.heads()
    if root is None or type(root[0].chains) is not int:
        return _BAD_ROOT
    for chain, (_, is_signed) in heads.items():
        if not is_signed:
            return f"The head of the log{_of(chain)} was altered."
    stray = await snapshot.without_head(list(heads))
    if stray is not None:
        return f"The head of the log{_of(stray)} is missing."
    ordinals = sorted(head.ordinal for head, _ in heads.values())
    missing = next((number for number, found in enumerate(ordinals, start=1) if number != found), len(ordinals) + 1)
    if missing <= root[0].chains:
        return f"The log of a workspace is missing: it was number {missing} of {root[0].chains}."
    return None if root[1] else _BAD_ROOT


_BAD_ROOT = "The list of workspaces was altered, or is missing."


async def _verify_chain(
    snapshot: Snapshot, walk: "_Walk", progress: Callable[[int], None], before: int
) -> VerificationResult:
    head = walk.head
    async for row in snapshot.oldest_first(head.chain, head.pruned_number):
        if row["number"] > head.number:
            break
        problem = walk.check(row)
        if problem is not None:
            return walk.result(problem)
        if (before + walk.rows) % _PROGRESS_EVERY == 0:
            progress(before + walk.rows)
    stray = await snapshot.outside(head)
    added = f"Row {stray} is not part of the log: somebody added it." if stray is not None else None
    return walk.result(walk.at_end() or added)


def _of(chain: str) -> str:
    return f" of {chain}" if chain != SHARED else ""


class _Walk:
    """Goes from row to row of a chain, and says what is wrong with the first that isn't right."""

    def __init__(self, key: AuditKey, head: Head, checkpoints: Sequence[Checkpoint]) -> None:
        self.head = head
        self._key = key
        self._to_see = list(checkpoints)
        self._number, self._previous = head.pruned_number, head.pruned_hash
        self._pruned_through = head.first_number
        self.rows = 0
        self._entries = 0
        self._notes: list[str] = []

    def result(self, problem: str | None) -> VerificationResult:
        """Return what was found, as far as it went."""
        head = self.head
        where = f"{head.chain}: " if head.chain != SHARED else ""
        pruned = head.pruned_number - head.first_number
        note = self._notes[0] if self._notes else None
        return VerificationResult(self._entries, self.rows, f"{where}{problem}" if problem else None, note, pruned)

    def check(self, row: Row) -> str | None:
        """Return what is wrong with the next row; None where it is right."""
        if row["number"] != self._number + 1:
            return f"Row {self._number + 1} is missing."
        if not is_authentic(self._key, self.head, row):
            return f"Row {row['number']} was altered."
        if row["previous"] != self._previous:
            return f"Row {row['number']} does not follow the one before it."
        self._number, self._previous = row["number"], row["hash"]
        self.rows += 1
        self._entries += row["kind"] != RESULT
        if row["kind"] == PRUNE:
            self._pruned_through = int(json.loads(row["parameters"]).get("through", 0))
        seen = [checkpoint for checkpoint in self._to_see if checkpoint.number == self._number]
        self._to_see = [checkpoint for checkpoint in self._to_see if checkpoint.number != self._number]
        if any(checkpoint.hash != self._previous for checkpoint in seen):
            return f"Row {self._number} is not the one that the checkpoint saw."
        return None

    def at_end(self) -> str | None:
        """Return what is wrong with the chain as a whole; None where it is right."""
        head = self.head
        if self._number != head.number:
            return f"Row {self._number + 1} is missing."
        if self._previous != head.hash:
            return f"Row {self._number} is not the one that was written last."
        if head.entries != head.pruned_entries + self._entries:
            return f"There are {self._entries} entries, and there should be {head.entries - head.pruned_entries}."
        if self._pruned_through != head.pruned_number:
            return f"Rows up to {head.pruned_number} are gone, and no entry says that they were pruned."
        return next((problem for seen in self._to_see if (problem := self._unseen(seen)) is not None), None)

    def _unseen(self, seen: Checkpoint) -> str | None:
        """Return what is wrong where the chain doesn't have the row that a checkpoint saw."""
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
