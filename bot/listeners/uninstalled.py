"""Cleanup after the app is removed from a workspace. The audit log stays.

https://docs.slack.dev/reference/events/app_uninstalled
https://docs.slack.dev/reference/events/tokens_revoked
"""

import logging
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext
from slack_sdk.errors import SlackApiError

from bot.actor import Installation
from bot.logs import slack_code
from bot.slack.calls import REFUSALS
from bot.storage.engine import DatabaseError
from bot.tasks import retry
from bot.workspaces.installations import StoredInstallations
from bot.workspaces.runtime import Shared

log = logging.getLogger(__name__)

AGAIN_SECONDS = (1, 10, 60, 600)
"""Seconds to wait before each further check of a token with Slack."""

EVENTS = {
    "app_uninstalled": "forgets the workspace's token",
    "tokens_revoked": "the same, if it was revoked",
}
"""The events to subscribe to, and the effect of each."""


async def _remove(
    shared: Shared, installations: StoredInstallations, team_id: str | None, enterprise_id: str | None
) -> None:
    """Remove an installation if Slack refuses its token. An installation that was made since then stays.

    An organization's installation also stays if only one of the workspaces has removed the app.
    """
    extra = {"team_id": team_id, "enterprise_id": enterprise_id}

    async def find_revoked() -> Installation | None:
        installations.forget(team_id, enterprise_id)
        found = await installations.find(team_id, enterprise_id)
        return None if found is None or await _works(shared, found) else found

    try:
        sleep = shared.clock.sleep
        found = await retry(find_revoked, sleep, AGAIN_SECONDS, lambda error: isinstance(error, _Unknown))
        if found is not None and await installations.remove(found):
            log.info("uninstalled", extra=extra)
    except _Unknown:
        log.error("an installation was kept: Slack doesn't say whether its token was revoked", extra=extra)
    except DatabaseError as error:
        log.error("an installation couldn't be removed", extra={"team_id": team_id, "why": str(error)})
    except Exception:
        log.exception("an installation couldn't be removed")


class _Unknown(Exception):
    """A check of a token without a clear answer from Slack."""


async def _works(shared: Shared, installation: Installation) -> bool:
    """Return whether Slack accepts a token. Raises _Unknown."""
    try:
        await shared.clients.web(installation.bot_token).auth_test()
    except Exception as error:
        code = slack_code(error) if isinstance(error, SlackApiError) else type(error).__name__
        log.info("a token was tried that may be revoked", extra={"code": code})
        if code not in REFUSALS:
            raise _Unknown from None
        return False
    return True


def register(app: AsyncApp, shared: Shared) -> None:
    """Register the listener for both events. If Extauth has a fixed bot token, there is no installation to remove.

    Bolt doesn't authorize these events, so its context has no runtime.
    """

    async def on_removed(ack: AsyncAck, event: dict[str, Any], context: AsyncBoltContext) -> None:
        await ack()
        bots = event.get("tokens", {}).get("bot")
        if shared.installations is not None and (event["type"] == "app_uninstalled" or bots):
            removing = _remove(shared, shared.installations, context.team_id, context.enterprise_id)
            shared.tasks.start(removing)

    for name in EVENTS:
        app.event(name)(on_removed)
