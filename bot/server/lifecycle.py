"""The life of the process, over either transport."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, Protocol

import aiohttp
from slack_sdk.errors import SlackApiError

from bot.access import ApprovalPolicy
from bot.app import INSTALL_PATH, Storage, create_app, create_workspaces, open_storage
from bot.audit.log import AuditLog
from bot.background.scheduled_tests import test_on_schedule
from bot.background.tasks import check_tokens, expire_approvals, post_checkpoint, post_checkpoints, record_interrupted
from bot.clock import Clock
from bot.logs import slack_code
from bot.observers import AuditChannel
from bot.server import StartError
from bot.server.http import HttpReceiver
from bot.server.oauth import OAuthPages
from bot.server.ops import Ops
from bot.server.other_sockets import OtherSockets
from bot.server.readiness import Readiness
from bot.server.rejections import Rejections
from bot.server.socket_mode import SocketModeReceiver
from bot.server.web import WebServer
from bot.settings import Settings, Transport, ops_port
from bot.slack.client import READ_SECONDS, open_session
from bot.slack.external_auth.errors import from_exception
from bot.storage.engine import DatabaseError
from bot.tasks import Tasks
from bot.workspaces.registry import Workspaces
from bot.workspaces.runtime import Shared

log = logging.getLogger(__name__)

STOP_SECONDS = 22.0
"""Seconds that shutdown may take after SIGTERM. Platforms kill a process after 30.

A database that has stopped responding takes up to three more."""
CLOSE_SECONDS = 1.0
"""Seconds of the shutdown that may be spent waiting for the receiver to close."""
CANCEL_SECONDS = 4.0
"""Seconds of the shutdown that canceled work has to notify the people who started it."""
CHANNEL_SECONDS = 3.0
"""Seconds of the shutdown that posting the last lines to the audit channel may take."""
GRACE_SECONDS = STOP_SECONDS - CLOSE_SECONDS - CANCEL_SECONDS - CHANNEL_SECONDS
"""Seconds of the shutdown that acknowledged work may continue."""


class Receiver(Protocol):
    """A way for Slack to reach Extauth."""

    @property
    def problem(self) -> str | None:
        """The reason Slack's requests can't come in now; None if they can."""
        ...

    async def start(self) -> None:
        """Start taking requests. Raises StartError."""
        ...

    async def stop(self) -> None:
        """Stop taking requests, and return once those already taken are acknowledged."""
        ...


async def serve(
    settings: Settings,
    transport: Transport,
    clock: Clock,
    stop: asyncio.Event,
    on_ready: Callable[[Receiver], None] | None = None,
    read_seconds: float = READ_SECONDS,
    tasks: Tasks | None = None,
) -> None:
    """Serve until `stop`, then finish the acknowledged work. Raises StartError."""
    async with AsyncExitStack() as stack:
        try:
            storage = await stack.enter_async_context(open_storage(settings, clock))
        except DatabaseError as error:
            raise StartError(f"The database of DATABASE_URL can't be used: {error}") from None
        session = await stack.enter_async_context(open_session(read_seconds, settings.ca_file))
        audit_log = storage.audit_log
        shared, workspaces = create_workspaces(
            settings, session, storage, clock, tasks if tasks is not None else Tasks()
        )
        ops = _ops(settings, shared, storage)
        receiver = _receiver(settings, transport, workspaces, shared, storage, ops)
        ops.readiness.receiving = lambda: receiver.problem
        ops.readiness.judges_age = transport == "http"
        await stack.enter_async_context(_answering(ops, settings, transport, shared))
        if not await _starts_before(stop, _check_bot_token(settings, shared)):
            log.info("stopped")
            return
        background = _start_background(settings, workspaces, shared, storage)
        try:
            if await _starts_before(stop, receiver.start()):
                log.info("serving", extra={"transport": transport})
                if on_ready is not None:
                    on_ready(receiver)
                await stop.wait()
        finally:
            log.info("stopping: finishing what was acknowledged")
            ops.readiness.is_stopping = True
            for task in background:
                task.cancel()
            # A canceled task may still be reading the database, which closes next but may have stopped responding.
            await asyncio.wait(background, timeout=CLOSE_SECONDS)
            await _stop(receiver, workspaces, shared, audit_log)
            log.info("stopped")


def _ops(settings: Settings, shared: Shared, storage: Storage) -> Ops:
    async def ask_slack() -> None:
        client = shared.clients.web(settings.bot_token, once=True)
        with suppress(SlackApiError, aiohttp.ClientError, OSError):  # `shared.slack` has noted the outcome
            # An app that serves many workspaces has no single bot token, and `api.test` needs none.
            await (client.api_test() if settings.serves_many else client.auth_test())

    return Ops(Readiness(storage.audit_log, storage.schedules, shared.slack, ask_slack, shared.clock), shared.metrics)


@asynccontextmanager
async def _answering(ops: Ops, settings: Settings, transport: Transport, shared: Shared) -> AsyncIterator[None]:
    """Serve health and metrics on a separate port, if one is configured, until the block ends. Raises StartError."""
    port = ops_port(settings, transport)
    rejections = Rejections(shared.clock, shared.metrics)
    server = WebServer(ops.routes, settings.host, *port, rejections) if port is not None else None
    try:
        if server is not None:
            await server.start()
        yield
    finally:
        if server is not None:
            await server.stop()
        ops.readiness.close()


def _start_background(
    settings: Settings, workspaces: Workspaces, shared: Shared, storage: Storage
) -> list[asyncio.Future[None]]:
    work = [
        record_interrupted(workspaces, shared, storage.audit_log),
        test_on_schedule(settings.test_every, workspaces, shared, storage.schedules),
    ]
    if settings.serves_many:
        work.append(check_tokens(workspaces))
    if settings.serves_many or settings.delete_approval is not ApprovalPolicy.OFF:
        work.append(expire_approvals(workspaces, shared))
    if settings.serves_many or settings.audit_channel is not None:
        work.append(post_checkpoints(workspaces, storage.audit_log, storage.schedules, shared.clock))
    return [asyncio.ensure_future(one) for one in work]


async def _stop(receiver: Receiver, workspaces: Workspaces, shared: Shared, audit_log: AuditLog) -> None:
    """Stop the receiver and finish the acknowledged work, within `STOP_SECONDS` even if a peer is slow."""
    closing = asyncio.ensure_future(receiver.stop())
    # Work that waits for Slack's rate limits can't finish in time, so the people who started it are notified now.
    shared.limiter.close()
    # Requests that are still being acknowledged may start more work, so the receiver closes before the drain.
    await asyncio.gather(asyncio.wait({closing}, timeout=CLOSE_SECONDS), shared.watches.drain(0, CLOSE_SECONDS))
    await shared.tasks.drain(GRACE_SECONDS, CANCEL_SECONDS)
    if shared.installations is not None:
        await asyncio.wait({asyncio.ensure_future(shared.installations.close())}, timeout=CLOSE_SECONDS)
    await asyncio.gather(*(_post_last(channel, audit_log) for channel in workspaces.audit_channels()))
    if not closing.done():
        closing.cancel()
        log.warning("the connection to Slack didn't close in time")
    elif closing.exception() is not None:
        log.error("the connection to Slack didn't close cleanly", exc_info=closing.exception())


async def _post_last(channel: AuditChannel, audit_log: AuditLog) -> None:
    posting = asyncio.ensure_future(post_checkpoint(channel, audit_log))
    loop = asyncio.get_running_loop()
    deadline = loop.time() + CHANNEL_SECONDS
    await asyncio.wait({posting}, timeout=CHANNEL_SECONDS)
    if not posting.done():
        posting.cancel()
        log.error("a checkpoint couldn't be made before the end")
    await channel.close(max(0.0, deadline - loop.time()))


def _receiver(
    settings: Settings,
    transport: Transport,
    workspaces: Workspaces,
    shared: Shared,
    storage: Storage,
    ops: Ops,
) -> Receiver:
    install_url = f"{settings.public_url}{INSTALL_PATH}" if settings.public_url is not None else None
    app = create_app(workspaces, shared, install_url)
    if transport == "http":
        if settings.signing_secret is None:
            raise StartError("SLACK_SIGNING_SECRET is missing: over HTTP it proves that a request is from Slack.")
        oauth = _oauth(settings, shared, storage)
        return HttpReceiver(app, settings.signing_secret, settings.host, settings.port, shared, ops, oauth)
    if settings.app_token is None:
        raise StartError("SLACK_APP_TOKEN is missing: Socket Mode needs an app-level token (xapp-…).")

    def tell(line: str) -> None:
        for channel in workspaces.audit_channels():
            channel.say(line)

    others = OtherSockets(storage.open_sockets, shared, settings.socket_connections, tell)
    return SocketModeReceiver(app, settings.app_token, shared, settings.socket_connections, others)


def _oauth(settings: Settings, shared: Shared, storage: Storage) -> OAuthPages | None:
    if settings.client_id is None or settings.client_secret is None or settings.public_url is None:
        return None
    assert shared.installations is not None  # set whenever there is a client ID
    return OAuthPages(
        settings.client_id,
        settings.client_secret,
        settings.public_url,
        shared.clients,
        storage.installations,
        storage.oauth_states,
        shared.installations,
        Rejections(shared.clock, shared.metrics),
    )


async def _check_bot_token(settings: Settings, shared: Shared) -> None:
    """Raise StartError if Slack refuses the only workspace's token, but not if Slack can't be reached.

    With many workspaces, `check_tokens` logs refused tokens instead, so that one doesn't keep the others from starting.
    """
    if settings.serves_many:
        return
    try:
        said = await shared.users.connect(settings.only_bot_token)
    except SlackApiError as error:
        raise StartError(
            f"Slack doesn't accept SLACK_BOT_TOKEN ({slack_code(error)}). `extauth check` says more."
        ) from None
    except Exception as error:
        code = from_exception("auth.test", error).code
        log.warning("Slack can't be reached yet", extra={"code": code, "error_type": type(error).__name__})
    else:
        log.info("workspace", extra={"team_id": said.get("team_id"), "bot_user_id": said.get("user_id")})


async def _starts_before(stop: asyncio.Event, starting: Coroutine[Any, Any, None]) -> bool:
    """Wait until `starting` has finished or `stop` is set. Returns whether `starting` has finished."""
    start: asyncio.Task[Any] = asyncio.ensure_future(starting)
    stopping: asyncio.Task[Any] = asyncio.ensure_future(stop.wait())
    await asyncio.wait({start, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if start.done():
        start.result()
        return True
    start.cancel()
    return False
