"""The only place where the parts are put together."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult

from bot import explanations, listeners, logs
from bot.access import AllowList, ApprovalPolicy
from bot.audit.account_states import AccountStates
from bot.audit.batches import Batches
from bot.audit.heads import sign_log
from bot.audit.keys import load_key
from bot.audit.log import AuditLog
from bot.audit.rows import AuditRows
from bot.audit.schedules import Schedules
from bot.clock import Clock
from bot.listeners.runtime import Runtime
from bot.metrics import TASKS, Metrics
from bot.observers.audit_channel import AuditChannel
from bot.observers.metrics import OutcomeCounter
from bot.operation import Permission
from bot.service import Observer, Service
from bot.settings import DatabaseSettings, Settings
from bot.slack import compat
from bot.slack.calls import Calls, Contact
from bot.slack.external_auth.client import ExternalAuthClient
from bot.slack.oauth import AppCredentials, TokenRenewer
from bot.slack.pacing import Pacer
from bot.slack.users import UserDirectory
from bot.slack.web import ClientFactory
from bot.storage.address import database_url
from bot.storage.connect import open_database
from bot.storage.installation_rows import InstallationRows
from bot.storage.installations import StoredInstallations
from bot.storage.oauth_states import StoredOAuthStates
from bot.storage.schema import check_schema, migrate
from bot.tasks import Tasks
from bot.ui.contact import mention

INSTALL_PATH = "/slack/install"
"""Where people install the app, below the public URL."""


@dataclass(frozen=True, slots=True)
class Storage:
    """What the bot keeps in its database."""

    audit_log: AuditLog
    batches: Batches
    account_states: AccountStates
    schedules: Schedules
    installations: InstallationRows
    oauth_states: StoredOAuthStates


@asynccontextmanager
async def open_storage(settings: DatabaseSettings, clock: Clock) -> AsyncIterator[Storage]:
    """Open the database, brought up to date. Raises DatabaseError."""
    database = open_database(database_url(settings.database_url.get_secret_value()))
    try:
        async with database.transaction() as transaction:
            was_migrated = await migrate(database, transaction)
            key = await load_key(transaction, settings.secret_keys, creates=True)
            audit_log = AuditLog(AuditRows(database, key), key, clock)
            if was_migrated:
                await sign_log(transaction, key, audit_log.prune_row)
        others = Batches(database, key, clock), AccountStates(database, clock), Schedules(database, clock)
        oauth = InstallationRows(database, key.vault, clock), StoredOAuthStates(database, clock)
        storage = Storage(audit_log, *others, *oauth)
        try:
            yield storage
        finally:
            await asyncio.gather(audit_log.close(), *(store.close() for store in others))
    finally:
        await database.close()


@asynccontextmanager
async def open_existing_log(settings: DatabaseSettings, clock: Clock) -> AsyncIterator[AuditLog]:
    """Open the audit log as it is: nothing is created or migrated. Raises DatabaseError."""
    database = open_database(database_url(settings.database_url.get_secret_value()), creates=False)
    try:
        async with database.transaction(reads=True) as transaction:
            await check_schema(transaction)
            key = await load_key(transaction, settings.secret_keys, creates=False)
        yield AuditLog(AuditRows(database, key), key, clock)
    finally:
        await database.close()


def create_runtime(
    settings: Settings, session: aiohttp.ClientSession, storage: Storage, clock: Clock, tasks: Tasks
) -> Runtime:
    """Put together what the listeners work with, for one workspace."""
    metrics = Metrics(settings.metrics_folder)
    slack = Contact(clock, has_one_token=not settings.serves_many)
    tasks.on_count = lambda count: metrics.set(TASKS, count)
    calls = Calls(settings.api_url, metrics, slack, explanations.known_codes())
    clients = ClientFactory(session, settings.api_url, settings.proxy, clock, calls)
    channel = settings.audit_channel
    audit_channel = AuditChannel(channel, settings.only_bot_token, clients) if channel is not None else None
    observers: list[Observer] = [OutcomeCounter(metrics), *([audit_channel] if audit_channel is not None else [])]
    users, pacer = UserDirectory(clients), Pacer(clock, calls.waited)
    service = Service(
        ExternalAuthClient(clients, pacer),
        users,
        allow_lists(settings),
        settings.api_token,
        storage.audit_log,
        observers,
        clock,
        settings.delete_approval,
    )
    return Runtime(
        service,
        users,
        clients,
        pacer,
        storage.batches,
        storage.account_states,
        clock,
        tasks,
        mention(settings.contact),
        metrics,
        slack,
        audit_channel,
        approvers(settings),
        _installations(settings, clients, storage),
    )


def _installations(settings: Settings, clients: ClientFactory, storage: Storage) -> StoredInstallations | None:
    """Return where the bot is installed by OAuth; None where it serves the workspace of its token."""
    if settings.client_id is None or settings.client_secret is None:
        return None
    renewer = TokenRenewer(clients, AppCredentials(settings.client_id, settings.client_secret))
    return StoredInstallations(storage.installations, renewer.renew, clients.clock)


def allow_lists(settings: Settings) -> dict[Permission, AllowList]:
    """Return who may do what."""
    approving = {Permission.APPROVE: settings.delete_approvers or settings.delete_allow}
    return {
        Permission.GET: settings.get_allow,
        Permission.DELETE: settings.delete_allow,
        Permission.LIST: settings.list_allow,
        Permission.HISTORY: settings.history_allow,
        **(approving if settings.delete_approval is not ApprovalPolicy.OFF else {}),
    }


def approvers(settings: Settings) -> tuple[str, ...]:
    """Return the channel, or the people, that are asked to approve deletions."""
    if settings.audit_channel is not None:
        return (settings.audit_channel,)
    return tuple(sorted(settings.delete_approvers.users)) if settings.delete_approvers is not None else ()


def create_app(settings: Settings, runtime: Runtime) -> AsyncApp:
    """Create the Bolt app, with every listener.

    Everything is given to Bolt explicitly, because it reads the environment for what it isn't given.
    With `process_before_response` Bolt answers as soon as a listener returns, instead of looking every 10 ms whether
    it has acknowledged; the listeners leave their work to tasks. What no listener is for goes to the error handler, so
    that the person hears of it; Bolt would answer 404, and log the payload.
    """
    app = compat.build_app(
        lambda: AsyncApp(
            name="extauth",
            logger=logs.sdk_logger,
            client=runtime.clients.web(None),
            authorize=_authorize(settings, runtime),
            signing_secret="",  # server/http.py has verified what comes here
            request_verification_enabled=False,
            ssl_check_enabled=False,
            process_before_response=True,
            raise_error_for_unhandled_request=True,
            user_facing_authorize_error_message=_not_installed(settings),
        )
    )
    listeners.register(app, runtime)
    return app


def _not_installed(settings: Settings) -> str:
    return (
        "Extauth isn't installed in this workspace any more. An admin can install it again: "
        f"{settings.public_url}{INSTALL_PATH}"
    )


def _authorize(settings: Settings, runtime: Runtime) -> Callable[..., Awaitable[Any]]:
    """Authorize a request for its workspace, from memory. Bolt's own way calls auth.test before it acknowledges."""

    async def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult | None:
        if runtime.installations is None:
            token = settings.only_bot_token
        else:
            found = await runtime.installations.find(team_id, enterprise_id)
            if found is None:
                return None
            token = found.bot_token
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=token.get_secret_value())

    return authorize
