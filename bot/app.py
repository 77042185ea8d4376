"""The composition root, which is the only module that builds and connects the parts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import aiohttp
from pydantic import SecretStr
from slack_bolt.async_app import AsyncApp
from sqlalchemy import Connection

from bot import explanations, listeners, logs
from bot.audit.keys import AuditKey, load_key, new_key
from bot.audit.log import AuditLog
from bot.audit.schema import begin_log, check_tables
from bot.cache import Cache
from bot.clock import Clock
from bot.jobs.account_states import AccountStates
from bot.jobs.open_sockets import OpenSockets
from bot.jobs.schedules import Schedules
from bot.jobs.store import Batches
from bot.listeners.home import LISTED_SECONDS
from bot.listeners.routes import authorize_by
from bot.metrics import TASKS, Metrics
from bot.observers import AuditChannel, OutcomeCounter
from bot.service import Observer, Service
from bot.settings import DatabaseSettings, Settings
from bot.slack.calls import SlackHealth
from bot.slack.client import ClientFactory
from bot.slack.external_auth.client import ExternalAuthClient
from bot.slack.mrkdwn import mention
from bot.slack.oauth import AppCredentials
from bot.slack.rate_limit import RateLimiter
from bot.slack.users import UserDirectory
from bot.storage.address import database_url
from bot.storage.engine import open_database
from bot.storage.schema import check_schema, migrate
from bot.tasks import Tasks
from bot.workspaces.installation_rows import InstallationRows
from bot.workspaces.installations import StoredInstallations
from bot.workspaces.oauth_states import OAuthStates
from bot.workspaces.registry import ManyWorkspaces, OneWorkspace, Workspaces
from bot.workspaces.runtime import Runtime, Shared
from bot.workspaces.settings import WorkspaceSettings
from bot.workspaces.settings_store import SettingsStore

INSTALL_PATH = "/slack/install"
"""The path of the install page, below the public URL."""


@dataclass(frozen=True, slots=True)
class Storage:
    """The stores in Extauth's database."""

    audit_log: AuditLog
    batches: Batches
    account_states: AccountStates
    schedules: Schedules
    open_sockets: OpenSockets
    installations: InstallationRows
    oauth_states: OAuthStates
    settings_store: SettingsStore


@asynccontextmanager
async def open_storage(settings: DatabaseSettings, clock: Clock) -> AsyncIterator[Storage]:
    """Open the database, and create its tables if there are none. Raises DatabaseError."""
    database = open_database(database_url(settings.database_url.get_secret_value()))

    def prepare(connection: Connection) -> AuditKey:
        if migrate(connection):
            key = new_key(connection, settings.secret_keys)
            begin_log(connection, key)
        else:
            key = load_key(connection, settings.secret_keys)
            check_tables(connection, key)
        return key

    try:
        key = await database.run(prepare, seconds=None)
        audit_log = AuditLog(database, key, clock)
        try:
            yield Storage(
                audit_log=audit_log,
                batches=Batches(database, key, clock),
                account_states=AccountStates(database, clock),
                schedules=Schedules(database, clock),
                open_sockets=OpenSockets(database, clock),
                installations=InstallationRows(database, key.vault, clock),
                oauth_states=OAuthStates(database, key.vault, clock),
                settings_store=SettingsStore(database, key.vault, audit_log.settings_version),
            )
        finally:
            await audit_log.close()
    finally:
        await database.close()


@asynccontextmanager
async def open_existing_log(settings: DatabaseSettings, clock: Clock) -> AsyncIterator[AuditLog]:
    """Open the audit log without creating a database or tables. Raises DatabaseError."""
    database = open_database(database_url(settings.database_url.get_secret_value()), creates=False)

    def load(connection: Connection) -> AuditKey:
        check_schema(connection)
        return load_key(connection, settings.secret_keys)

    try:
        yield AuditLog(database, await database.run(load, reads=True), clock)
    finally:
        await database.close()


def create_workspaces(
    settings: Settings, session: aiohttp.ClientSession, storage: Storage, clock: Clock, tasks: Tasks
) -> tuple[Shared, Workspaces]:
    """Build the parts that all workspaces share, and the registry that finds each workspace's runtime."""
    shared = create_shared(settings, session, storage, clock, tasks)
    if shared.installations is not None:
        make = partial(create_runtime, shared, storage.audit_log, has_settings=True)
        return shared, ManyWorkspaces(shared.installations, storage.settings_store, settings, shared, make)
    channel, token = settings.audit_channel, settings.only_bot_token
    audit_channel = AuditChannel(channel, token, shared.clients) if channel is not None else None
    runtime = create_runtime(shared, storage.audit_log, settings, token, audit_channel)
    return shared, OneWorkspace(runtime)


def _installations(settings: Settings, clients: ClientFactory, storage: Storage) -> StoredInstallations | None:
    """Return the store of OAuth installations; None if Extauth serves only the workspace of SLACK_BOT_TOKEN."""
    if settings.client_id is None or settings.client_secret is None:
        return None
    app = AppCredentials(settings.client_id, settings.client_secret)
    return StoredInstallations(storage.installations, partial(app.renew, clients), clients.clock)


def create_shared(
    settings: Settings, session: aiohttp.ClientSession, storage: Storage, clock: Clock, tasks: Tasks
) -> Shared:
    metrics = Metrics()
    metrics[TASKS].set_function(tasks.__len__)
    has_one_token = not settings.serves_many
    slack = SlackHealth(settings.api_url, metrics, clock, explanations.KNOWN_CODES, has_one_token=has_one_token)
    clients = ClientFactory(session, settings.api_url, settings.proxy, clock, slack)
    return Shared(
        clients=clients,
        limiter=RateLimiter(clock, slack.waited),
        users=UserDirectory(clients),
        batches=storage.batches,
        account_states=storage.account_states,
        clock=clock,
        tasks=tasks,
        metrics=metrics,
        slack=slack,
        installations=_installations(settings, clients, storage),
    )


def create_runtime(
    shared: Shared,
    audit_log: AuditLog,
    settings: WorkspaceSettings,
    bot_token: SecretStr,
    audit_channel: AuditChannel | None,
    *,
    has_settings: bool = False,
) -> Runtime:
    """Build the runtime of one workspace. `has_settings` means its admins can change the settings."""
    observers: list[Observer] = [OutcomeCounter(shared.metrics)]
    if audit_channel is not None:
        observers.append(audit_channel)
    service = Service(
        client=ExternalAuthClient(shared.clients, shared.limiter),
        users=shared.users,
        allow=settings.allow_lists(),
        api_token=settings.api_token,
        audit_log=audit_log,
        observers=observers,
        clock=shared.clock,
        policy=settings.delete_approval,
        app_ids=settings.app_ids,
        has_settings=has_settings,
    )
    return Runtime(
        shared=shared,
        service=service,
        bot_token=bot_token,
        contact=mention(settings.contact),
        listings=Cache(shared.clock, LISTED_SECONDS),
        audit_channel=audit_channel,
        approvals_go_to=settings.approvals_go_to(),
    )


def create_app(workspaces: Workspaces, shared: Shared, install_url: str | None = None) -> AsyncApp:
    """Create the Bolt app with every listener.

    Every argument is passed explicitly, because Bolt reads missing ones from the environment. With
    `process_before_response`, Bolt responds as soon as a listener returns, instead of polling every 10 ms for its
    acknowledgement, so listeners leave their work to tasks. Payloads without a listener go to the error handler, which
    sends the person a message. Otherwise Bolt would respond with 404 and log the payload.
    """
    with logs.only_errors():  # Bolt would warn that `authorize` replaces SLACK_BOT_TOKEN, as intended.
        app = AsyncApp(
            name="extauth",
            logger=logs.sdk_logger,
            client=shared.clients.web(None),
            authorize=authorize_by(workspaces, install_url),
            signing_secret="",  # server/http.py has verified each request
            request_verification_enabled=False,
            ssl_check_enabled=False,
            process_before_response=True,
            raise_error_for_unhandled_request=True,
        )
    listeners.register(app, shared)
    return app
