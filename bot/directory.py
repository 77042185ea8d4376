"""Slack's word on who a person is."""

import logging
from collections.abc import Mapping

from slack_sdk.errors import SlackApiError

from bot.access import Standing
from bot.actor import Actor
from bot.logs import slack_code
from bot.slack_connection import SlackConnection

log = logging.getLogger(__name__)


class Directory:
    """Looks people up with the bot token of their workspace."""

    def __init__(self, connection: SlackConnection) -> None:
        self._connection = connection

    async def standing(self, actor: Actor) -> Standing | None:
        """The person's present standing, or None when Slack does not say, for whatever reason."""
        client = self._connection.client(actor.bot_token)
        try:
            response = await client.users_info(user=actor.user_id)
            user = response["user"]
        except Exception as error:
            # Anything at all that goes wrong here denies. The text of a SlackApiError holds the response: not logged.
            code = slack_code(error) if isinstance(error, SlackApiError) else type(error).__name__
            log.warning("users.info failed, so access is denied", extra={"code": code})
            return None
        if not isinstance(user, Mapping) or user.get("id") != actor.user_id:
            log.warning("users.info answered about somebody else, so access is denied")
            return None
        return standing_of(user)


def standing_of(user: Mapping[str, object]) -> Standing:
    """Read a user object. https://docs.slack.dev/reference/objects/user-object

    On Enterprise Grid a person may be an admin of the organisation without being one of the workspace.
    """
    grid = user.get("enterprise_user")
    organisation = grid if isinstance(grid, Mapping) else {}
    return Standing(
        user_id=str(user["id"]),
        is_admin=_is(user, "is_admin") or _is(organisation, "is_admin"),
        is_owner=_is(user, "is_owner") or _is(user, "is_primary_owner") or _is(organisation, "is_owner"),
        is_guest=_is(user, "is_restricted") or _is(user, "is_ultra_restricted"),
        is_bot=_is(user, "is_bot") or _is(user, "is_workflow_bot") or user["id"] == "USLACKBOT",
        is_deactivated=_is(user, "deleted"),
        is_external=_is(user, "is_stranger"),
    )


def _is(thing: Mapping[str, object], name: str) -> bool:
    return thing.get(name) is True
