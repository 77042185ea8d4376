"""What testing and deleting many tokens share: the accounts behind them, progress, *Stop*, the result, *Export…*."""

import asyncio
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext

from bot.audit.batches import Batch, BatchState, Item
from bot.batch_run import BatchOutcome, BatchRunner, Ending
from bot.listeners import exporting, flow, interaction
from bot.listeners.interaction import Interaction
from bot.listeners.replies import ModalReply, Replace
from bot.listeners.runtime import Runtime
from bot.listeners.waiting import SHORT_SECONDS, Wait, show_progress, tell_waits
from bot.service import AlreadyRun, ApprovalNeeded
from bot.slack.external_auth.accounts import Account
from bot.slack.external_auth.models import ListAccounts
from bot.ui.batches import EXPORT, STOP, batch_screen, progress_screen
from bot.ui.notices import batch_gone_screen
from bot.ui.outcomes import Shown

UPDATE_SECONDS = 2.0
"""The least time between two updates of the progress. Slack allows about 100 a minute."""


async def list_accounts(runtime: Runtime, asked: Interaction, request: ListAccounts) -> Shown | AlreadyRun:
    """List the accounts that a batch is chosen from, as one step of it."""
    wait = Wait(runtime.clock)
    asked.request = request
    listing = asyncio.ensure_future(runtime.service.run(asked.actor.step("list"), request, wait.note))
    try:
        if asked.reply is not None:
            await tell_waits(runtime.clock, asked.reply, request, listing, wait)
        outcome = await listing
    finally:
        listing.cancel()
        await asyncio.wait({listing})
    if isinstance(outcome, ApprovalNeeded):
        raise TypeError("Only a deletion needs approval.")
    return outcome


def item_of(account: Account) -> Item:
    """Return an account as an item of a batch."""
    return Item(account.token_id, account.provider_key, account.name, account.workflows)


async def run(runtime: Runtime, asked: Interaction, batch: Batch, note: str = "") -> BatchOutcome:
    """Run a batch that is kept as running, and show how it gets on and what became of it."""
    if isinstance(asked.reply, ModalReply):
        asked.reply.keeps_answer = True
    runner = BatchRunner(
        runtime.service, runtime.batches, runtime.account_states, runtime.clock, lambda: runtime.pacer.is_closed
    )
    view = _ProgressView(runtime, asked, batch)
    await view.show()
    try:
        outcome = await runner.run(asked.actor, batch, view)
    finally:
        await view.close()
    if outcome.ending is not Ending.ELSEWHERE:
        await flow.show(asked, batch_screen(outcome, runtime.contact, note))
    return outcome


class _ProgressView:
    """Draws a batch's progress, not oftener than Slack likes."""

    def __init__(self, runtime: Runtime, asked: Interaction, batch: Batch) -> None:
        self._runtime = runtime
        self._asked = asked
        self._batch = batch
        self._wait: int | None = None
        self._shown_at = 0.0
        self._drawing: asyncio.Task[None] | None = None

    async def got_on(self, batch: Batch) -> None:
        """Draw it if the last drawing is old enough."""
        self._batch, self._wait = batch, None
        # What the person is told should the bot be stopped now.
        partial = BatchOutcome(batch, Ending.RESTARTED, self._asked.actor.reference)
        self._asked.interrupted = batch_screen(partial, self._runtime.contact)
        if self._runtime.clock.monotonic() - self._shown_at >= UPDATE_SECONDS:
            await self.show()

    def waits(self, seconds: int) -> None:
        """Draw that Slack's limits hold it back, unless only for a moment."""
        if seconds > SHORT_SECONDS and (self._drawing is None or self._drawing.done()):
            self._wait = seconds
            self._drawing = asyncio.ensure_future(self.show())

    async def show(self) -> None:
        """Draw it now."""
        self._shown_at = self._runtime.clock.monotonic()
        if isinstance(self._asked.reply, ModalReply):
            await show_progress(self._asked.reply, progress_screen(self._batch, self._wait))

    async def close(self) -> None:
        """Draw nothing any more."""
        if self._drawing is not None:
            self._drawing.cancel()
            await asyncio.wait({self._drawing})


async def _stop(runtime: Runtime, clicked: Interaction, batch_id: str) -> None:
    found = await runtime.batches.find(batch_id, clicked.actor)
    if found is None or clicked.reply is None:
        await flow.show(clicked, batch_gone_screen())
        return
    batch, _ = found
    # One that has ended meanwhile has its result in the modal already.
    if await runtime.batches.move(batch, BatchState.RUNNING, BatchState.STOPPING):
        await show_progress(clicked.reply, progress_screen(batch, stops=True))


async def _export(runtime: Runtime, clicked: Interaction, batch_id: str) -> None:
    found = await runtime.batches.find(batch_id, clicked.actor)
    if found is None:
        await flow.show(clicked, batch_gone_screen())
    else:
        await exporting.send(runtime, clicked, found[0])


def register(app: AsyncApp, runtime: Runtime) -> None:
    """Listen for the buttons."""

    @app.action(STOP)
    async def on_stop(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        await ack()
        clicked = interaction.from_click(runtime, body, context)
        await flow.start(runtime, clicked, _stop(runtime, clicked, str(body["actions"][0].get("value"))))

    @app.action(EXPORT)
    async def on_export(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        await ack()
        clicked = interaction.from_click(runtime, body, context, Replace.NEVER)
        await flow.start(runtime, clicked, _export(runtime, clicked, str(body["actions"][0].get("value"))))
