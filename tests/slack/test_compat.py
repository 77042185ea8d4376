"""What slack_sdk and Bolt do that we rely on, or work around: if one of these fails, look at `bot/slack/compat.py`."""

import asyncio
import io
import logging

import aiohttp
import pytest
from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.logs import sdk_logger
from bot.slack import compat
from bot.slack.retries import AnswerRecorder

PROXY = "http://proxy.from.the.environment:3128"


async def _client() -> SocketModeClient:
    return SocketModeClient("xapp-1", logger=sdk_logger, web_client=AsyncWebClient())


async def test_a_client_given_no_proxy_takes_one_from_the_environment_and_set_proxy_undoes_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    socket_mode = await _client()
    for client in (AsyncWebClient(proxy=None), AsyncWebhookClient("https://x.example"), socket_mode):
        assert client.proxy == PROXY, "slack_sdk no longer reads HTTPS_PROXY: set_proxy can go"
        compat.set_proxy(client, None)
        assert client.proxy is None
    await socket_mode.close()  # type: ignore[no-untyped-call]


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


async def test_connect_keeps_to_an_address_until_it_is_forgotten() -> None:
    asked: asyncio.Queue[str] = asyncio.Queue()

    async def refuse(request: web.Request) -> web.Response:
        asked.put_nowait(request.path)
        return web.Response(status=401)

    server = web.Application()
    server.router.add_get("/{ticket}", refuse)
    runner = web.AppRunner(server, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"ws://127.0.0.1:{runner.addresses[0][1]}"
    client = await _client()
    client.ping_interval = 0.01
    client.logger = logging.getLogger("tests.quiet")
    client.logger.setLevel(logging.CRITICAL)
    compat.use_address(client, f"{base}/old")
    connecting = asyncio.ensure_future(client.connect())  # type: ignore[no-untyped-call]
    try:
        async with asyncio.timeout(10):
            first = {await asked.get() for _ in range(3)}
        assert first == {"/old"}, "slack_sdk no longer insists on an address: forget_stale_address can go"

        async def issue_new_wss_url() -> str:
            return f"{base}/new"

        client.issue_new_wss_url = issue_new_wss_url  # type: ignore[method-assign]
        await compat.forget_stale_address(client)
        async with asyncio.timeout(10):
            while await asked.get() != "/new":
                continue
    finally:
        connecting.cancel()
        await client.close()  # type: ignore[no-untyped-call]
        await runner.cleanup()


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

    server = web.Application()
    server.router.add_post("/{method}", answer)
    runner = web.AppRunner(server, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    recorder = AnswerRecorder()
    async with aiohttp.ClientSession() as session:
        client = AsyncWebClient(
            base_url=f"http://127.0.0.1:{runner.addresses[0][1]}/", session=session, retry_handlers=[recorder]
        )
        with pytest.raises((SlackApiError, AttributeError)):
            await client.api_call("a.method")
    await runner.cleanup()
    assert recorder.answer is not None, "slack_sdk no longer shows its answers to retry handlers"
    assert (recorder.answer.status, recorder.answer.body) == (200, read)
