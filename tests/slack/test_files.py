"""Sending a person a file: over the one session, through the proxy, only to Slack, and without a word in the log."""

import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from pydantic import SecretStr
from slack_sdk.errors import SlackApiError

from bot.slack.client import ClientFactory, UntrustedAddress, open_session, send_file
from tests.bot_process import simulated_slack
from tests.manual_clock import ManualClock

TEXT = "external_token_id,state\nEtCanary0001,works\n"


async def test_a_file_arrives_and_nothing_of_it_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with simulated_slack() as slack, open_session() as session:
        clients = ClientFactory(session, slack.api_url, None, ManualClock())
        with caplog.at_level(logging.DEBUG):
            await send_file(clients, SecretStr(slack.state.bot_token), "U0ADMIN", "found.csv", TEXT)
        (message,) = slack.workspace.messages("U0ADMIN")
        assert TEXT in str(json.dumps(message.blocks).encode().decode("unicode_escape"))
        assert "EtCanary0001" not in caplog.text
        assert slack.state.bot_token not in caplog.text
        assert len(slack.web_api.peers) == 1, "each call had a connection of its own"


@pytest.mark.parametrize("scope", ["files:write", "im:write"])
async def test_slack_asks_for_both_scopes(scope: str) -> None:
    async with simulated_slack() as slack, open_session() as session:
        slack.web_api.scopes.discard(scope)
        clients = ClientFactory(session, slack.api_url, None, ManualClock())
        with pytest.raises(SlackApiError, match="missing_scope"):
            await send_file(clients, SecretStr(slack.state.bot_token), "U0ADMIN", "found.csv", TEXT)


@asynccontextmanager
async def _proxy(upload_url: str, status: int = 200) -> AsyncIterator[tuple[str, list[str]]]:
    """A proxy that answers as Slack would, and what it was asked for."""
    asked: list[str] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        asked.append(f"{request.method} {request.url.host}{request.url.path}")
        if request.url.path.startswith("/upload"):
            return web.Response(status=status, headers={"Location": "http://elsewhere.example/"}, text="OK")
        more = {"channel": {"id": "D1"}, "upload_url": upload_url, "file_id": "F1", "files": []}
        return web.json_response({"ok": True, **more})

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", asked
    finally:
        await runner.cleanup()


async def _send_through(proxy: str) -> None:
    async with open_session() as session:
        clients = ClientFactory(session, "http://slack.invalid/api/", proxy, ManualClock())
        await send_file(clients, SecretStr("xoxb-1"), "U1", "found.csv", TEXT)


async def test_every_call_goes_through_the_proxy() -> None:
    async with _proxy("http://slack.invalid/upload/v1/F1") as (proxy, asked):
        await _send_through(proxy)
    assert asked == [
        "POST slack.invalid/api/conversations.open",
        "POST slack.invalid/api/files.getUploadURLExternal",
        "POST slack.invalid/upload/v1/F1",
        "POST slack.invalid/api/files.completeUploadExternal",
    ]


async def test_a_file_is_never_sent_to_an_address_that_is_not_slacks() -> None:
    async with _proxy("http://elsewhere.example/upload/v1/F1") as (proxy, asked):
        with pytest.raises(UntrustedAddress):
            await _send_through(proxy)
    assert len(asked) == 2


@pytest.mark.parametrize("status", [302, 500])
async def test_a_file_that_does_not_arrive_is_not_completed(status: int) -> None:
    async with _proxy("http://slack.invalid/upload/v1/F1", status) as (proxy, asked):
        if status == 500:
            with pytest.raises(aiohttp.ClientResponseError):
                await _send_through(proxy)
        else:
            with pytest.raises(UntrustedAddress):
                await _send_through(proxy)
    assert len(asked) == 3
