"""The real app, served to a simulated Slack in the same process, for the sandbox and the tests."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp

from bot import settings
from bot.clock import Clock, SystemClock
from bot.sandbox.page.routes import Page
from bot.sandbox.slack import seed
from bot.sandbox.slack.channels import AUDIT_CHANNEL
from bot.sandbox.slack.delivery import SignedHttp
from bot.sandbox.slack.seed_file import plant_file
from bot.sandbox.slack.server import SimulatedSlack
from bot.server import StartError
from bot.server.http import PATH, HttpReceiver
from bot.server.lifecycle import Receiver, serve
from bot.settings import Transport
from bot.slack.client import READ_SECONDS
from bot.tasks import Tasks

AUDITED = {"EXTAUTH_AUDIT_CHANNEL": AUDIT_CHANNEL}
"""The sandbox's default setting. The page shows the audit channel."""


def variables(slack: SimulatedSlack) -> dict[str, str]:
    """Return the settings that point Extauth to the simulated Slack."""
    return {
        "SLACK_BOT_TOKEN": slack.state.bot_token,
        "SLACK_APP_TOKEN": slack.state.app_token,
        "SLACK_SIGNING_SECRET": slack.state.signing_secret,
        "SLACK_API_URL": slack.api_url,
        "EXTAUTH_SECRET_KEY": "the-key-of-the-sandbox-" * 2,
        "HOST": "127.0.0.1",
        "PORT": "0",
    }


def variables_of_many(slack: SimulatedSlack, public_url: str) -> dict[str, str]:
    """Return the settings that point Extauth to the simulated Slack and let every workspace install the app."""
    return {
        **variables(slack),
        "SLACK_BOT_TOKEN": "",
        "SLACK_CLIENT_ID": slack.oauth.client_id,
        "SLACK_CLIENT_SECRET": slack.oauth.client_secret,
        "EXTAUTH_PUBLIC_URL": public_url,
    }


@asynccontextmanager
async def open_sandbox(
    transport: Transport,
    clock: Clock | None = None,
    more: Mapping[str, str] = AUDITED,
    read_seconds: float = READ_SECONDS,
    port: int = 0,
    seed_file: Path | None = None,
    accounts: int = 0,
    tasks: Tasks | None = None,
) -> AsyncIterator[SimulatedSlack]:
    """Run a workspace with people, tokens, and Extauth until the block ends.

    `more` are Extauth's settings, `accounts` is the number of extra connected accounts, and `tasks` runs Extauth's
    work. Raises SeedError, and StartError if the port is in use.
    """
    clock = clock or SystemClock()
    slack = SimulatedSlack(clock, port)
    Page(lambda: slack.workspace).add_to(slack.server)
    seed.plant(slack.state)
    if seed_file is not None:
        plant_file(slack.state, seed_file)
    seed.plant_accounts(slack.state, accounts)
    slack.state.remember_start()
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="extauth-"))
        try:
            await stack.enter_async_context(slack)
        except OSError as error:
            why = os.strerror(error.errno or 0)
            raise StartError(f"Port {port} on 127.0.0.1 isn't free ({why}). Choose another with --port.") from None
        database = {"DATABASE_URL": f"sqlite:///{folder}/sandbox.db"}
        configured = settings.read({**variables(slack), **database, **more})
        receiver = await stack.enter_async_context(serving(configured, transport, clock, read_seconds, tasks))
        if isinstance(receiver, HttpReceiver):
            session = await stack.enter_async_context(aiohttp.ClientSession(trust_env=False))
            slack.workspace.delivery = SignedHttp(slack.state, session, f"http://127.0.0.1:{receiver.port}{PATH}")
        yield slack


@asynccontextmanager
async def serving(
    configured: settings.Settings,
    transport: Transport,
    clock: Clock,
    read_seconds: float = READ_SECONDS,
    tasks: Tasks | None = None,
) -> AsyncIterator[Receiver]:
    """Serve Extauth until the block ends. Raises StartError."""
    stop = asyncio.Event()
    ready: asyncio.Future[Receiver] = asyncio.get_running_loop().create_future()
    serving: asyncio.Future[None] = asyncio.ensure_future(
        serve(configured, transport, clock, stop, ready.set_result, read_seconds, tasks)
    )
    both: set[asyncio.Future[Any]] = {serving, ready}
    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        serving.result()
    try:
        yield await ready
    finally:
        stop.set()
        await serving
