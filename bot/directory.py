"""Slack's word on who a person is, at most a minute old."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.access import Standing
from bot.actor import Actor
from bot.logs import slack_code
from bot.remembered import Remembered
from bot.slack_connection import SlackConnection

log = logging.getLogger(__name__)

STANDING_SECONDS = 60.0


class Directory:
    """Looks people and user groups up with the bot token of their workspace."""

    def __init__(self, connection: SlackConnection) -> None:
        self._connection = connection
        self._people: Remembered[Standing] = Remembered(connection.clock, STANDING_SECONDS)
        self._groups: Remembered[frozenset[str]] = Remembered(connection.clock, STANDING_SECONDS)

    async def standing(self, actor: Actor, groups: frozenset[str]) -> Standing | None:
        """The person's standing, with which of `groups` they are in; None when Slack does not say, for any reason."""
        client = self._connection.client(actor.bot_token)
        person = await self._people.get(
            (actor.enterprise_id, actor.team_id, actor.user_id), lambda: _person(client, actor.user_id)
        )
        if person is None:
            return None
        members = {group: await self.members(actor, group) for group in sorted(groups)}
        return replace(
            person,
            groups=frozenset(group for group, users in members.items() if users and actor.user_id in users),
            groups_unknown=any(users is None for users in members.values()),
        )

    async def members(self, actor: Actor, group: str) -> frozenset[str] | None:
        """Who is in a user group; None when Slack does not say."""
        client = self._connection.client(actor.bot_token)
        return await self._groups.get((actor.enterprise_id, actor.team_id, group), lambda: _members(client, group))


async def _person(client: AsyncWebClient, user_id: str) -> Standing | None:
    answer = await _ask("users.info", lambda: client.users_info(user=user_id))
    user = answer.get("user") if answer is not None else None
    if not isinstance(user, Mapping) or user.get("id") != user_id:
        log.warning("users.info did not say who somebody is, so access is denied")
        return None
    return standing_of(user)


async def _members(client: AsyncWebClient, group: str) -> frozenset[str] | None:
    answer = await _ask("usergroups.users.list", lambda: client.usergroups_users_list(usergroup=group))
    users = answer.get("users") if answer is not None else None
    return frozenset(str(user) for user in users) if isinstance(users, list) else None


async def _ask(method: str, call: Callable[[], Awaitable[Any]]) -> Any:
    try:
        return await call()
    except Exception as error:
        # Anything at all that goes wrong here denies. The text of a SlackApiError holds the response: not logged.
        code = slack_code(error) if isinstance(error, SlackApiError) else type(error).__name__
        log.warning("Slack did not answer, so access is denied", extra={"method": method, "code": code})
        return None


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
