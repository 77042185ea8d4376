"""What we need of slack_sdk and Bolt that they don't promise: one function for each, with the reason for it.

`tests/slack/test_compat.py` pins the behavior each function relies on, so that an upgrade that changes it fails there
with a clear message.
"""

import logging
import traceback
from collections.abc import Callable
from copy import copy
from typing import TypeVar

from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.logs import sdk_logger

Built = TypeVar("Built", bound=AsyncApp)


def set_proxy(client: AsyncWebClient, proxy: str | None) -> None:
    """Use exactly this proxy.

    Given none, the constructor takes one from the environment; `settings.py` has already decided.
    """
    client.proxy = proxy


def build_app(build: Callable[[], Built]) -> Built:
    """Build a Bolt app without its warnings about `SLACK_BOT_TOKEN`.

    Bolt reads that variable itself and warns that the client and `authorize` it was given win, which is intended.
    """
    level = sdk_logger.level
    sdk_logger.setLevel(max(level, logging.ERROR))
    try:
        return build()
    finally:
        sdk_logger.setLevel(level)


class App(AsyncApp):
    """A Bolt app that copies its client for each request, as `ClientFactory` does: Bolt makes a new one, which takes
    ten times as long."""

    def _init_context(self, req: AsyncBoltRequest) -> None:
        # Bolt gives it the token of the request's workspace, so requests mustn't share one.
        client = copy(self.client)
        req.context.update(logger=self.logger, token=None, client=client, listener_runner=self.listener_runner)


def release(error: BaseException) -> None:
    """Let go of what a failed call holds, as soon as nobody needs it.

    The function that sends a request keeps its last error, whose traceback leads back to it: a cycle that keeps an
    answer that couldn't be read, and whatever token is in it, until Python happens to look for cycles.
    """
    found: BaseException | None = error
    while found is not None:
        traceback.clear_frames(found.__traceback__)
        found = found.__context__
