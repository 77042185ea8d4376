"""The steps between a request to delete that needs approval and the deletion. Each is taken once, and recorded.

The batch's state is CONFIRMING, then WAITING, then APPROVED and RUNNING, or DECLINED, or EXPIRED.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.access import APPROVAL_SECONDS
from bot.actor import Actor
from bot.audit.entries import AuditResult
from bot.batch import Batch, BatchState
from bot.ids import TypedText
from bot.jobs.store import Batches
from bot.operation import Operation
from bot.outcomes import StepOutcome
from bot.service import Service
from bot.storage.engine import DatabaseError

log = logging.getLogger(__name__)

GRACE_SECONDS = 30.0
"""Seconds after a request's deadline by which every decision made in time has been stored."""
OPEN = (BatchState.WAITING, BatchState.APPROVED, BatchState.DECLINED)
"""The states of requests that can still expire or have to be acted on."""

Posts = Sequence[tuple[str, str]]
"""The channel and time stamp of each message that asks for an approval."""


@dataclass(frozen=True, slots=True)
class AskApproval:
    """A request that someone else approve a deletion."""

    operation = Operation.ASK_APPROVAL
    batch: Batch

    def arguments(self) -> Mapping[str, str | TypedText | bool]:
        """Return the deletion's parameters; for several tokens, their number."""
        if len(self.batch.items) == 1:
            return self.batch.items[0].deletion().arguments()
        return {"tokens": str(len(self.batch.items))}


@dataclass(frozen=True, slots=True)
class Decide:
    """The approval or refusal of a requested deletion. `batch` is None if the request is no longer stored."""

    batch: Batch | None
    approves: bool

    @property
    def operation(self) -> Operation:
        return Operation.APPROVE if self.approves else Operation.DECLINE

    def arguments(self) -> Mapping[str, str | bool]:
        """Return the request's reference, and the ID of the person who made it."""
        return {"request": self.batch.reference, "user_id": self.batch.user_id} if self.batch is not None else {}


async def ask(
    service: Service, batches: Batches, actor: Actor, waiting: Batch, post: Callable[[], Awaitable[Posts]]
) -> StepOutcome:
    """Ask for the approval of a confirmed batch, once. `post` posts the messages. Raises DatabaseError."""
    posts: Posts = ()

    async def act() -> AuditResult:
        nonlocal posts
        # Stored before the message is posted, so that even a very quick click finds the request.
        if not await batches.move(waiting, BatchState.CONFIRMING, BatchState.WAITING):
            return AuditResult("failed", "decided", 0)
        posts = await post()
        await batches.move(replace(waiting, posts=tuple(posts)), BatchState.WAITING, BatchState.WAITING)
        if not posts:
            await batches.move(waiting, BatchState.WAITING, BatchState.EXPIRED)
            return AuditResult("failed", "not_posted", 0)
        return AuditResult("requested", None, 0)

    try:
        return await service.step(actor, AskApproval(waiting), act)
    except DatabaseError as error:
        if not posts:
            raise
        # The request is posted and can be approved, so the person is told that it was made.
        log.error("a request for approval couldn't be recorded yet", extra={"why": str(error)})
        return AuditResult("requested", None, 0)


async def decide(
    service: Service, batches: Batches, actor: Actor, asked: Batch | None, *, approves: bool, at: float
) -> StepOutcome:
    """Approve or decline a request, once. Raises DatabaseError.

    `asked` is None if the request is no longer stored. `at` is the click's time by Slack's clock (seconds since the
    epoch, UTC), which counts if this machine's clock was set back.
    """
    after = BatchState.APPROVED if approves else BatchState.DECLINED

    async def act() -> AuditResult:
        if asked is None:
            return AuditResult("failed", "gone", 0)
        if approves and asked.user_id == actor.user_id:
            return AuditResult("failed", "own_request", 0)
        if max(at, await service.now(asked)) - asked.at >= APPROVAL_SECONDS:
            return AuditResult("failed", "expired", 0)
        if await service.is_decided(asked):
            # Someone who can write to the database may have set the state back to waiting.
            return AuditResult("failed", "decided", 0)
        decided = replace(asked, approver=actor.user_id if approves else None)
        if not await batches.move(decided, BatchState.WAITING, after):
            return AuditResult("failed", "decided", 0)
        return AuditResult("approved" if approves else "declined", None, 0)

    return await service.step(actor, Decide(asked, approves), act)


async def expires(batches: Batches, asked: Batch, state: BatchState, now: float) -> bool:
    """End a request that no one decided in time. Returns whether this call ended it. Raises DatabaseError.

    `now` is in seconds since the epoch (UTC). A request expires `GRACE_SECONDS` late, because storing a decision made
    in the last second takes a moment.
    """
    is_over = now >= asked.at + APPROVAL_SECONDS + GRACE_SECONDS
    return is_over and await batches.move(asked, state, BatchState.EXPIRED)
