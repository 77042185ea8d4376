"""The batch runner, which runs requests one by one until all are done or something stops the batch."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from bot.actor import Actor
from bot.batch import Batch, Item, ItemResult
from bot.clock import Clock
from bot.jobs.account_states import AccountStates
from bot.jobs.store import Batches
from bot.operation import Operation
from bot.outcomes import AlreadyRun, ApprovalNeeded, Deleted, Denied, Failed, NotRecorded, NotSent, Outcome, Tested
from bot.service import Service
from bot.slack.external_auth.accounts import AccountState, state_of
from bot.slack.external_auth.errors import RateLimitedError
from bot.slack.external_auth.models import CheckToken
from bot.slack.rate_limit import Progress, tells_nobody
from bot.storage.engine import DatabaseError

log = logging.getLogger(__name__)

ProgressCallback = Callable[[Batch], Awaitable[None]]
"""A callback for a batch's progress. It must not raise, and the next item begins only after it returns."""
MOST_FAILURES = 3
"""Number of failures in a row, unrelated to the tokens, that end a batch because the next items would fail, too."""


class BatchEnding(Enum):
    """The reason a batch ended. `ELSEWHERE` means that another delivery of the same interaction is running it."""

    DONE = "done"
    STOPPED = "stopped"
    RESTARTED = "restarted"
    DENIED = "denied"
    REFUSED = "refused"
    NOT_RECORDED = "not recorded"
    NOT_APPROVED = "not approved"
    ELSEWHERE = "elsewhere"


_ENDS_BY: Mapping[type, BatchEnding] = {
    Denied: BatchEnding.DENIED,
    NotRecorded: BatchEnding.NOT_RECORDED,
    ApprovalNeeded: BatchEnding.NOT_APPROVED,
    NotSent: BatchEnding.STOPPED,
    AlreadyRun: BatchEnding.ELSEWHERE,
}
"""The endings of a batch, by the type of the outcome that ends it early."""


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """The end of a batch, with the results of the items that were run and the reason no more followed.

    `last` is the outcome that ended the batch early, if any. With `is_cut`, the item after the last result was begun,
    but its result is unknown.
    """

    batch: Batch
    ending: BatchEnding
    reference: str
    last: Outcome | None = None
    is_cut: bool = False


@dataclass(slots=True)
class BatchRunner:
    """A runner for batches. `is_closing` returns whether the process is stopping.

    However a batch of tests ends, its results are stored in `states`. If the process is killed, nothing is stored, so
    the next test still reports the changes.
    """

    service: Service
    batches: Batches
    states: AccountStates
    clock: Clock
    is_closing: Callable[[], bool]
    _keeping: asyncio.Future[None] | None = field(default=None, init=False)

    async def run(
        self, actor: Actor, batch: Batch, got_on: ProgressCallback, progress: Progress = tells_nobody
    ) -> BatchOutcome:
        """Run a batch that is stored as running. If this call is canceled, it stores the results so far.

        `progress` is called when the next item has to wait for Slack's limits.
        """
        failures = 0
        for item in batch.items:
            last: Outcome | None = None
            if (ending := await self._stops(batch)) is not None:
                break
            try:
                last, ending = await self._run_item(actor, batch, item, progress)
            except asyncio.CancelledError:
                # Not awaited, because the little time left is needed to notify the person.
                self._keeping = asyncio.ensure_future(self._keep(batch))
                raise
            result = result_of(last)
            if result is not None:
                batch = batch.with_result(result)
                await got_on(batch)
            says_nothing_of_its_token = isinstance(last, Failed) and state_of(last.error.code) is AccountState.UNKNOWN
            failures = failures + 1 if says_nothing_of_its_token else 0
            ending = ending or _ENDS_BY.get(type(last))
            if isinstance(last, Failed) and (isinstance(last.error, RateLimitedError) or failures >= MOST_FAILURES):
                ending = BatchEnding.REFUSED
            if ending is not None:
                break
        else:
            last, ending = None, BatchEnding.DONE
        extra = {"operation": batch.operation.value, "ending": ending.value, "items": len(batch.results)}
        log.info("batch", extra=extra)
        await self._keep(batch)
        return BatchOutcome(batch, ending, actor.reference, last)

    async def _run_item(
        self, actor: Actor, batch: Batch, item: Item, progress: Progress
    ) -> tuple[Outcome, BatchEnding | None]:
        """Run an item. Returns its outcome, and the reason it wasn't sent if the batch stopped while it waited."""
        ending: BatchEnding | None = None

        async def is_wanted() -> bool | None:
            nonlocal ending
            ending = await self._stops(batch)
            # None lets the item wait on, because the database may work again before its turn comes.
            return None if ending is BatchEnding.NOT_RECORDED else ending is None

        # This key runs each item once per batch, even if someone puts an old copy of the batch back.
        step = replace(actor, interaction=f"batch {batch.batch_id} {item.token_id}").step("item")
        request = CheckToken(item.token_id) if batch.operation is Operation.TEST else item.deletion()
        outcome = await self.service.run(step, request, progress, is_wanted, batch)
        if not isinstance(outcome, NotSent):
            return outcome, None
        return outcome, BatchEnding.RESTARTED if self.is_closing() else ending

    async def _stops(self, batch: Batch) -> BatchEnding | None:
        """Return the reason not to begin the next item, if there is one."""
        if self.is_closing():
            return BatchEnding.RESTARTED
        try:
            return BatchEnding.STOPPED if await self.batches.is_stopping(batch) else None
        except DatabaseError as error:
            log.warning("whether a batch is to stop can't be read now", extra={"why": str(error)})
            return BatchEnding.NOT_RECORDED

    async def _keep(self, batch: Batch) -> None:
        try:
            await self.batches.end(batch)
        except DatabaseError as error:
            log.error("how a batch ended couldn't be kept", extra={"why": str(error)})
        await self.states.note(batch)


def result_of(outcome: Outcome) -> ItemResult | None:
    """Return an item's result; None if the item wasn't sent to Slack."""
    match outcome:
        case Tested() | Deleted():
            return ItemResult(outcome.word)
        case Failed():
            return ItemResult("failed", outcome.error.code, not outcome.may_have_happened)
        case NotRecorded() if outcome.done is not None:
            return result_of(outcome.done)
        case _:
            return None
