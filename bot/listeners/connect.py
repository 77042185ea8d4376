"""Connecting and reconnecting accounts: `/extauth connect`, its form, and the button *Reconnect…*."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from bot.commands.subcommand import Option, OptionValues, Subcommand, UsageError
from bot.environment import COMMAND
from bot.ids import quote
from bot.listeners import flow, picker, retry
from bot.listeners.flow import Decisions
from bot.listeners.interaction import Interaction
from bot.listeners.listener import Listener
from bot.listeners.replies import ModalReply, Replace
from bot.listeners.routes import Routes
from bot.operation import OpenForm, Operation, Permission
from bot.outcomes import AlreadyRun, ApprovalNeeded, Connecting, Listed
from bot.slack.external_auth.accounts import SLOW_SECONDS, Account
from bot.slack.external_auth.models import ConnectAccount, InvalidParameter, ListAccounts
from bot.slack.rate_limit import tells_nobody
from bot.storage.engine import DatabaseError
from bot.tasks import finishes_within
from bot.views import connect, metadata
from bot.views.buttons import OPEN_CONNECT, Button, read_as
from bot.views.outcomes import outcome_screen, working_screen
from bot.views.parts import View, as_view

routes = Routes()
log = logging.getLogger(__name__)

LOOK_SECONDS = (15.0, 15.0, 30.0, 60.0, 120.0, 360.0)
"""Seconds before each look at the list, ten minutes in all."""


def wanted(values: OptionValues) -> ConnectAccount | OpenForm:
    """Return the request for the typed values, or for the form without a provider. Raises UsageError."""
    named = {name: str(value) for name, value in values.items()}
    if "provider_key" not in named:
        return OpenForm(Operation.CONNECT)
    try:
        return ConnectAccount(named["provider_key"], named.get("app_id"))
    except InvalidParameter as error:
        raise UsageError.about(error, SUBCOMMAND) from None


SUBCOMMAND = Subcommand(
    name="connect",
    usages=(
        (f"{COMMAND} connect PROVIDER [--app-id APP]", "opens a provider's page to connect or reconnect an account"),
        (f"{COMMAND} connect", "opens a form"),
    ),
    wanted=wanted,
    options=(
        Option("provider_key", "connects an account of this provider, such as google"),
        Option("app_id", "connects it to another app"),
    ),
    argument="provider_key",
    permission=Permission.CONNECT,
)


async def on_typed(interaction: Interaction, request: ConnectAccount | OpenForm, _: OptionValues) -> None:
    if isinstance(request, OpenForm):
        await open_form(interaction)
    else:
        await start(interaction, request)


@routes.click(OPEN_CONNECT, replace=Replace.NEVER)
async def open_form(interaction: Interaction) -> None:
    """Open the form that asks for the provider."""

    async def view(decisions: Decisions) -> View:
        offer = await picker.offer(interaction, decisions)
        return connect.build_form(metadata.write(interaction.origin), offer)

    await flow.open_if_allowed(interaction, [OpenForm(Operation.CONNECT)], view)


@routes.click(connect.OPENED)
async def opened(_: Interaction) -> None:
    """Acknowledge the click on the link, with which Slack opens the page."""


@retry.again(ConnectAccount)
@routes.modal(connect.CALLBACK_ID, connect.parse_form, stays=lambda _: True)
@routes.click(Button.RECONNECT.action_id, read=partial(read_as, ConnectAccount), replace=Replace.NEVER)
async def start(interaction: Interaction, request: ConnectAccount) -> None:
    """Show the link to the provider's page in a modal, and tell the person once the account has come."""
    if not await flow.open_if_allowed(interaction, [request], as_view(working_screen(request))):
        return
    shared, before = interaction.runtime.shared, None
    looking = asyncio.ensure_future(_listed(interaction, request, "before"))
    try:
        outcome = await flow.outcome_of(interaction, interaction.actor, request)
        if isinstance(outcome, AlreadyRun | ApprovalNeeded):
            return
        # A slow list doesn't keep the page from the person, who then isn't told when the account has come.
        if isinstance(outcome, Connecting) and await finishes_within(shared.clock, looking, SLOW_SECONDS):
            before = await looking
            outcome = replace(outcome, is_watched=before is not None)
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
    await flow.show(interaction, outcome_screen(outcome, interaction.runtime.contact))
    if before is not None:
        shared.watches.start(_watch(interaction, request, before))


async def _listed(interaction: Interaction, request: ConnectAccount, step: str) -> Mapping[str, Account] | None:
    """Return the provider's accounts by token ID; None if this person can't list them, or Slack doesn't name all."""
    service = interaction.runtime.service
    try:
        if not (await service.authorize(interaction.actor))[Permission.LIST].allowed:
            return None
        asked = ListAccounts(request.provider_key, request.app_id)
        outcome = await service.run(interaction.actor.step(f"connect {step}"), asked, tells_nobody, patience=0)
    except DatabaseError as error:
        log.warning("accounts couldn't be listed, because the database can't be used", extra={"why": str(error)})
        return None
    if not isinstance(outcome, Listed):
        return None
    found = outcome.accounts.of_provider(request.provider_key)
    return {account.token_id: account for account in found.accounts} if found.is_complete else None


async def _watch(interaction: Interaction, request: ConnectAccount, before: Mapping[str, Account]) -> None:
    """Check the list for ten minutes, and tell the person of an account that came or was connected again."""
    reference, key = interaction.actor.reference, quote(request.provider_key)
    # Anyone may refresh another account at the same time, so a refresh counts only if there's no doubt.
    only = next(iter(before)) if len(before) == 1 else None
    awaited = before.get(str(request.external_token_id or only))
    try:
        if isinstance(interaction.reply, ModalReply):
            interaction.reply.keeps_answer = True
        for number, seconds in enumerate(LOOK_SECONDS):
            await interaction.runtime.shared.clock.sleep(seconds)
            after = await _listed(interaction, request, str(number)) or {}
            came = _arrival(before, after, awaited)
            if came is not None:
                await interaction.runtime.shared.account_states.forget(
                    interaction.actor.team_id, token_ids=[came.token_id]
                )
                is_new = came.token_id not in before
                await flow.show(interaction, connect.connected_screen(came, reference, is_new=is_new))
                return
        if isinstance(interaction.reply, ModalReply):
            # A person who has closed the modal isn't waiting for this.
            interaction.reply.keeps_answer = False
        await flow.show(interaction, connect.unseen_screen(key, reference, is_cut=False))
    except asyncio.CancelledError:
        await flow.show(interaction, connect.unseen_screen(key, reference, is_cut=True))
    except Exception:
        log.exception("an account that was being connected couldn't be looked for")


def _arrival(before: Mapping[str, Account], after: Mapping[str, Account], awaited: Account | None) -> Account | None:
    """Return the awaited account if it was refreshed, or else one that wasn't there before. None if there's neither."""
    again = after.get(awaited.token_id) if awaited is not None else None
    if awaited is not None and again is not None and (again.refreshed_at or 0) > (awaited.refreshed_at or 0):
        return again
    return next((account for token_id, account in after.items() if token_id not in before), None)


LISTENER = Listener(SUBCOMMAND, on_typed)
