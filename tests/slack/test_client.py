"""What any call of Slack's takes for an answer: no other address's, and no more than Slack sends."""

import gzip
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from unittest.mock import ANY

import aiohttp
import pytest
from aiohttp import web
from pydantic import SecretStr
from slack_sdk.errors import SlackApiError

from bot.slack.client import MAX_ANSWER, ClientFactory, open_session
from tests.manual_clock import ManualClock

Answer = Callable[[], web.Response]
METHODS = ["apps.auth.external.get", "users.info", "auth.test"]
OK = b'{"ok": true, "padding": "%s"}'


@dataclass
class Api:
    """A server that answers everything in one way."""

    answer: Answer
    url: str = ""
    received: list[web.BaseRequest] = field(default_factory=list)

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        self.received.append(request)
        return self.answer()


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[tuple[Api, ClientFactory]]:
    api = Api(answer)
    runner = web.ServerRunner(web.Server(api.serve))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    api.url = f"http://127.0.0.1:{runner.addresses[0][1]}/api/"
    async with open_session() as session:
        yield api, ClientFactory(session, api.url, None, ManualClock())
    await runner.cleanup()


def _json(body: bytes, **headers: str) -> Answer:
    return lambda: web.Response(body=body, content_type="application/json", headers=headers)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_call_goes_on_to_another_address(method: str, status: int) -> None:
    async with serving(_json(OK % b"")) as (elsewhere, _):
        to = {"Location": elsewhere.url}
        async with serving(lambda: web.Response(status=status, headers=to)) as (api, clients):
            with pytest.raises((aiohttp.ClientError, SlackApiError)):
                await clients.web(SecretStr("xoxb-1"), once=True).api_call(method)
        assert len(api.received) == 1
        assert elsewhere.received == []


async def test_an_answer_is_read_up_to_a_size() -> None:
    async with serving(_json(OK % (b"x" * (MAX_ANSWER - len(OK) + 2)))) as (_, clients):
        assert await clients.web(None, once=True).api_call("auth.test") == ANY
    async with serving(_json(OK % (b"x" * MAX_ANSWER))) as (_, clients):
        with pytest.raises(aiohttp.ClientPayloadError):
            await clients.web(None, once=True).api_call("auth.test")


async def test_a_compressed_answer_is_not_unpacked() -> None:
    packed = gzip.compress(json.dumps({"ok": True, "padding": "x" * 50_000_000}).encode())
    assert len(packed) < 100_000
    async with serving(_json(packed, **{"Content-Encoding": "gzip"})) as (api, clients):
        with pytest.raises((SlackApiError, ValueError)):
            await clients.web(None, once=True).api_call("auth.test")
    assert api.received[0].headers["Accept-Encoding"] == "identity"
