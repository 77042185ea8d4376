"""What slack_sdk and Bolt do that we rely on, or work around: if one of these fails, look at `bot/slack/compat.py`."""

import io
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.logs import sdk_logger
from bot.slack import compat
from bot.slack.retries import AnswerRecorder

PROXY = "http://proxy.from.the.environment:3128"


@asynccontextmanager
async def served(answer: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    """Answer every POST until the block ends, at this address."""
    server = web.Application()
    server.router.add_post("/{method}", answer)
    runner = web.AppRunner(server, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


def test_a_client_given_no_proxy_takes_one_from_the_environment_and_set_proxy_undoes_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    client = AsyncWebClient(proxy=None)
    assert client.proxy == PROXY, "slack_sdk no longer reads HTTPS_PROXY: set_proxy can go"
    compat.set_proxy(client, None)
    assert client.proxy is None


def test_bolt_warns_about_a_token_in_the_environment_and_build_app_keeps_that_quiet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=None, team_id=None)

    def build() -> AsyncApp:
        return AsyncApp(logger=sdk_logger, client=AsyncWebClient(), authorize=authorize, signing_secret="x")

    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-from-the-environment")
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    sdk_logger.addHandler(handler)
    try:
        build()
        assert "client" in stream.getvalue(), "Bolt no longer warns: build_app can go"
        stream.truncate(0)
        level = sdk_logger.level
        compat.build_app(build)
        assert stream.getvalue().strip("\0") == ""
        assert sdk_logger.level == level
    finally:
        sdk_logger.removeHandler(handler)


async def test_each_request_has_a_client_and_a_context_like_bolt_s_own() -> None:
    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=None, team_id=None)

    def request() -> AsyncBoltRequest:
        return AsyncBoltRequest(mode="socket_mode", body={"command": "/extauth", "team_id": "T1"})

    client = AsyncWebClient(base_url="http://slack/")
    bolt_s, ours = (
        kind(logger=sdk_logger, client=client, signing_secret="x", authorize=authorize)
        for kind in (AsyncApp, compat.App)
    )
    expected, first, second = request(), request(), request()
    bolt_s._init_context(expected)
    ours._init_context(first)
    ours._init_context(second)
    assert first.context.keys() == expected.context.keys(), "Bolt's contexts hold something else now: see compat.App"
    assert vars(first.context.client).keys() == vars(expected.context.client).keys()
    assert first.context.client.base_url == "http://slack/"
    first.context.client.token = "xoxb-of-one-workspace"
    assert second.context.client.token is None
    assert ours.client.token is None


@pytest.mark.parametrize(
    ("body", "content_type", "read"),
    [
        ('{"ok": false, "error": "x"}', "application/json", {"ok": False, "error": "x"}),
        ("[]", "application/json", []),
        ('[{"ok": true}]', "application/json", [{"ok": True}]),
        ("null", "application/json", None),
        ("hello", "text/plain", None),
        ("<html>", "text/html", None),
    ],
)
async def test_a_retry_handler_sees_every_answer_before_slack_sdk_judges_it(
    body: str, content_type: str, read: object
) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=body, content_type=content_type)

    recorder = AnswerRecorder()
    async with served(answer) as base_url, aiohttp.ClientSession() as session:
        client = AsyncWebClient(base_url=base_url, session=session, retry_handlers=[recorder])
        with pytest.raises((SlackApiError, AttributeError)):
            await client.api_call("a.method")
    assert recorder.answer is not None, "slack_sdk no longer shows its answers to retry handlers"
    assert (recorder.answer.status, recorder.answer.body) == (200, read)


async def test_a_retry_handler_sees_a_success_too() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"ok": True})

    recorder = AnswerRecorder()
    async with served(answer) as base_url, aiohttp.ClientSession() as session:
        client = AsyncWebClient(base_url=base_url, session=session, retry_handlers=[recorder])
        await client.api_call("a.method")
    assert recorder.answer is not None, "slack_sdk no longer shows a success: Calls would miss it"
    assert recorder.answer.body == {"ok": True}
