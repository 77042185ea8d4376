"""The real bot, served to a simulated Slack in the same process: for the sandbox, and for the tests."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp

from bot import settings
from bot.clock import Clock, SystemClock
from bot.runners.http import PATH, HttpListener
from bot.runners.serving import Listener, serve
from bot.runners.start_error import StartError
from bot.sandbox import seed
from bot.sandbox.delivery import SignedHttp
from bot.sandbox.seed_file import plant_file
from bot.sandbox.server import SimulatedSlack
from bot.settings import Transport
from bot.slack_connection import ATTEMPT_SECONDS


def variables(slack: SimulatedSlack) -> dict[str, str]:
    """The settings by which a bot finds the simulated Slack."""
    return {
        "SLACK_BOT_TOKEN": slack.state.bot_token,
        "SLACK_APP_TOKEN": slack.state.app_token,
        "SLACK_SIGNING_SECRET": slack.state.signing_secret,
        "SLACK_API_URL": slack.api_url,
        "HOST": "127.0.0.1",
        "PORT": "0",
    }


@asynccontextmanager
async def playground(
    transport: Transport,
    clock: Clock | None = None,
    more: Mapping[str, str] | None = None,
    attempt_seconds: float = ATTEMPT_SECONDS,
    port: int = 0,
    seed_file: Path | None = None,
) -> AsyncIterator[SimulatedSlack]:
    """A workspace with people, tokens and the bot in it, until the block ends. `more` are settings of the bot.

    Raises SeedError, and StartError when the port is taken.
    """
    clock = clock or SystemClock()
    slack = SimulatedSlack(clock, port)
    seed.plant(slack.state)
    if seed_file is not None:
        plant_file(slack.state, seed_file)
    async with (
        _temporary_database() as database,
        _listening(slack, port),
        aiohttp.ClientSession(trust_env=False) as session,
    ):
        configured = settings.read({**variables(slack), "DATABASE_URL": database, **(more or {})})
        stop = asyncio.Event()
        ready: asyncio.Future[Listener] = asyncio.get_running_loop().create_future()
        serving: asyncio.Future[None] = asyncio.ensure_future(
            serve(configured, transport, clock, stop, ready.set_result, attempt_seconds=attempt_seconds)
        )
        both: set[asyncio.Future[Any]] = {serving, ready}
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            serving.result()
        listener = await ready
        if isinstance(listener, HttpListener):
            url = f"http://127.0.0.1:{listener.port}{PATH}"
            slack.workspace.delivery = SignedHttp(slack.state, session, url)
        try:
            yield slack
        finally:
            stop.set()
            await serving


@asynccontextmanager
async def _temporary_database() -> AsyncIterator[str]:
    with TemporaryDirectory(prefix="extauth-") as folder:
        yield f"sqlite:///{folder}/sandbox.db"


@asynccontextmanager
async def _listening(slack: SimulatedSlack, port: int) -> AsyncIterator[None]:
    try:
        await slack.__aenter__()
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise StartError(f"Port {port} of 127.0.0.1 is not free ({why}): give another by --port.") from None
    try:
        yield
    finally:
        await slack.__aexit__(None, None, None)
