"""HTTP's own troubles: forged requests, odd bodies, a taken port."""

import asyncio
import time

import aiohttp
import pytest

from bot import settings
from bot.clock import SystemClock
from bot.sandbox.run import variables
from bot.sandbox.slack.delivery import SignedHttp
from bot.server.errors import StartError
from bot.server.http import HttpReceiver
from bot.server.lifecycle import Receiver, serve
from tests.bot_process import simulated_slack
from tests.harness import open_harness


async def test_a_forged_or_replayed_request_is_turned_away() -> None:
    async with open_harness("http") as harness, aiohttp.ClientSession() as session:
        assert isinstance(harness.workspace.delivery, SignedHttp)
        url = harness.workspace.delivery.url
        fresh, old = str(int(time.time())), str(int(time.time()) - 600)
        for headers in (
            {},
            {"X-Slack-Request-Timestamp": fresh, "X-Slack-Signature": "v0=" + "0" * 64},
            {"X-Slack-Request-Timestamp": old, "X-Slack-Signature": "v0=" + "0" * 64},
        ):
            async with session.post(url, data={"command": "/extauth", "text": "get Et1"}, headers=headers) as response:
                assert response.status == 401
        assert harness.calls("apps.auth.external.get") == []


async def test_a_body_that_is_no_text_is_a_bad_request() -> None:
    async with open_harness("http") as harness, aiohttp.ClientSession() as session:
        assert isinstance(harness.workspace.delivery, SignedHttp)
        async with session.post(harness.workspace.delivery.url, data=b"\xff\xfe") as response:
            assert response.status == 400


async def test_a_taken_port_is_one_line() -> None:
    async with simulated_slack() as slack:
        stop = asyncio.Event()
        ready: asyncio.Future[Receiver] = asyncio.get_running_loop().create_future()
        first = asyncio.ensure_future(
            serve(settings.read(variables(slack)), "http", SystemClock(), stop, ready.set_result)
        )
        receiver = await ready
        assert isinstance(receiver, HttpReceiver)
        configured = settings.read({**variables(slack), "PORT": str(receiver.port)})
        with pytest.raises(StartError, match="Set PORT to another one"):
            await serve(configured, "http", SystemClock(), asyncio.Event())
        stop.set()
        await first
