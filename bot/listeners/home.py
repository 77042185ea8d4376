"""The App Home, redrawn each time someone opens it."""

import asyncio
import logging
from collections.abc import Mapping

from slack_sdk.errors import SlackApiError

from bot.audit.entries import MAX_HISTORY, ReadHistory
from bot.jobs.account_states import LastTest
from bot.listeners.flow import Decisions
from bot.listeners.interaction import Interaction
from bot.listeners.routes import Routes
from bot.logs import slack_code
from bot.operation import Permission
from bot.outcomes import Failed, HistoryPage, Listed
from bot.slack.external_auth.models import ListAccounts
from bot.slack.rate_limit import tells_nobody
from bot.storage.engine import DatabaseError
from bot.tasks import finishes_within
from bot.views.home import Overview, RecentActivity, home_view
from bot.views.permissions import may_use
from bot.workspaces.runtime import Listing

routes = Routes()
log = logging.getLogger(__name__)

QUICK_SECONDS = 1.0
"""Seconds that the first version of the tab waits for the list of accounts. A slower list is added in a second one."""
LISTED_SECONDS = 300.0
"""Seconds to remember the list. Each new list takes a request to Slack and an entry in the audit log, so people must be
able to reopen the tab without causing one."""
_OWN_ENTRIES = 50
"""Number of entries to search for a person's recent actions. One test of many accounts may take up many entries."""


@routes.home
async def publish(interaction: Interaction) -> None:
    """Publish the person's App Home for their current permissions."""
    runtime = interaction.runtime
    decisions = await runtime.service.authorize(interaction.actor)
    lately = await _lately(interaction, decisions) if may_use(decisions) else None
    if not decisions[Permission.LIST].allowed:
        await _draw(interaction, decisions, None, lately)
        return
    tests: Mapping[str, LastTest] | None = None
    try:
        tests = await runtime.shared.account_states.known(interaction.actor.team_id or "")
    except DatabaseError as error:
        log.warning("what the last tests found couldn't be read", extra={"why": str(error)})
    asking = asyncio.ensure_future(runtime.listings.get(interaction.actor.team_id, lambda: _list(interaction)))
    try:
        if await finishes_within(runtime.shared.clock, asking, QUICK_SECONDS):
            await _draw(interaction, decisions, Overview(await asking, tests), lately)
            return
        drawn = await _draw(interaction, decisions, Overview(None, tests, is_asked=True), lately)
        await _draw(interaction, decisions, Overview(await asking, tests), lately, drawn)
    finally:
        asking.cancel()


async def _draw(
    interaction: Interaction,
    decisions: Decisions,
    overview: Overview | None,
    lately: RecentActivity | None,
    drawn: str | None = None,
) -> str | None:
    """Publish the tab and return the new view's hash. With `drawn`, a hash, only the view with that hash is replaced.

    https://docs.slack.dev/reference/methods/views.publish
    """
    client, view = (
        interaction.runtime.shared.clients.web(interaction.actor.bot_token),
        home_view(decisions, interaction.runtime.contact, overview, lately),
    )
    try:
        answer = await client.views_publish(user_id=interaction.actor.user_id, view=view, hash=drawn)
    except SlackApiError as error:
        if slack_code(error) != "hash_conflict":
            raise
        log.info("the App Home was redrawn meanwhile")
        return None
    published = answer.get("view")
    return str(published["hash"]) if isinstance(published, dict) and "hash" in published else None


async def _list(interaction: Interaction) -> Listing | None:
    """List the accounts on behalf of the person. Returns None, which isn't cached, without an outcome from Slack."""
    try:
        outcome = await interaction.runtime.service.run(interaction.actor.step("list"), ListAccounts(), tells_nobody)
    except Exception:
        log.exception("the accounts couldn't be counted")
        return None
    if isinstance(outcome, Listed):
        return Listing(outcome.accounts)
    return Listing(refusal=outcome.error.code) if isinstance(outcome, Failed) else None


async def _lately(interaction: Interaction, decisions: Decisions) -> RecentActivity:
    own = await interaction.runtime.service.own_entries(interaction.actor, _OWN_ENTRIES)
    if not decisions[Permission.HISTORY].allowed:
        return RecentActivity(own)
    page = await interaction.runtime.service.run(
        interaction.actor.step("history"), ReadHistory(MAX_HISTORY), tells_nobody
    )
    return RecentActivity(own, page.entries if isinstance(page, HistoryPage) else ())
