"""Checks of the tokens' kinds and scopes, and that Slack accepts the tokens."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import aiohttp
from pydantic import SecretStr

from bot.actor import Workspace
from bot.check.finding import Finding, Status, not_checked, ok, problem
from bot.check.web_api import TOKEN_REFUSALS, ask, reason
from bot.environment import COMMAND
from bot.ids import slack_token_kind
from bot.settings import Settings, warnings
from bot.slack.calls import RATE_LIMIT_BUDGET, HttpAnswer, header
from bot.slack.client import READ_SECONDS, ClientFactory
from bot.slack.external_auth.accounts import read_accounts
from bot.slack.external_auth.client import ExternalAuthClient
from bot.slack.external_auth.errors import ExternalAuthError, RefusedError
from bot.slack.external_auth.models import ConnectAccount, DeleteTokens, GetToken, ListAccounts, TokenRequest
from bot.slack.oauth import OPTIONAL_SCOPES, REQUIRED_SCOPES
from bot.slack.rate_limit import Caller, RateLimiter
from bot.slack.users import app_id_of
from bot.views.parts import count

BOT_TOKEN, SCOPES, APP_TOKEN = "SLACK_BOT_TOKEN", "Scopes", "SLACK_APP_TOKEN"
SIGNING_SECRET, TRANSPORT, API_TOKEN = "SLACK_SIGNING_SECRET", "Transport", "EXTAUTH_API_TOKEN"
LISTING = f"{COMMAND} list"

_COPY_BOT_TOKEN = "Copy the Bot User OAuth Token (xoxb-…) from OAuth & Permissions."
_INSTALL_AGAIN = "Install the app again, then copy the new Bot User OAuth Token from OAuth & Permissions."
_MAKE_APP_TOKEN = (
    "Generate an app-level token (xapp-…) with the scope connections:write under Basic Information → App-Level Tokens."
)
_SWITCH_ON = "Switch Socket Mode on in the app's settings, or serve over HTTP."
_ALLOW_WEBSOCKETS = "Let WebSockets to wss://*.slack.com through the proxy or firewall, or serve over HTTP."
_TRY_ANOTHER = "Try another token of the app that owns the accounts: docs/setup.md says where they are."
_UNKNOWN_TOKEN = GetToken("Et0EXTAUTHCHECK")
_NOT_FOUND = "token_not_found"
_UNKNOWN_PROVIDER = ConnectAccount("extauth-check")
_LIST_REFUSALS = TOKEN_REFUSALS | {
    "app_not_found",
    "invalid_args",
    "invalid_arguments",
    "method_deprecated",
    "method_not_supported",
    "unknown_method",
}
"""Slack's codes for a list that isn't available at all, for the token, or for the token's app."""


@dataclass(frozen=True, slots=True)
class Bot:
    """The workspace of the bot token, and the reason that the token can't be used, if any."""

    workspace: Workspace | None = None
    unusable: str | None = None


async def check_bot_token(settings: Settings, clients: ClientFactory, blocked: str | None) -> tuple[list[Finding], Bot]:
    """Check the bot token and its scopes. `blocked` is the reason that Slack can't be called, if any."""
    found = slack_token_kind(settings.only_bot_token)
    if found not in ("a bot token", None):
        return _without_bot(problem(BOT_TOKEN, f"This is {found}, not a bot token.", _COPY_BOT_TOKEN))
    if blocked is not None:
        return _without_bot(not_checked(BOT_TOKEN, blocked), blocked)
    try:
        answer = await ask(clients, settings.only_bot_token, "auth.test")
    except ExternalAuthError as error:
        if error.code not in TOKEN_REFUSALS:
            return _without_bot(not_checked(BOT_TOKEN, reason(error)), reason(error))
        fix = _COPY_BOT_TOKEN if error.code == "invalid_auth" else _INSTALL_AGAIN
        return _without_bot(problem(BOT_TOKEN, f"Slack doesn't accept this token ({error.code}).", fix))
    body = answer.body if isinstance(answer.body, dict) else {}
    team_id, enterprise_id = body.get("team_id"), body.get("enterprise_id")
    if not body.get("bot_id"):
        return _without_bot(problem(BOT_TOKEN, "This token isn't a bot's.", _COPY_BOT_TOKEN))
    if not isinstance(team_id, str) or not team_id:
        why = "Slack didn't say which workspace the token belongs to"
        return _without_bot(not_checked(BOT_TOKEN, why), why)
    workspace = Workspace(team_id, enterprise_id or None, body.get("is_enterprise_install") is True)
    works = ok(BOT_TOKEN, f"The token works in the workspace {body.get('team')} ({team_id}).")
    return [works, _scopes(answer)], Bot(workspace)


def _without_bot(finding: Finding, why: str = f"{BOT_TOKEN} doesn't work") -> tuple[list[Finding], Bot]:
    return [finding, not_checked(SCOPES, why)], Bot(unusable=why)


def _scopes(answer: HttpAnswer) -> Finding:
    granted = header(answer.headers, "x-oauth-scopes")
    if granted is None:
        return not_checked(SCOPES, "Slack didn't say which scopes are granted")
    scopes = {scope.strip() for scope in granted.split(",")}
    missing, lacking = REQUIRED_SCOPES.keys() - scopes, OPTIONAL_SCOPES.keys() - scopes
    if not missing and not lacking:
        return ok(SCOPES, "Slack has granted every scope in manifest.yml.")
    if not missing:
        without = f"Without {' and '.join(sorted(lacking))}, test results are exported as text to copy, not as a file."
        return ok(SCOPES, f"Slack has granted every scope that Extauth needs. {without}")
    return problem(
        SCOPES,
        f"Slack hasn't granted {', '.join(sorted(missing))}.",
        f"Add {'it' if len(missing) == 1 else 'them'} under OAuth & Permissions, then install the app again.",
    )


def check_transport(settings: Settings) -> Finding:
    """Check that Slack has a way to reach Extauth."""
    if settings.signing_secret is None:
        return ok(TRANSPORT, "Extauth serves over Socket Mode.")
    if any(line.startswith(SIGNING_SECRET) for line in warnings(settings)):
        return not_checked(
            SIGNING_SECRET,
            "only a request from Slack can prove it, but it doesn't look like one of Slack's",
            "Copy the Signing Secret again from Basic Information → App Credentials.",
        )
    if settings.app_token is None:
        return ok(TRANSPORT, "Extauth serves over HTTP. Slack's first request proves the signing secret.")
    return ok(TRANSPORT, "Both transports are set: start with `socket` or `http`.")


async def check_app_token(
    app_token: SecretStr, clients: ClientFactory, blocked: str | None, known: int | None
) -> Finding:
    """Check that Socket Mode opens with an app-level token, and that only `known` connections are open before."""
    found = slack_token_kind(app_token)
    if found not in ("an app-level token", None):
        return problem(APP_TOKEN, f"This is {found}, not an app-level token.", _MAKE_APP_TOKEN)
    if blocked is not None:
        return not_checked(APP_TOKEN, blocked)
    try:
        answer = await ask(clients, app_token, "apps.connections.open")
    except ExternalAuthError as error:
        if error.code == "socket_mode_not_enabled":
            return problem(APP_TOKEN, "Socket Mode is off in the app's settings.", _SWITCH_ON)
        if error.code == "missing_scope":
            return problem(APP_TOKEN, "This token doesn't have the scope connections:write.", _MAKE_APP_TOKEN)
        if error.code in TOKEN_REFUSALS:
            return problem(APP_TOKEN, f"Slack doesn't accept this token ({error.code}).", _MAKE_APP_TOKEN)
        return not_checked(APP_TOKEN, reason(error))
    url = answer.body.get("url") if isinstance(answer.body, dict) else None
    return await _open_socket(str(url), clients, known)


async def _open_socket(url: str, clients: ClientFactory, known: int | None) -> Finding:
    try:
        # The session's timeout doesn't apply to an open WebSocket, so the wait for Slack's hello needs its own.
        async with clients.session.ws_connect(url, proxy=clients.proxy) as socket:
            hello = await socket.receive_json(timeout=READ_SECONDS)
    except (aiohttp.ClientError, TimeoutError, OSError, TypeError, ValueError):
        return problem(APP_TOKEN, "Slack accepts this token, but the WebSocket can't be opened.", _ALLOW_WEBSOCKETS)
    total = hello.get("num_connections")
    if hello.get("type") == "hello" and known is not None and isinstance(total, int) and total - 1 > known:
        others = count(total - 1 - known, "connection")
        says = f"This token also has {others} that no running process of this database opens."
        fix = "Stop the other Extauth, or give it an app of its own: Slack sends it part of the commands."
        return problem(APP_TOKEN, says, fix, can_run=True)
    if hello.get("type") == "hello":
        return ok(APP_TOKEN, f"The token opens Socket Mode (connection {total} of 10).")
    if hello.get("reason") == "link_disabled":
        return problem(APP_TOKEN, "Socket Mode is off in the app's settings.", _SWITCH_ON)
    if hello.get("reason") == "too_many_websockets":
        return problem(APP_TOKEN, "All 10 of the app's connections are in use.", "Stop a process that is connected.")
    return not_checked(APP_TOKEN, "Slack closed the WebSocket at once")


def external_auth_token(settings: Settings, bot: Bot, blocked: str | None) -> tuple[SecretStr, str, str | None]:
    """Return the token for external-token calls, its name in a sentence, and the reason that it's unusable, if any."""
    if settings.api_token is not None:
        return settings.api_token, "This token", blocked
    return settings.only_bot_token, "The bot token", blocked or bot.unusable


async def check_api_token(settings: Settings, clients: ClientFactory, bot: Bot, blocked: str | None) -> Finding:
    """Fetch a token that doesn't exist, because the refusal shows whether external tokens can be fetched at all."""
    token, name, blocked = external_auth_token(settings, bot, blocked)
    if blocked is not None:
        return not_checked(API_TOKEN, blocked)
    code = await _refusal(clients, token, _UNKNOWN_TOKEN)
    if isinstance(code, Finding):
        return code
    if code in TOKEN_REFUSALS | {"method_not_supported"}:
        return problem(
            API_TOKEN,
            f"{name} can't call apps.auth.external.get ({code}), so nobody can fetch a token.",
            f"Set {API_TOKEN} to a token of the app that owns the accounts. `extauth check --token` tries one.",
            can_run=True,
        )
    if code not in (None, _NOT_FOUND):
        return not_checked(API_TOKEN, f"Slack answered {code}")
    may = "can call apps.auth.external.get. That was tried with a made-up ID, so it doesn't prove that there's a token."
    return ok(API_TOKEN, f"{name} {may}" if settings.api_token else f"Not needed: the bot token {may}")


async def _refusal(clients: ClientFactory, token: SecretStr, request: TokenRequest) -> str | Finding | None:
    """Return Slack's code after a request, None if it succeeded, or a finding if Slack didn't decide on it."""
    try:
        client = ExternalAuthClient(clients, RateLimiter(clients.clock))
        await client.call(token, request, Caller(patience=RATE_LIMIT_BUDGET))
    except RefusedError as error:
        return error.code
    except ExternalAuthError as error:
        return not_checked(API_TOKEN, reason(error))
    return None


async def check_listing(
    settings: Settings, clients: ClientFactory, bot: Bot, blocked: str | None, fetching: Finding
) -> Finding:
    """List the accounts of each app, as `/extauth list` does, and try to connect one.

    `fetching` is the finding about fetching tokens.

    A refusal isn't a problem if tokens can be fetched, because people can type their IDs.
    """
    token, _, blocked = external_auth_token(settings, bot, blocked)
    if blocked is not None:
        return not_checked(LISTING, blocked)
    app_ids = settings.app_ids or (await _app_of(clients, token),)
    client, lines, providers = ExternalAuthClient(clients, RateLimiter(clients.clock)), [], 0
    for app_id in app_ids:
        try:
            request = ListAccounts(app_id=app_id)
            found = read_accounts(await client.call(token, request, Caller(patience=RATE_LIMIT_BUDGET)))
        except ExternalAuthError as error:
            if not isinstance(error, RefusedError) or error.code not in _LIST_REFUSALS:
                return not_checked(LISTING, reason(error))
            refused = f"Slack doesn't list accounts{_of(app_id)} ({error.code})"
            if error.code == "app_not_found" and settings.app_ids:
                return problem(LISTING, f"{refused}.", "Check EXTAUTH_APP_ID.", can_run=True)
            if fetching.status is Status.OK:
                return ok(LISTING, f"{refused}. People have to type token IDs.")
            return problem(LISTING, f"{refused}. Without fetching either, nothing works.", fetching.fix, can_run=True)
        accounts = count(len(found.accounts), "account") if found.accounts or found.is_complete else "unnamed accounts"
        lines.append(f"Slack lists {accounts} of {count(len(found.providers), 'provider')}{_of(app_id)}.")
        providers += len(found.providers)
    if not providers:
        fix = f"Add a provider to the app's manifest, or set {API_TOKEN} and EXTAUTH_APP_ID for the app that has one."
        return problem(LISTING, f"{' '.join(lines)} So there is nothing to fetch.", fix, can_run=True)
    code = await _refusal(clients, token, replace(_UNKNOWN_PROVIDER, app_id=app_ids[0]))
    if code in (None, "provider_not_found", "providers_not_found"):
        lines.append("Extauth can connect accounts. That was tried with a made-up provider.")
    elif code in _LIST_REFUSALS:
        lines.append(f"Slack doesn't let Extauth connect accounts ({code}).")
    return ok(LISTING, " ".join(lines))


def _of(app_id: str | None) -> str:
    return f" for the app {app_id}" if app_id is not None else ""


async def _app_of(clients: ClientFactory, token: SecretStr) -> str | None:
    try:
        answer = await ask(clients, token, "auth.test")
    except ExternalAuthError:
        return None
    return app_id_of(answer.body if isinstance(answer.body, dict) else {})


async def try_token(settings: Settings, clients: ClientFactory) -> AsyncIterator[Finding]:
    """Yield what Slack answers to each external-auth method for the bot token in the settings, and what it means."""
    token = settings.only_bot_token
    kind = slack_token_kind(token)
    if kind not in ("a bot token", "a user token", None):
        yield problem("Token", f"This is {kind}, which can't call these methods.", _TRY_ANOTHER)
        return
    yield ok("Token", f"This is {kind or 'a token of an unknown kind'}.")
    try:
        body = (await ask(clients, token, "auth.test")).body
    except ExternalAuthError as error:
        refused = problem("auth.test", f"Slack doesn't accept this token ({error.code}).", "Copy it again.")
        yield refused if error.code in TOKEN_REFUSALS else not_checked("auth.test", reason(error))
        return
    said = body if isinstance(body, dict) else {}
    app_id = app_id_of(said)
    yield ok("auth.test", f"Slack accepts it in the workspace {said.get('team')} ({said.get('team_id')}){_of(app_id)}.")
    for request, does in (
        (_UNKNOWN_TOKEN, "fetch tokens"),
        (DeleteTokens(str(_UNKNOWN_TOKEN.external_token_id)), "delete tokens"),
        (ListAccounts(app_id=settings.app_ids[0] if settings.app_ids else app_id), "list accounts"),
    ):
        code = await _refusal(clients, token, request)
        if isinstance(code, Finding):
            yield replace(code, subject=request.method)
        elif code in (None, _NOT_FOUND):
            answered = f" Slack answered {code}, as it should for a made-up ID." if code else ""
            yield ok(request.method, f"This token can {does}.{answered}")
        else:
            yield problem(request.method, f"Slack doesn't let this token {does} ({code}).", _TRY_ANOTHER)
