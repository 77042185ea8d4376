"""Shared parts of testing and deleting many tokens: the list, the progress, the result, *Stop*, and *Export…*."""

import asyncio
import logging
import math
from dataclasses import replace
from datetime import UTC, datetime

from slack_sdk.errors import SlackApiError

from bot.audit.chain import chain_of
from bot.batch import Batch, BatchState
from bot.jobs.run import BatchEnding, BatchOutcome, BatchRunner
from bot.listeners import flow
from bot.listeners.flow import SHORT_SECONDS, Wait, show_progress
from bot.listeners.interaction import Interaction
from bot.listeners.replies import ModalReply, Replace, reason
from bot.listeners.routes import Routes
from bot.operation import Operation
from bot.outcomes import AlreadyRun, ApprovalNeeded
from bot.slack.client import send_file
from bot.slack.external_auth.models import ListAccounts
from bot.slack.rate_limit import DELETE, GET, SecondsLeft
from bot.views.batches import EXPORT, STOP, STOPPING, batch_screen, progress_screen
from bot.views.exports import as_csv, copyable_export_screen, exported_screen
from bot.views.notices import BATCH_GONE
from bot.views.outcomes import Shown
from bot.views.parts import Screen

routes = Routes()
log = logging.getLogger(__name__)

UPDATE_SECONDS = 2.0
"""Minimum seconds between two updates of the progress. Slack allows about 100 a minute."""


async def list_accounts(interaction: Interaction, request: ListAccounts) -> Shown | AlreadyRun:
    """List the accounts from which a batch is chosen, as a step of the same interaction."""
    outcome = await flow.outcome_of(interaction, interaction.actor.step("list"), request)
    if isinstance(outcome, ApprovalNeeded):
        raise TypeError("Only a deletion needs approval.")
    return outcome


async def run(interaction: Interaction, batch: Batch, note: str = "") -> BatchOutcome:
    """Run a batch that is stored as running, and show its progress and its result."""
    runtime = interaction.runtime
    if isinstance(interaction.reply, ModalReply):
        interaction.reply.keeps_answer = True
    runner = BatchRunner(
        runtime.service,
        runtime.shared.batches,
        runtime.shared.account_states,
        runtime.shared.clock,
        lambda: runtime.shared.limiter.is_closed,
    )
    view = _ProgressView(interaction, batch)

    def cut_off() -> Screen:
        cut = BatchOutcome(view.batch, BatchEnding.RESTARTED, interaction.actor.reference, is_cut=True)
        return batch_screen(cut, runtime.contact, note)

    interaction.interrupted = cut_off
    try:
        outcome = await runner.run(interaction.actor, batch, view.got_on, view.waits)
        await view.finish()
    finally:
        view.close()
    if outcome.ending is not BatchEnding.ELSEWHERE:  # because the other delivery shows the result
        interaction.interrupted = lambda: batch_screen(outcome, runtime.contact, note)
        await flow.show(interaction, batch_screen(outcome, runtime.contact, note))
    return outcome


class _ProgressView:
    """A task that draws a batch's progress, no more often than Slack allows."""

    def __init__(self, interaction: Interaction, batch: Batch) -> None:
        self._limiter, self._clock, reply = (
            interaction.runtime.shared.limiter,
            interaction.runtime.shared.clock,
            interaction.reply,
        )
        self._workspace = chain_of(interaction.actor.team_id, interaction.actor.enterprise_id)
        self.batch = batch
        self._wait = Wait(interaction.runtime.shared.clock)
        self._wait.note(self._seconds_left)
        self._is_news = asyncio.Event()
        self._is_news.set()
        self._showing: asyncio.Future[bool] | None = None
        self._drawing = asyncio.ensure_future(self._draw(reply)) if isinstance(reply, ModalReply) else None

    async def got_on(self, batch: Batch) -> None:
        """Draw the progress soon."""
        self.batch = batch
        self._is_news.set()

    def waits(self, seconds_left: SecondsLeft) -> None:
        """Draw the time left, unless it's short or already drawn."""
        self._wait.note(self._seconds_left)
        if self._wait.is_known:
            self._is_news.set()

    async def finish(self) -> None:
        """Start no more drawings, and wait for a current one, which would otherwise replace the result."""
        if self._drawing is not None:
            self._drawing.cancel()
        if self._showing is not None:
            await asyncio.wait({self._showing})

    def close(self) -> None:
        """Stop drawing, and cancel a current drawing."""
        for task in (self._drawing, self._showing):
            if task is not None:
                task.cancel()

    def _seconds_left(self) -> int:
        left = len(self.batch.items) - len(self.batch.results)
        method = GET if self.batch.operation is Operation.TEST else DELETE
        return math.ceil(self._limiter.line(method, self._workspace).batch_seconds(left))

    async def _draw(self, reply: ModalReply) -> None:
        while True:
            await self._is_news.wait()
            self._is_news.clear()
            seconds = self._wait.tell() or 0
            screen = progress_screen(self.batch, seconds if seconds > SHORT_SECONDS else None)
            self._showing = asyncio.ensure_future(show_progress(reply, screen))
            if not await asyncio.shield(self._showing):
                self._is_news.set()
            await self._clock.sleep(UPDATE_SECONDS)


@routes.click(STOP, read=str)
async def stop(interaction: Interaction, batch_id: str) -> None:
    seen = interaction.click.seen
    found = await interaction.runtime.shared.batches.find(batch_id, interaction.actor)
    if found is None or not isinstance(interaction.reply, ModalReply):
        await flow.show(interaction, BATCH_GONE)
        return
    batch, _ = found
    # The result of a batch that has just ended must stay in the modal, so the batch's state is compared, and then the
    # hash of the modal.
    if (
        await interaction.runtime.shared.batches.move(batch, BatchState.RUNNING, BatchState.STOPPING)
        and seen is not None
    ):
        await show_progress(replace(interaction.reply, seen=seen), STOPPING[batch.operation])


@routes.click(EXPORT, read=str, replace=Replace.NEVER)
async def export(interaction: Interaction, batch_id: str) -> None:
    """Send a test's results to the person as a file, or show them for copying if Slack doesn't accept the file."""
    found = await interaction.runtime.shared.batches.find(batch_id, interaction.actor)
    if found is None or found[0].operation is not Operation.TEST or not found[0].results:
        await flow.show(interaction, BATCH_GONE)
        return
    batch = found[0]
    text, made = as_csv(batch), datetime.fromtimestamp(batch.at, UTC)
    name = f"extauth-test-{made:%Y-%m-%d-%H%M}.csv"
    try:
        await send_file(
            interaction.runtime.shared.clients, interaction.actor.bot_token, interaction.actor.user_id, name, text
        )
    except Exception as error:
        log.warning("an export couldn't be sent as a file", extra={"code": reason(error)})
        lacks_scope = isinstance(error, SlackApiError) and reason(error) == "missing_scope"
        await flow.show(interaction, copyable_export_screen(text, lacks_scope=lacks_scope))
    else:
        await flow.show(interaction, exported_screen(len(batch.results)))
