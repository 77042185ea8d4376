"""What we need of slack_sdk and Bolt that they don't promise: one function for each, with the reason for it.

`tests/slack/test_compat.py` pins the behavior each function relies on, so that an upgrade that changes it fails there
with a clear message.
"""

import logging
import traceback
from collections.abc import Callable
from typing import TypeVar

from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.logs import sdk_logger

App = TypeVar("App", bound=AsyncApp)


def set_proxy(client: AsyncWebClient | AsyncWebhookClient | SocketModeClient, proxy: str | None) -> None:
    """Use exactly this proxy.

    Given none, each constructor takes one from the environment; `settings.py` has already decided.
    """
    client.proxy = proxy


def build_app(build: Callable[[], App]) -> App:
    """Build a Bolt app without its warnings about `SLACK_BOT_TOKEN`.

    Bolt reads that variable itself and warns that the client and `authorize` it was given win, which is intended.
    """
    level = sdk_logger.level
    sdk_logger.setLevel(max(level, logging.ERROR))
    try:
        return build()
    finally:
        sdk_logger.setLevel(level)


def release(error: BaseException) -> None:
    """Let go of what a failed call holds, as soon as nobody needs it.

    The function that sends a request keeps its last error, whose traceback leads back to it: a cycle that keeps an
    answer that couldn't be read, and whatever token is in it, until Python happens to look for cycles.
    """
    found: BaseException | None = error
    while found is not None:
        traceback.clear_frames(found.__traceback__)
        found = found.__context__


def use_address(client: SocketModeClient, address: str | None) -> None:
    """Make the first `connect()` use this WebSocket address instead of asking Slack for another one.

    Slack allows few of those requests a minute.
    """
    client.wss_uri = address


async def forget_stale_address(client: SocketModeClient) -> None:
    """Make a disconnected client ask Slack for a new WebSocket address.

    Its `connect()` retries the same address until it works, and one whose ticket has expired never will.
    """
    if not await client.is_connected():
        client.wss_uri = None
