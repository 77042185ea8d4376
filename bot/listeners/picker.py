"""What a form offers to pick from: when it opens, and at each key that is pressed in such a field.

Slack takes the options with the acknowledgement, within three seconds, so these listeners look before they acknowledge.
They change nothing: what comes twice is answered twice.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, TypeVar

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext
from slack_sdk.models.blocks import OptionGroup

from bot.actor import Actor
from bot.clock import finishes_within
from bot.listeners import interaction
from bot.listeners.flow import Decisions
from bot.slack.external_auth.accounts import SLOW_SECONDS, AccountList
from bot.views import fields, picker
from bot.views.fields import Offer, Values
from bot.workspaces.runtime import Runtime

log = logging.getLogger(__name__)

RECENT_SECONDS = 0.5
"""Seconds that looking for recent IDs may take before a form opens without them: a trigger ID is good for three."""

Found = TypeVar("Found")


async def offer(runtime: Runtime, actor: Actor, decisions: Decisions, values: Values | None = None) -> Offer:
    """Return what a form can offer a person when it opens, by what is known already.

    `values` are those of a form that is open: what is filled in stays, and so do its fields.
    """
    has_list = runtime.service.can_expect_accounts(actor, decisions) if values is None else fields.has_list(values)
    if has_list:
        return Offer(has_list=True)
    looking = asyncio.ensure_future(runtime.service.recent_ids(actor))
    if not await finishes_within(runtime.clock, looking, RECENT_SECONDS):
        looking.cancel()
        return Offer()
    return Offer(recent_ids=tuple(looking.result()))


def register(app: AsyncApp) -> None:
    """Listen for what is typed into the fields."""

    @app.options(fields.TOKEN_ID)
    async def on_token_id(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext, runtime: Runtime) -> None:
        accounts, recent_ids = await _look(runtime, interaction.actor_of(context))
        await _answer(ack, picker.token_groups(_typed(body), accounts, recent_ids))

    @app.options(fields.PROVIDER_KEY)
    async def on_provider_key(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext, runtime: Runtime) -> None:
        accounts, _ = await _look(runtime, interaction.actor_of(context))
        await _answer(ack, picker.provider_groups(_typed(body), accounts))


async def _look(runtime: Runtime, actor: Actor) -> tuple[AccountList | None, Sequence[str]]:
    """Return what can be offered in time. What takes longer goes on, for the next key that is pressed."""
    accounts = asyncio.ensure_future(runtime.service.accounts(actor))
    recent_ids = asyncio.ensure_future(runtime.service.recent_ids(actor))
    both = asyncio.gather(accounts, recent_ids, return_exceptions=True)
    if not await finishes_within(runtime.clock, both, SLOW_SECONDS):
        runtime.tasks.start(_finish(both))
    return _found(accounts, None), _found(recent_ids, ())


async def _finish(looking: asyncio.Future[Any]) -> None:
    await looking


def _found(looking: asyncio.Future[Found], otherwise: Found) -> Found:
    if not looking.done():
        log.warning("a form's options took too long to find")
        return otherwise
    error = looking.exception()
    if error is not None:
        log.error("a form's options couldn't be found", exc_info=error)
        return otherwise
    return looking.result()


async def _answer(ack: AsyncAck, groups: Sequence[OptionGroup]) -> None:
    if groups:
        await ack(option_groups=groups)
    else:
        await ack(options=[])


def _typed(body: dict[str, Any]) -> str:
    return str(body.get("value") or "")
