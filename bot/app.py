"""The only place where the parts are put together."""

import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.context.async_context import AsyncBoltContext

from bot import features, logs
from bot.access import Action, AllowList
from bot.audit import Audit
from bot.audit_channel import announcer
from bot.clock import Clock
from bot.directory import Directory
from bot.external_auth.client import ExternalAuthClient
from bot.features.runtime import Runtime
from bot.service import Service
from bot.settings import Settings
from bot.slack_connection import SlackConnection, quiet_logger
from bot.storage.audit_rows import AuditRows
from bot.storage.engine import database_url, migrate, open_engine
from bot.storage.keys import installation_key
from bot.tasks import Tasks

_UNAMBIGUOUS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"


@asynccontextmanager
async def open_audit(settings: Settings, clock: Clock) -> AsyncIterator[Audit]:
    """The audit record, its database up to date. Raises DatabaseError."""
    engine = open_engine(database_url(settings.database_url.get_secret_value()))
    try:
        await migrate(engine)
        key = await installation_key(engine, settings.secret_key)
        yield Audit(AuditRows(engine, key), key, clock)
    finally:
        await engine.dispose()


def create_runtime(settings: Settings, session: aiohttp.ClientSession, audit: Audit, clock: Clock) -> Runtime:
    """The parts below Slack's listeners, for one workspace."""
    connection, tasks = SlackConnection(session, settings.api_url, settings.proxy, clock), Tasks()
    service = Service(
        ExternalAuthClient(connection),
        Directory(connection),
        allow_lists(settings),
        settings.api_token,
        audit,
        announcer(settings.audit_channel, settings.bot_token, connection, tasks),
        clock,
    )
    return Runtime(service, connection, clock, tasks)


def allow_lists(settings: Settings) -> dict[Action, AllowList]:
    """Who may do what."""
    return {
        Action.GET: settings.get_allow,
        Action.DELETE: settings.delete_allow,
        Action.HISTORY: settings.history_allow,
    }


def create_app(settings: Settings, runtime: Runtime) -> AsyncApp:
    """The Bolt app, with every listener.

    Everything is given to Bolt explicitly, because it reads the environment for what it is not given.
    With `process_before_response` Bolt answers as soon as a listener returns, instead of looking every 10 ms whether
    it has acknowledged; the listeners leave their work to tasks.
    """
    quiet_logger.addFilter(_is_worth_saying)
    app = AsyncApp(
        name="extauth",
        logger=quiet_logger,
        client=runtime.connection.client(None),
        authorize=_authorize(settings),
        signing_secret=settings.signing_secret.get_secret_value() if settings.signing_secret else "",
        process_before_response=True,
    )
    app.use(_name_the_visit)
    features.register(app, runtime)
    return app


def _authorize(settings: Settings) -> Callable[..., Awaitable[AuthorizeResult]]:
    """Every request is of the one workspace. Bolt's own way would call auth.test before it acknowledges."""

    async def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=enterprise_id, team_id=team_id, bot_token=settings.bot_token.get_secret_value()
        )

    return authorize


async def _name_the_visit(context: AsyncBoltContext, next: Callable[[], Awaitable[None]]) -> None:  # noqa: A002
    """Give what is about to happen its reference id, which the person and the log both get."""
    reference = "".join(secrets.choice(_UNAMBIGUOUS) for _ in range(8))
    context["reference"] = reference
    logs.reference.set(reference)
    await next()


def _is_worth_saying(record: logging.LogRecord) -> bool:
    # Bolt finds SLACK_BOT_TOKEN in the environment and warns that the client it was given is used instead.
    return not record.getMessage().startswith("As you gave `client`")
