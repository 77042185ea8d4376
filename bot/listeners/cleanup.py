"""Deletion of several tokens, chosen by their IDs or by the account of a person who has left."""

import asyncio
from collections.abc import Sequence

from bot.batch import Batch, BatchState, Item
from bot.listeners import approval_request, batch, flow
from bot.listeners.flow import Decisions
from bot.listeners.interaction import Interaction
from bot.listeners.replies import Replace
from bot.listeners.routes import Routes
from bot.operation import OpenForm, Operation, Permission
from bot.outcomes import AlreadyRun, Listed
from bot.slack.external_auth.models import ListAccounts, Selection
from bot.tasks import finishes_within
from bot.views import cleanup_form as cleanup
from bot.views import metadata
from bot.views.batches import RETRY, left_over, no_such_account_screen
from bot.views.buttons import OPEN_CLEANUP, read_shown
from bot.views.metadata import PendingBatch
from bot.views.notices import BATCH_GONE, CHECKING
from bot.views.outcomes import Shown, outcome_screen, working_screen
from bot.views.parts import View, as_view

routes = Routes()

LOOK_SECONDS = 1.0
"""Seconds to search for the accounts of the token IDs before a form opens with the IDs only."""


@routes.click(OPEN_CLEANUP, read=read_shown, replace=Replace.NEVER)
async def open_form(interaction: Interaction, shown: Sequence[str] = ()) -> None:
    """Open the modal that asks for the tokens to delete, and offer those that a list shows."""
    runtime = interaction.runtime

    async def view(decisions: Decisions) -> View:
        known = {}
        if shown and runtime.service.can_expect_accounts(interaction.actor, decisions):
            looking = asyncio.ensure_future(runtime.service.accounts(interaction.actor))
            found = await looking if await finishes_within(runtime.shared.clock, looking, LOOK_SECONDS) else None
            known = {account.token_id: Item.of_account(account) for account in found.accounts} if found else {}
        items = [known.get(token_id, Item(token_id)) for token_id in shown]
        return cleanup.build_form(metadata.write(interaction.origin), items)

    await flow.open_if_allowed(interaction, [OpenForm(Operation.DELETE)], view)


@routes.modal(cleanup.FORM, cleanup.parse_form, shows=lambda _: CHECKING, stays=lambda _: True)
async def select(interaction: Interaction, selection: Selection) -> None:
    """Ask for confirmation before deleting the selected tokens."""
    view = as_view(working_screen(ListAccounts()))
    if not await flow.open_if_allowed(interaction, [OpenForm(Operation.DELETE)], view):
        return
    decisions = await interaction.runtime.service.authorize(interaction.actor)
    listed: Shown | AlreadyRun | None = None
    # Typed IDs don't need a list. For them, the list only adds the names of the accounts.
    if selection.account is not None or decisions[Permission.LIST].allowed:
        listed = await batch.list_accounts(interaction, ListAccounts(selection.provider_key))
    if isinstance(listed, AlreadyRun):
        return
    if selection.account is None:
        accounts = listed.accounts.accounts if isinstance(listed, Listed) else ()
        known = {account.token_id: Item.of_account(account) for account in accounts}
        items = [known.get(token_id, Item(token_id)) for token_id in selection.token_ids]
    elif isinstance(listed, Listed):
        accounts = listed.accounts.of_provider(selection.provider_key).accounts
        items = [Item.of_account(account) for account in accounts if account.name == selection.account]
    elif listed is not None:
        await flow.show(interaction, outcome_screen(listed, interaction.runtime.contact))
        return
    else:
        raise ValueError("An account's tokens can't be found without a list.")
    if not items:
        await flow.show(interaction, no_such_account_screen(selection.account or ""))
        return
    await _confirm(interaction, items, is_listed=isinstance(listed, Listed))


async def _confirm(interaction: Interaction, items: Sequence[Item], *, is_listed: bool) -> None:
    made = Batch.of(interaction.actor, Operation.DELETE, items, interaction.runtime.shared.clock.now())
    await interaction.runtime.shared.batches.put(made, BatchState.CONFIRMING)
    remembered = metadata.write(interaction.origin, batch=PendingBatch(made.batch_id, len(made.items)))
    await flow.open_modal(interaction, cleanup.build_confirmation(remembered, made, is_listed=is_listed))


@routes.click(RETRY, read=str, replace=Replace.NEVER)
async def retry(interaction: Interaction, batch_id: str) -> None:
    """Ask again for confirmation before deleting the tokens that a batch left over, because the batch may be old."""
    found = await interaction.runtime.shared.batches.find(batch_id, interaction.actor)
    is_over = found is not None and found[0].operation is Operation.DELETE and found[1] is BatchState.ENDED
    items = left_over(found[0]) if found is not None and is_over else []
    if not items:
        await flow.show(interaction, BATCH_GONE)
        return
    view = as_view(CHECKING)
    if await flow.open_if_allowed(interaction, [OpenForm(Operation.DELETE)], view):
        await _confirm(interaction, items, is_listed=any(item.provider_key for item in items))


@routes.modal(cleanup.CONFIRM, cleanup.parse_confirmation, shows=lambda _: CHECKING, stays=lambda _: True)
async def delete(interaction: Interaction, pending: PendingBatch) -> None:
    """Delete the tokens of a confirmed batch, or ask for its approval."""
    runtime = interaction.runtime
    found = await runtime.shared.batches.find(pending.batch_id, interaction.actor)
    if found is None or found[0].operation is not Operation.DELETE or len(found[0].items) != pending.count:
        await flow.show(interaction, BATCH_GONE)
    elif runtime.service.policy.covers(is_bulk=found[0].is_bulk):
        await approval_request.ask(interaction, found[0])
    # The state changes only once, so a batch that is submitted twice is deleted once.
    elif await runtime.shared.batches.move(found[0], BatchState.CONFIRMING, BatchState.RUNNING):
        await batch.run(interaction, found[0])
    else:
        await flow.show(interaction, BATCH_GONE)
