"""The real bot, served to a simulated Slack in the same process: for the sandbox, and for the tests."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from bot import settings
from bot.clock import Clock, SystemClock
from bot.runners.http import PATH, HttpListener
from bot.runners.serving import Listener, serve
from bot.sandbox import seed
from bot.sandbox.delivery import SignedHttp
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
) -> AsyncIterator[SimulatedSlack]:
    """A workspace with people, tokens and the bot in it, until the block ends. `more` are settings of the bot."""
    clock = clock or SystemClock()
    async with SimulatedSlack(clock) as slack, aiohttp.ClientSession(trust_env=False) as session:
        seed.plant(slack.state)
        configured = settings.read({**variables(slack), **(more or {})})
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
