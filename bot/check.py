"""`python -m bot check`: everything that can be wrong before the first command, and how to fix it."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from pydantic import SecretStr
from slack_sdk.errors import SlackApiError

from bot.access import AllowList
from bot.actor import Actor
from bot.app import allow_lists, open_audit_log
from bot.audit.entries import Filters
from bot.audit.log import AuditLogUnavailable
from bot.clock import Clock
from bot.logs import slack_code
from bot.settings import Settings
from bot.slack.external_auth.client import ExternalAuthClient
from bot.slack.external_auth.errors import ExternalAuthError
from bot.slack.external_auth.models import GetToken
from bot.slack.session import READ_SECONDS, open_session
from bot.slack.users import UserDirectory
from bot.slack.web import ClientFactory
from bot.storage.engine import DatabaseError

REQUIRED_SCOPES = {
    "chat:write",  # lines to EXTAUTH_AUDIT_CHANNEL
    "commands",  # the slash command and the shortcut
    "usergroups:read",  # who is in a user group of a list
    "users:read",  # who is an admin, a member, a guest
}
"""The bot scopes that `manifest.yml` asks for; a test holds the two together."""
_UNKNOWN_TOKEN = GetToken("Et-extauth-check")
_NOT_FOUND = "token_not_found"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked. `fix` is empty where nothing is wrong."""

    subject: str
    says: str
    fix: str = ""

    @property
    def is_well(self) -> bool:
        """Whether nothing has to be fixed."""
        return not self.fix


async def examine(settings: Settings, clock: Clock) -> AsyncIterator[Finding]:
    """Check everything, one finding after the other."""
    async with open_session() as session:
        clients = ClientFactory(session, settings.api_url, settings.proxy, clock)
        async for finding in _bot_token(settings, clients):
            yield finding
        if settings.app_token is not None:
            yield await _socket_mode(settings.app_token, clients)
        if settings.app_token is None and settings.signing_secret is None:
            yield Finding(
                "transport",
                "neither SLACK_APP_TOKEN nor SLACK_SIGNING_SECRET is set",
                "Set one: the app token to serve over Socket Mode, the signing secret to serve over HTTP.",
            )
        yield await _methods(settings, clients)
        yield await _database(settings, clock)
        for permission, allow in allow_lists(settings).items():
            async for finding in _allow_list(f"EXTAUTH_{permission.name}_ALLOW", allow, settings, clients):
                yield finding


async def _bot_token(settings: Settings, clients: ClientFactory) -> AsyncIterator[Finding]:
    try:
        answer = await clients.web(settings.bot_token).auth_test()
    except Exception as error:
        yield Finding(
            "SLACK_BOT_TOKEN",
            f"Slack does not accept it ({_code(error)})",
            "Copy the Bot User OAuth Token from OAuth & Permissions again, or install the app into the workspace again."
            if isinstance(error, SlackApiError)
            else "Slack could not be reached: check the network, HTTPS_PROXY and SLACK_API_URL.",
        )
        return
    yield Finding("SLACK_BOT_TOKEN", f"works in workspace {answer.get('team')} ({answer.get('team_id')})")
    yield _scopes(answer.headers)


def _scopes(headers: Mapping[str, Any]) -> Finding:
    given = next((value for name, value in headers.items() if name.lower() == "x-oauth-scopes"), "")
    missing = REQUIRED_SCOPES - {scope.strip() for scope in str(given).split(",")}
    if not missing:
        return Finding("scopes", "all that manifest.yml asks for are granted")
    return Finding(
        "scopes",
        f"not granted: {', '.join(sorted(missing))}",
        "Add them under OAuth & Permissions (or update the manifest there), then install the app again.",
    )


async def _socket_mode(app_token: SecretStr, clients: ClientFactory) -> Finding:
    subject = "SLACK_APP_TOKEN"
    try:
        answer = await clients.web(None).apps_connections_open(app_token=app_token.get_secret_value())
        # A WebSocket outlives the session's limit for an attempt, so only the greeting is waited for.
        async with clients.session.ws_connect(str(answer["url"]), proxy=clients.proxy) as socket:
            hello = await socket.receive_json(timeout=READ_SECONDS)
    except SlackApiError as error:
        return Finding(
            subject,
            f"Slack does not open Socket Mode for it ({slack_code(error)})",
            "It must be an app-level token (xapp-…) with connections:write, and Socket Mode must be switched on.",
        )
    except (aiohttp.ClientError, TimeoutError, OSError, TypeError, ValueError) as error:
        return Finding(
            subject,
            f"Slack gave an address, but the WebSocket failed ({type(error).__name__})",
            "A proxy or firewall may not let WebSockets through (wss://*.slack.com): allow them, or serve over HTTP.",
        )
    return Finding(subject, f"opens Socket Mode ({hello.get('num_connections')} connections with this one)")


async def _methods(settings: Settings, clients: ClientFactory) -> Finding:
    """Ask for a token that nobody has: the refusal tells whether this token may ask at all."""
    name = "EXTAUTH_API_TOKEN" if settings.api_token else "SLACK_BOT_TOKEN"
    try:
        await ExternalAuthClient(clients).get(settings.api_token or settings.bot_token, _UNKNOWN_TOKEN)
    except ExternalAuthError as error:
        if error.code != _NOT_FOUND:
            return Finding(
                "external auth",
                f"apps.auth.external.get does not accept {name} ({error.code})",
                "Put a token of the app that owns the external tokens into EXTAUTH_API_TOKEN.",
            )
    return Finding("external auth", f"{name} may use apps.auth.external.get")


async def _database(settings: Settings, clock: Clock) -> Finding:
    try:
        async with open_audit_log(settings, clock) as audit_log:
            newest = await audit_log.newest(1, Filters())
    except (AuditLogUnavailable, DatabaseError) as error:
        return Finding("DATABASE_URL", str(error), "Without its record the bot does nothing: make the database work.")
    return Finding("DATABASE_URL", "works" if newest else "works; nothing is on record yet")


async def _allow_list(
    name: str, allow: AllowList, settings: Settings, clients: ClientFactory
) -> AsyncIterator[Finding]:
    yield Finding(name, ", ".join(sorted(allow.roles) + sorted(allow.users) + sorted(allow.groups)))
    directory = UserDirectory(clients)
    workspace = await directory.workspace(settings.bot_token)
    team_id, enterprise_id = (workspace.team_id, workspace.enterprise_id) if workspace else (None, None)
    for group in sorted(allow.groups):
        if not await directory.members(Actor("", None, None, settings.bot_token, "check"), group):
            yield Finding(name, f"{group} is no user group with members here", "Take it off the list, or fill it.")
    for user_id in sorted(allow.users):
        user = await directory.find(Actor(user_id, team_id, enterprise_id, settings.bot_token, "check"), frozenset())
        if user is None:
            problem = "names nobody that Slack knows here"
        elif user.is_deactivated or user.is_guest or user.is_bot or user.is_external:
            problem = "is a guest, a bot, deactivated or external, and is never allowed"
        else:
            continue
        yield Finding(name, f"{user_id} {problem}", "Take it off the list.")


def _code(error: Exception) -> str:
    return slack_code(error) if isinstance(error, SlackApiError) else type(error).__name__
