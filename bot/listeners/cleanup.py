"""Deleting several tokens: chosen by their IDs or by the account of somebody who has left."""

import asyncio
from collections.abc import Sequence
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext
from slack_sdk.models.views import View

from bot.batch import Batch, BatchState, Item
from bot.clock import finishes_within
from bot.listeners import approval_request, batch, flow, interaction
from bot.listeners.flow import Decisions
from bot.listeners.interaction import Interaction
from bot.listeners.listener import on_click
from bot.listeners.replies import Replace
from bot.operation import OpenForm, Operation, Permission
from bot.outcomes import AlreadyRun, Listed
from bot.slack.external_auth.models import ListAccounts, Selection
from bot.views import cleanup_form as cleanup
from bot.views import metadata
from bot.views.batches import RETRY, left_over, no_such_account_screen
from bot.views.buttons import OPEN_CLEANUP, read_shown
from bot.views.metadata import PendingBatch, UnreadableMetadata
from bot.views.notices import batch_gone_screen, checking_screen, working_screen
from bot.views.outcomes import Shown, outcome_screen
from bot.views.parts import as_view
from bot.workspaces.runtime import Runtime

LOOK_SECONDS = 1.0
"""Seconds that looking for the accounts behind IDs may take before a form opens without them."""


async def open_form(runtime: Runtime, asked: Interaction, shown: Sequence[str] = ()) -> None:
    """Open the modal that asks which tokens to delete, beginning with those that a list shows."""

    async def view(decisions: Decisions) -> View:
        known = {}
        if shown and runtime.service.can_expect_accounts(asked.actor, decisions):
            looking = asyncio.ensure_future(runtime.service.accounts(asked.actor))
            found = await looking if await finishes_within(runtime.clock, looking, LOOK_SECONDS) else None
            known = {account.token_id: Item.of_account(account) for account in found.accounts} if found else {}
        items = [known.get(token_id, Item(token_id)) for token_id in shown]
        return cleanup.build_form(metadata.write(asked.origin), items)

    await flow.open_if_allowed(runtime, asked, [OpenForm(Operation.DELETE)], view)


async def select(runtime: Runtime, asked: Interaction, selection: Selection) -> None:
    """Ask before the selected tokens are deleted."""
    view = as_view(working_screen(ListAccounts()))
    if not await flow.open_if_allowed(runtime, asked, [OpenForm(Operation.DELETE)], view):
        return
    decisions = await runtime.service.authorize(asked.actor)
    listed: Shown | AlreadyRun | None = None
    # What IDs are typed needs no list: it only tells more about them.
    if selection.account is not None or decisions[Permission.LIST].allowed:
        listed = await batch.list_accounts(runtime, asked, ListAccounts(selection.provider_key))
    if isinstance(listed, AlreadyRun):
        return
    if selection.account is None:
        items = _with_accounts(selection.token_ids, listed)
    elif isinstance(listed, Listed):
        accounts = listed.accounts.of_provider(selection.provider_key).accounts
        items = [Item.of_account(account) for account in accounts if account.name == selection.account]
    elif listed is not None:
        await flow.show(asked, outcome_screen(listed, runtime.contact))
        return
    else:
        raise ValueError("An account's tokens can't be found without a list.")
    if not items:
        await flow.show(asked, no_such_account_screen(selection.account or ""))
        return
    await _confirm(runtime, asked, items, is_listed=isinstance(listed, Listed))


def _with_accounts(token_ids: Sequence[str], listed: Shown | None) -> list[Item]:
    known = {}
    if isinstance(listed, Listed):
        known = {account.token_id: Item.of_account(account) for account in listed.accounts.accounts}
    return [known.get(token_id, Item(token_id)) for token_id in token_ids]


async def _confirm(runtime: Runtime, asked: Interaction, items: Sequence[Item], *, is_listed: bool) -> None:
    made = Batch.of(asked.actor, Operation.DELETE, items, runtime.clock.now())
    await runtime.batches.put(made, BatchState.CONFIRMING)
    remembered = metadata.write(asked.origin, batch=PendingBatch(made.batch_id, len(made.items)))
    await flow.open_modal(runtime, asked, cleanup.build_confirmation(remembered, made, is_listed=is_listed))


async def _retry(runtime: Runtime, clicked: Interaction, batch_id: str) -> None:
    """Ask again for what a batch didn't delete: much may have happened since."""
    found = await runtime.batches.find(batch_id, clicked.actor)
    is_over = found is not None and found[0].operation is Operation.DELETE and found[1] is BatchState.ENDED
    items = left_over(found[0]) if found is not None and is_over else []
    if not items:
        await flow.show(clicked, batch_gone_screen())
        return
    view = as_view(checking_screen())
    if await flow.open_if_allowed(runtime, clicked, [OpenForm(Operation.DELETE)], view):
        await _confirm(runtime, clicked, items, is_listed=any(item.provider_key for item in items))


async def _delete(runtime: Runtime, confirmed: Interaction, pending: PendingBatch) -> None:
    found = await runtime.batches.find(pending.batch_id, confirmed.actor)
    if found is None or found[0].operation is not Operation.DELETE or len(found[0].items) != pending.count:
        await flow.show(confirmed, batch_gone_screen())
    elif runtime.service.policy.covers(is_bulk=found[0].is_bulk):
        await approval_request.ask(runtime, confirmed, found[0])
    # Submitted twice, it is deleted once.
    elif await runtime.batches.move(found[0], BatchState.CONFIRMING, BatchState.RUNNING):
        await batch.run(runtime, confirmed, found[0])
    else:
        await flow.show(confirmed, batch_gone_screen())


def register(app: AsyncApp) -> None:
    """Listen for the modals and the buttons."""

    @app.view(cleanup.FORM)
    async def on_submit(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext, runtime: Runtime) -> None:
        selection = cleanup.parse_form(body["view"]["state"]["values"])
        if isinstance(selection, dict):
            await ack(response_action="errors", errors=selection)
            return
        submitted = interaction.from_submission(runtime, body, context, stays_in_modal=True)
        await ack(response_action="update", view=as_view(checking_screen()))
        flow.start(runtime, submitted, select(runtime, submitted, selection))

    @app.view(cleanup.CONFIRM)
    async def on_confirm(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext, runtime: Runtime) -> None:
        view = body["view"]
        pending = metadata.read(view["private_metadata"]).batch
        if pending is None:
            raise UnreadableMetadata("The modal has no batch of this bot's.")
        errors = cleanup.confirmation_errors(view["state"]["values"], pending.count)
        if errors:
            await ack(response_action="errors", errors=errors)
            return
        confirmed = interaction.from_submission(runtime, body, context, stays_in_modal=True)
        await ack(response_action="update", view=as_view(checking_screen()))
        flow.start(runtime, confirmed, _delete(runtime, confirmed, pending))

    on_click(app, RETRY, _retry, str, Replace.NEVER)
    on_click(app, OPEN_CLEANUP, open_form, read_shown, Replace.NEVER)
