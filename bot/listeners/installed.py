"""When the app is removed from a workspace, what it kept to work there goes too. The audit log stays.

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
from bot.listeners.runtime import Shared
from bot.logs import slack_code
from bot.slack.calls import REFUSALS
from bot.storage.engine import DatabaseError
from bot.storage.installations import StoredInstallations

log = logging.getLogger(__name__)

AGAIN_SECONDS = (1, 10, 60, 600)
"""How long to wait, in seconds, before each time that Slack is asked again whether a token works."""

EVENTS = {
    "app_uninstalled": "forgets the workspace's token",
    "tokens_revoked": "the same, when only the token was revoked",
}
"""What has to be subscribed to, and what each event does."""


async def _remove(
    shared: Shared, installations: StoredInstallations, team_id: str | None, enterprise_id: str | None
) -> None:
    """Remove an installation whose token Slack refuses. One that was made since then works, and stays.

    So does an organization's, when only one of its workspaces has removed the app.
    """
    extra = {"team_id": team_id, "enterprise_id": enterprise_id}
    try:
        for seconds in (*AGAIN_SECONDS, None):
            installations.forget(team_id, enterprise_id)
            found = await installations.find(team_id, enterprise_id)
            works = await _works(shared, found) if found is not None else True
            if works is not None or seconds is None:
                break
            await shared.clock.sleep(seconds)
        if found is not None and works is None:
            log.error("an installation was kept: Slack doesn't say whether its token was revoked", extra=extra)
        elif found is not None and not works and await installations.remove(found):
            log.info("uninstalled", extra=extra)
    except DatabaseError as error:
        log.error("an installation couldn't be removed", extra={"team_id": team_id, "why": str(error)})
    except Exception:
        log.exception("an installation couldn't be removed")


async def _works(shared: Shared, installation: Installation) -> bool | None:
    """Return whether Slack accepts a token; None when it doesn't say."""
    try:
        await shared.clients.web(installation.bot_token).auth_test()
    except Exception as error:
        code = slack_code(error) if isinstance(error, SlackApiError) else type(error).__name__
        log.info("a token was tried that may be revoked", extra={"code": code})
        return False if code in REFUSALS else None
    return True


def register(app: AsyncApp, shared: Shared) -> None:
    """Listen for removals. The one workspace of a bot token has nothing to remove.

    Bolt authorizes neither event, so there is no runtime in its context.
    """

    async def on_removed(ack: AsyncAck, event: dict[str, Any], context: AsyncBoltContext) -> None:
        await ack()
        bots = event.get("tokens", {}).get("bot")
        if shared.installations is not None and (event["type"] == "app_uninstalled" or bots):
            removing = _remove(shared, shared.installations, context.team_id, context.enterprise_id)
            shared.tasks.start(removing)

    for name in EVENTS:
        app.event(name)(on_removed)
