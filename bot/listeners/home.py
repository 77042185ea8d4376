"""The App Home, redrawn each time someone opens it."""

import asyncio
import logging
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext
from slack_sdk.errors import SlackApiError

from bot.audit.entries import MAX_HISTORY, ReadHistory
from bot.clock import finishes_within
from bot.jobs.account_states import LastTest
from bot.listeners import flow, interaction
from bot.listeners.flow import Decisions
from bot.listeners.interaction import Interaction
from bot.logs import slack_code
from bot.operation import Permission
from bot.outcomes import Failed, HistoryPage, Listed
from bot.slack.external_auth.models import ListAccounts
from bot.slack.rate_limit import tells_nobody
from bot.storage.engine import DatabaseError
from bot.views.home import Lately, Overview, home_view
from bot.views.permissions import may_use
from bot.workspaces.runtime import Listing, Runtime

log = logging.getLogger(__name__)

QUICK_SECONDS = 1.0
"""How long the first drawing waits for Slack's list. What takes longer is filled in."""
LISTED_SECONDS = 300.0
"""How long the numbers are remembered: each listing is a request to Slack and an entry in the audit log, so opening the
tab again and again must not be one."""
_OWN_ENTRIES = 50
"""How far back to look for what a person did: many of these may be one test of many accounts."""


async def publish(runtime: Runtime, opened: Interaction) -> None:
    """Draw the person's App Home by what they are allowed to do now."""
    decisions = await runtime.service.authorize(opened.actor)
    lately = await _lately(runtime, opened, decisions)
    if not decisions[Permission.LIST].allowed:
        await _draw(runtime, opened, decisions, None, lately)
        return
    tests = await _tests(runtime, opened)
    asking = asyncio.ensure_future(runtime.listings.get(opened.actor.team_id, lambda: _list(runtime, opened)))
    try:
        if await finishes_within(runtime.clock, asking, QUICK_SECONDS):
            await _draw(runtime, opened, decisions, Overview(await asking, tests), lately)
            return
        drawn = await _draw(runtime, opened, decisions, Overview(None, tests, is_asked=True), lately)
        await _draw(runtime, opened, decisions, Overview(await asking, tests), lately, drawn)
    finally:
        asking.cancel()


async def _draw(
    runtime: Runtime,
    opened: Interaction,
    decisions: Decisions,
    overview: Overview | None,
    lately: Lately | None,
    drawn: str | None = None,
) -> str | None:
    """Publish the tab, in place of what was `drawn` only. Returns the hash of what is there now.

    https://docs.slack.dev/reference/methods/views.publish
    """
    client, view = runtime.clients.web(opened.actor.bot_token), home_view(decisions, runtime.contact, overview, lately)
    try:
        answer = await client.views_publish(user_id=opened.actor.user_id, view=view, hash=drawn)
    except SlackApiError as error:
        if slack_code(error) != "hash_conflict":
            raise
        log.info("the App Home was redrawn meanwhile")
        return None
    published = answer.get("view")
    return str(published["hash"]) if isinstance(published, dict) and "hash" in published else None


async def _list(runtime: Runtime, opened: Interaction) -> Listing | None:
    """List as this person. None, which isn't remembered, where it says nothing of Slack."""
    try:
        outcome = await runtime.service.run(opened.actor.step("list"), ListAccounts(), tells_nobody)
    except Exception:
        log.exception("the accounts couldn't be counted")
        return None
    if isinstance(outcome, Listed):
        return Listing(outcome.accounts)
    return Listing(refusal=outcome.error.code) if isinstance(outcome, Failed) else None


async def _tests(runtime: Runtime, opened: Interaction) -> dict[str, LastTest] | None:
    try:
        return {**await runtime.account_states.known(opened.actor.team_id or "")}
    except DatabaseError as error:
        log.warning("what the last tests found couldn't be read", extra={"why": str(error)})
        return None


async def _lately(runtime: Runtime, opened: Interaction, decisions: Decisions) -> Lately | None:
    if not may_use(decisions):
        return None
    own = await runtime.service.own_entries(opened.actor, _OWN_ENTRIES)
    if not decisions[Permission.HISTORY].allowed:
        return Lately(own)
    page = await runtime.service.run(opened.actor.step("history"), ReadHistory(MAX_HISTORY), tells_nobody)
    return Lately(own, page.entries if isinstance(page, HistoryPage) else ())


def register(app: AsyncApp) -> None:
    """Listen for the tab being opened."""

    @app.event("app_home_opened")
    async def on_opened(ack: AsyncAck, event: dict[str, Any], context: AsyncBoltContext, runtime: Runtime) -> None:
        await ack()
        if event.get("tab") == "home":
            opened = interaction.from_home(context)
            flow.start(runtime, opened, publish(runtime, opened))
