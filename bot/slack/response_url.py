"""Posts messages to a `response_url`, which is no method of the Web API: it takes JSON and needs no token.

slack_sdk's client for these addresses takes half as long again as the request itself.
https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from pydantic_core import PydanticSerializationError, to_json

from bot.clock import Clock
from bot.slack.calls import Calls
from bot.slack.retries import BROKEN_CONNECTION, RATE_LIMIT_BUDGET, RECONNECT_SECONDS, retry_after


@dataclass(frozen=True, slots=True)
class Posted:
    """What Slack answered."""

    status: int
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Poster:
    """Posts over the session that everything else goes over, too. `calls` is shown every answer."""

    session: aiohttp.ClientSession
    proxy: str | None
    headers: Mapping[str, str]
    clock: Clock
    calls: Calls | None

    async def post(self, url: str, message: Mapping[str, Any]) -> Posted:
        """Post a message: once more where the connection broke, and again after a 429 that lasts only a moment.

        Raises aiohttp.ClientError and OSError.
        """
        body = _encoded(message)
        left, may_reconnect = RATE_LIMIT_BUDGET, True
        while True:
            try:
                posted = await self._send(url, body)
            except BROKEN_CONNECTION:
                if not may_reconnect:
                    raise
                may_reconnect = False
                await asyncio.sleep(RECONNECT_SECONDS)
                continue
            seconds = retry_after(posted.headers) if posted.status == 429 else None
            if seconds is None or seconds > left:
                return posted
            left -= seconds
            await self.clock.sleep(seconds)
            if self.calls is not None:
                self.calls.waited_for(url, seconds)

    async def _send(self, url: str, body: bytes) -> Posted:
        try:
            async with self.session.post(url, data=body, headers=self.headers, proxy=self.proxy) as response:
                await response.read()
        except Exception as error:
            if self.calls is not None:
                self.calls.failed(error)
            raise
        if self.calls is not None:
            self.calls.posted(response.status)
        return Posted(response.status, response.headers)


def _encoded(message: Mapping[str, Any]) -> bytes:
    try:
        return to_json(message)  # in a third of the time
    except PydanticSerializationError:
        # Half of a character, from an answer of Slack's: only as an escape can it be sent.
        return json.dumps(message).encode()
