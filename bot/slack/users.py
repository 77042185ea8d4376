"""People's roles and user groups, as Slack reports them, at most a minute old."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from pydantic import SecretStr
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.actor import Actor, UserInfo, Workspace
from bot.cache import Cache
from bot.ids import APP_ID
from bot.logs import slack_code
from bot.slack.client import ClientFactory

log = logging.getLogger(__name__)

MAX_AGE_SECONDS = 60.0
"""Maximum age in seconds of Slack's data about a person, by the monotonic clock."""
_WORKSPACE_SECONDS = 3600.0


class UserDirectory:
    """A directory of people and user groups, who are looked up in Slack with their workspace's bot token.

    `workspaces` caches the workspace of each bot token, as reported by Slack or by an installation.
    """

    def __init__(self, clients: ClientFactory) -> None:
        self._clients = clients
        self.workspaces: Cache[SecretStr, Workspace | None] = Cache(clients.clock, _WORKSPACE_SECONDS)
        self._apps: Cache[SecretStr, str | None] = Cache(clients.clock, MAX_AGE_SECONDS, keeps_none=True)
        self._people: Cache[tuple[str, str], UserInfo | None] = Cache(clients.clock, MAX_AGE_SECONDS)
        self._groups: Cache[tuple[SecretStr, str], frozenset[str] | None] = Cache(clients.clock, MAX_AGE_SECONDS)

    async def workspace(self, bot_token: SecretStr) -> Workspace | None:
        """Return the workspace of a bot token; None if the lookup fails."""
        return await self.workspaces.get(bot_token, lambda: _ask_workspace(self._clients.web(bot_token)))

    async def app(self, token: SecretStr) -> str | None:
        """Return the ID of a token's app; None if Slack doesn't say it."""
        # The token may be another app's, so its refusal says nothing about Extauth's own.
        clients = replace(self._clients, calls=None)
        return await self._apps.get(token, lambda: _ask_app(clients.web(token)))

    async def connect(self, bot_token: SecretStr) -> Mapping[str, object]:
        """Return Slack's data about a bot token, and cache its workspace. Raises slack_sdk's and aiohttp's errors."""
        answer = await self._clients.web(bot_token).auth_test()
        data: object = answer.data
        said = data if isinstance(data, Mapping) else {}
        self.workspaces.put(bot_token, _workspace(said))
        return said

    async def find(self, actor: Actor, groups: frozenset[str]) -> UserInfo | None:
        """Return the actor's details, including their groups among `groups`; None if the lookup fails."""
        workspace = await self.workspace(actor.bot_token)
        if workspace is None:
            return None
        if not workspace.includes(actor.team_id, actor.enterprise_id):
            log.warning("a request came from a workspace where the bot isn't installed")
            return UserInfo(actor.user_id, is_elsewhere=True)
        person = await self._people.get(
            (workspace.team_id, actor.user_id),
            lambda: _ask_person(self._clients.web(actor.bot_token), actor.user_id, workspace),
        )
        # In a channel shared with another organization, a modal's payload can combine the ID of the workspace where the
        # app is installed with that of the person's own organization.
        is_named = actor.team_id is not None and actor.team_id != workspace.enterprise_id
        if person is not None and workspace.is_org_install:
            if is_named and actor.team_id not in person.teams:
                log.warning("a request came from a workspace that Slack doesn't say the person is a member of")
                return replace(person, is_elsewhere=True)
            if actor.team_id != person.home:
                # Slack's flags are about the person's home workspace, so in another only an organization's roles count.
                person = replace(person, is_admin=person.is_in_charge, is_owner=False)
        if person is None or not groups:
            return person
        members = {group: await self.members(actor, group) for group in sorted(groups)}
        return replace(
            person,
            groups=frozenset(group for group, users in members.items() if users and actor.user_id in users),
            groups_unknown=any(users is None for users in members.values()),
        )

    async def members(self, actor: Actor, group: str) -> frozenset[str] | None:
        """Return the members of a user group; None if the lookup fails."""
        return await self._groups.get(
            (actor.bot_token, group), lambda: _ask_members(self._clients.web(actor.bot_token), group)
        )


async def _ask_workspace(client: AsyncWebClient) -> Workspace | None:
    """Look up the token's workspace in Slack. https://docs.slack.dev/reference/methods/auth.test"""
    answer = await _ask("auth.test", lambda: client.auth_test())
    return _workspace(answer if answer is not None else {})


def _workspace(answer: Any) -> Workspace | None:
    team_id = answer.get("team_id")
    if not isinstance(team_id, str) or not team_id:
        log.warning("auth.test didn't say which workspace the bot is in, so access is denied")
        return None
    enterprise_id = answer.get("enterprise_id")
    enterprise_id = enterprise_id if isinstance(enterprise_id, str) and enterprise_id else None
    return Workspace(team_id, enterprise_id, answer.get("is_enterprise_install") is True)


async def _ask_app(client: AsyncWebClient) -> str | None:
    try:
        answer = await client.auth_test()
    except Exception as error:
        code = slack_code(error) if isinstance(error, SlackApiError) else type(error).__name__
        log.warning("Slack didn't say which app a token is of", extra={"code": code})
        return None
    return app_id_of(answer)


def app_id_of(answer: Any) -> str | None:
    """Return the app of a token in Slack's response to `auth.test`, which not every token's has."""
    app_id = answer.get("app_id")
    return app_id if isinstance(app_id, str) and APP_ID.fullmatch(app_id) else None


async def _ask_person(client: AsyncWebClient, user_id: str, workspace: Workspace) -> UserInfo | None:
    answer = await _ask("users.info", lambda: client.users_info(user=user_id))
    user = answer.get("user") if answer is not None else None
    if not isinstance(user, Mapping) or user.get("id") != user_id:
        log.warning("users.info didn't say who somebody is, so access is denied")
        return None
    if not isinstance(user.get("is_restricted"), bool) and user.get("deleted") is not True:
        log.warning("users.info didn't say whether somebody is a guest, so access is denied")
        return None
    return user_info(user, workspace)


async def _ask_members(client: AsyncWebClient, group: str) -> frozenset[str] | None:
    answer = await _ask("usergroups.users.list", lambda: client.usergroups_users_list(usergroup=group))
    users = answer.get("users") if answer is not None else None
    return frozenset(str(user) for user in users) if isinstance(users, list) else None


async def _ask(method: str, call: Callable[[], Awaitable[Any]]) -> Any:
    try:
        return await call()
    except Exception as error:
        # Any failure denies access. The error's text isn't logged, because that of a SlackApiError has the response.
        code = slack_code(error) if isinstance(error, SlackApiError) else type(error).__name__
        log.warning("Slack didn't answer, so access is denied", extra={"method": method, "code": code})
        return None


def user_info(user: Mapping[str, object], workspace: Workspace) -> UserInfo:
    """Return the details in a user object. https://docs.slack.dev/reference/objects/user-object

    `is_stranger` is false for people of another organization who share a channel with Extauth, so `team_id` and, on
    Enterprise Grid, `enterprise_user` show a person's organization. On Grid, a person can be an admin of the
    organization but not of the workspace. The flags of another workspace's own admins don't count.
    """
    grid = user.get("enterprise_user")
    organization: Mapping[str, object] = grid if isinstance(grid, Mapping) else {}
    is_own_org = workspace.enterprise_id is not None and organization.get("enterprise_id") == workspace.enterprise_id
    teams = organization.get("teams")
    is_of_workspace = user.get("team_id") == workspace.team_id or (
        is_own_org and isinstance(teams, list) and workspace.team_id in teams
    )
    home = str(user.get("team_id") or "")
    # Slack omits `team_id` for some people of an organization, who then count only by the workspaces they are in.
    is_internal = is_of_workspace or (is_own_org and bool(home or (workspace.is_org_install and teams)))
    known_teams = {home, *map(str, teams)} - {""} if isinstance(teams, list) else set()
    flags = {name for name, value in user.items() if value is True}
    of_organization = {name for name, value in organization.items() if value is True} & {"is_admin", "is_owner"}
    roles = of_organization | (flags if is_of_workspace or workspace.is_org_install else set())
    is_admin, is_owner = "is_admin" in roles, bool(roles & {"is_owner", "is_primary_owner"})
    runs_organization = is_own_org and bool(of_organization)
    return UserInfo(
        user_id=str(user["id"]),
        is_admin=is_admin,
        is_owner=is_owner,
        is_in_charge=runs_organization if workspace.is_org_install else is_admin or is_owner,
        teams=frozenset(known_teams) if workspace.is_org_install else frozenset(),
        home=home if workspace.is_org_install else "",
        is_guest=bool(flags & {"is_restricted", "is_ultra_restricted"}),
        is_bot=bool(flags & {"is_bot", "is_workflow_bot"}) or user["id"] == "USLACKBOT",
        is_deactivated="deleted" in flags,
        is_external="is_stranger" in flags or not is_internal,
    )
