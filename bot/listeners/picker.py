"""Options that a form offers when it opens, and each time a person types into a field with options.

Slack accepts the options only in the acknowledgement, within three seconds, so these listeners search before they
acknowledge. They change nothing, so a payload that Slack sends twice can be handled twice.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import TypeVar

from bot.listeners.flow import Decisions
from bot.listeners.interaction import Interaction
from bot.listeners.routes import Routes
from bot.operation import Permission
from bot.slack.external_auth.accounts import SLOW_SECONDS, AccountList
from bot.tasks import finishes_within
from bot.views import fields, picker
from bot.views.fields import FieldValues, Offer
from bot.views.parts import Block

routes = Routes()
log = logging.getLogger(__name__)

RECENT_SECONDS = 0.5
"""Seconds to search for recent IDs before a form opens without them, because a trigger ID lasts three."""

Found = TypeVar("Found")


async def offer(interaction: Interaction, decisions: Decisions, values: FieldValues | None = None) -> Offer:
    """Return the options for a form that opens, without a request to Slack.

    `values` are the values of a form that is already open. The new form has the same kind of token field.
    """
    service, can_show = interaction.runtime.service, decisions[Permission.SHOW].allowed
    if values is None:
        has_list = service.can_expect_accounts(interaction.actor, decisions)
    else:
        has_list = fields.selected(values, fields.TOKEN_ID, "type") == "external_select"
    if has_list:
        return Offer(has_list=True, can_show=can_show)
    looking = asyncio.ensure_future(service.recent_ids(interaction.actor))
    if not await finishes_within(interaction.runtime.shared.clock, looking, RECENT_SECONDS):
        looking.cancel()
        return Offer(can_show=can_show)
    return Offer(recent_ids=tuple(looking.result()), can_show=can_show)


async def as_listed(interaction: Interaction, token_id: str) -> str:
    """Return a token ID as the list has it, if it's there in other upper and lower case; else the same ID."""
    looking = asyncio.ensure_future(interaction.runtime.service.accounts(interaction.actor))
    found = await looking if await finishes_within(interaction.runtime.shared.clock, looking, RECENT_SECONDS) else None
    listed = [account.token_id for account in found.accounts] if found is not None and found.is_complete else []
    alike = [one for one in listed if one.casefold() == token_id.casefold()]
    return alike[0] if len(alike) == 1 else token_id


@routes.options(fields.TOKEN_ID)
async def suggest_tokens(interaction: Interaction, typed: str) -> Sequence[Block]:
    """Find the accounts, or the recently used tokens, that match the typed text."""
    return picker.token_groups(typed, *await _look(interaction))


@routes.options(fields.PROVIDER_KEY)
async def suggest_providers(interaction: Interaction, typed: str) -> Sequence[Block]:
    """Find the providers that match the typed text."""
    accounts, _ = await _look(interaction)
    return picker.provider_groups(typed, accounts)


async def _look(interaction: Interaction) -> tuple[AccountList | None, Sequence[str]]:
    """Return the accounts and recent IDs found in time. A slower search continues, so that the next one is quick."""
    runtime = interaction.runtime
    accounts = asyncio.ensure_future(runtime.service.accounts(interaction.actor))
    recent_ids = asyncio.ensure_future(runtime.service.recent_ids(interaction.actor))
    both = asyncio.gather(accounts, recent_ids, return_exceptions=True)
    if not await finishes_within(runtime.shared.clock, both, SLOW_SECONDS):
        runtime.shared.tasks.start(asyncio.wait({both}))
    return _found(accounts, None), _found(recent_ids, ())


def _found(looking: asyncio.Future[Found], otherwise: Found) -> Found:
    if not looking.done():
        log.warning("a form's options took too long to find")
        return otherwise
    error = looking.exception()
    if error is not None:
        log.error("a form's options couldn't be found", exc_info=error)
        return otherwise
    return looking.result()
