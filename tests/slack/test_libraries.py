"""What slack_sdk and Bolt do that we rely on, or work around, and that they don't promise."""

import io
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot import logs
from bot.logs import sdk_logger
from bot.metrics import Metrics
from bot.slack.calls import Attempts, SlackHealth
from tests.manual_clock import ManualClock


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


def test_bolt_warns_about_a_token_in_the_environment_and_that_is_kept_quiet(
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
        assert "client" in stream.getvalue(), "Bolt no longer warns: only_errors can go"
        stream.truncate(0)
        level = sdk_logger.level
        with logs.only_errors():
            build()
        assert stream.getvalue().strip("\0") == ""
        assert sdk_logger.level == level
    finally:
        sdk_logger.removeHandler(handler)


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

    attempts = Attempts(ManualClock(), None, reconnects=False, budget=0)
    async with served(answer) as base_url, aiohttp.ClientSession() as session:
        client = AsyncWebClient(base_url=base_url, session=session, retry_handlers=[attempts])
        with pytest.raises((SlackApiError, AttributeError)):
            await client.api_call("a.method")
    assert attempts.answer is not None, "slack_sdk no longer shows its answers to retry handlers"
    assert (attempts.answer.status, attempts.answer.body) == (200, read)


async def test_a_retry_handler_sees_a_success_too() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"ok": True})

    clock = ManualClock()
    async with served(answer) as base_url, aiohttp.ClientSession() as session:
        calls = SlackHealth(base_url, Metrics(), clock, ())
        attempts = Attempts(clock, calls, reconnects=False, budget=0)
        await AsyncWebClient(base_url=base_url, session=session, retry_handlers=[attempts]).api_call("a.method")
    assert calls.heard_at == clock.monotonic(), "slack_sdk no longer shows a success: Calls would miss it"
    assert attempts.answer is None, "it may hold a token"
