"""The life of the process, whichever way Slack reaches it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Protocol

from slack_sdk.errors import SlackApiError

from bot.app import create_app, create_runtime, open_audit
from bot.audit import Audit
from bot.clock import Clock
from bot.features.runtime import Runtime
from bot.logs import slack_code
from bot.runners.http import HttpListener
from bot.runners.socket_mode import SocketModeListener
from bot.runners.start_error import StartError
from bot.settings import Settings, Transport
from bot.slack_connection import ATTEMPT_SECONDS, open_session
from bot.storage.engine import DatabaseError

log = logging.getLogger(__name__)

DRAIN_SECONDS = 20.0
"""How long acknowledged work may go on after SIGTERM; platforms kill after 30."""
FAREWELL_SECONDS = 4.0
"""How long interrupted work then has to say so."""


class Listener(Protocol):
    """A way for Slack to reach the bot."""

    async def start(self) -> None:
        """Begin to take requests. Raises StartError."""
        ...

    async def stop(self) -> None:
        """Take no more, and return when those that were taken are acknowledged."""
        ...


async def serve(
    settings: Settings,
    transport: Transport,
    clock: Clock,
    stop: asyncio.Event,
    on_ready: Callable[[Listener], None] | None = None,
    attempt_seconds: float = ATTEMPT_SECONDS,
) -> None:
    """Serve until `stop`, then finish what was acknowledged. Raises StartError."""
    async with _audit(settings, clock) as audit, open_session(attempt_seconds) as session:
        runtime = create_runtime(settings, session, audit, clock)
        await _look_at_bot_token(settings, runtime)
        listener = _listener(settings, transport, runtime)
        try:
            if await _unless(stop, listener.start()):
                log.info("serving", extra={"transport": transport})
                if on_ready is not None:
                    on_ready(listener)
                await stop.wait()
        finally:
            log.info("stopping: finishing what was acknowledged")
            await listener.stop()
            await runtime.tasks.drain(DRAIN_SECONDS, FAREWELL_SECONDS)
            log.info("stopped")


@asynccontextmanager
async def _audit(settings: Settings, clock: Clock) -> AsyncIterator[Audit]:
    opening = open_audit(settings, clock)
    try:
        audit = await opening.__aenter__()
    except DatabaseError as error:
        raise StartError(f"The database of DATABASE_URL cannot be used: {error}") from None
    try:
        yield audit
    finally:
        await opening.__aexit__(None, None, None)


def _listener(settings: Settings, transport: Transport, runtime: Runtime) -> Listener:
    app = create_app(settings, runtime)
    if transport == "http":
        return HttpListener(app, settings.host, settings.port)
    assert settings.app_token is not None
    return SocketModeListener(app, settings.app_token, runtime.connection)


async def _look_at_bot_token(settings: Settings, runtime: Runtime) -> None:
    """Stop at once over a token that Slack refuses; an unreachable Slack may come back."""
    try:
        answer = await runtime.connection.client(settings.bot_token).auth_test()
    except SlackApiError as error:
        raise StartError(
            f"Slack does not accept SLACK_BOT_TOKEN ({slack_code(error)}). `python -m bot check` says more."
        ) from None
    except Exception as error:
        log.warning("Slack cannot be reached yet", extra={"error_type": type(error).__name__})
    else:
        log.info("workspace", extra={"team_id": answer.get("team_id"), "bot_user_id": answer.get("user_id")})


async def _unless(stop: asyncio.Event, starting: Coroutine[Any, Any, None]) -> bool:
    """Wait for the start, unless a stop comes first. True when it has started."""
    start: asyncio.Task[Any] = asyncio.ensure_future(starting)
    stopping: asyncio.Task[Any] = asyncio.ensure_future(stop.wait())
    await asyncio.wait({start, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if start.done():
        start.result()
        return True
    start.cancel()
    return False
