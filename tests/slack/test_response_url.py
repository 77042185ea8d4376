"""Posting to a `response_url`: what is sent again, what is counted, and that it goes nowhere else and into no log."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot import logs
from bot.metrics import RATE_LIMIT_WAITS, SLACK_CALLS, Metrics
from bot.slack.calls import RATE_LIMIT_BUDGET, RESPONSE_URL, SlackHealth
from bot.slack.client import ClientFactory, open_session
from tests.manual_clock import ManualClock

Answer = web.Response | None
"""An answer of the server; None where it hangs up instead."""


@dataclass
class AnsweringServer:
    """A server that gives its answers in turn, and the last of them from then on."""

    answers: Sequence[Answer]
    clock: ManualClock = field(default_factory=ManualClock)
    metrics: Metrics = field(default_factory=Metrics)
    received: list[web.BaseRequest] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        self.received.append(request)
        self.bodies.append(json.loads(await request.read()))
        answer = self.answers[min(len(self.received), len(self.answers)) - 1]
        if answer is None:
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        return web.Response(status=answer.status, headers=answer.headers)

    def counted(self, code: str) -> float:
        return _value(self.metrics.scrape(), f'{SLACK_CALLS.name}{{code="{code}",method="{RESPONSE_URL}"}}')


def _value(scraped: str, name: str) -> float:
    return next((float(line.split()[-1]) for line in scraped.splitlines() if line.startswith(name)), 0.0)


@asynccontextmanager
async def posting(server: AnsweringServer) -> AsyncIterator[tuple[ClientFactory, str]]:
    """Serve, and lend what posts, with an address, until the block ends."""
    runner = web.ServerRunner(web.Server(server.serve))
    await runner.setup()
    async with open_session() as session:
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            calls = SlackHealth("https://slack.com/api/", server.metrics, server.clock, ())
            yield (
                ClientFactory(session, "https://slack.com/api/", None, server.clock, calls),
                f"http://127.0.0.1:{runner.addresses[0][1]}/commands/T/1/secret",
            )
        finally:
            await runner.cleanup()


@pytest.mark.parametrize(("status", "code"), [(200, "ok"), (404, "http_error"), (503, "http_error")])
async def test_an_answer_is_taken_as_it_is_and_counted_once(status: int, code: str) -> None:
    server = AnsweringServer([web.Response(status=status)])
    async with posting(server) as (poster, url):
        assert (await poster.post(url, {"text": "Hi"})).status_code == status
    assert server.bodies == [{"text": "Hi"}]
    assert server.received[0].headers["Content-Type"] == "application/json;charset=utf-8"
    assert server.counted(code) == 1


@pytest.mark.parametrize("text", ["Zoë ✓ 🔑", 'a "quote"\\ and\x00 more', "half of a key: \ud83d", "\u2028"])
async def test_every_text_arrives_as_it_is(text: str) -> None:
    server = AnsweringServer([web.Response()])
    async with posting(server) as (poster, url):
        await poster.post(url, {"text": text, "blocks": [{"type": "divider"}], "replace_original": False})
    assert server.bodies == [{"text": text, "blocks": [{"type": "divider"}], "replace_original": False}]


async def test_a_broken_connection_is_replaced_once() -> None:
    server = AnsweringServer([None, web.Response()])
    async with posting(server) as (poster, url):
        assert (await poster.post(url, {"text": "Hi"})).status_code == 200
    assert server.bodies == [{"text": "Hi"}] * 2
    assert (server.counted("connection_failed"), server.counted("ok")) == (1, 1)


async def test_a_connection_that_breaks_again_is_an_error() -> None:
    server = AnsweringServer([None])
    async with posting(server) as (poster, url):
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await poster.post(url, {"text": "Hi"})
    assert len(server.received) == 2
    assert server.counted("connection_failed") == 2


async def test_a_short_wait_that_slack_asks_for_is_waited() -> None:
    server = AnsweringServer([web.Response(status=429, headers={"Retry-After": "3"}), web.Response()])
    async with posting(server) as (poster, url):
        post = asyncio.ensure_future(poster.post(url, {"text": "Hi"}))
        await server.clock.until_asleep(3)
        assert len(server.received) == 1
        server.clock.advance(3)
        assert (await post).status_code == 200
    assert (server.counted("ratelimited"), server.counted("ok")) == (1, 1)
    assert _value(server.metrics.scrape(), f'{RATE_LIMIT_WAITS.name}_sum{{method="{RESPONSE_URL}"}}') == 3


@pytest.mark.parametrize("headers", [{}, {"Retry-After": f"{RATE_LIMIT_BUDGET + 1:.0f}"}])
async def test_a_wait_that_is_too_long_or_unknown_is_left_to_the_caller(headers: dict[str, str]) -> None:
    server = AnsweringServer([web.Response(status=429, headers=headers)])
    async with posting(server) as (poster, url):
        assert (await poster.post(url, {"text": "Hi"})).status_code == 429
    assert len(server.received) == 1


async def test_all_waits_of_one_message_together_are_short() -> None:
    server = AnsweringServer([web.Response(status=429, headers={"Retry-After": "6"})])
    async with posting(server) as (poster, url):
        post = asyncio.ensure_future(poster.post(url, {"text": "Hi"}))
        await server.clock.until_asleep(6)
        server.clock.advance(6)
        assert (await post).status_code == 429
    assert len(server.received) == 2


async def test_a_redirect_is_not_followed() -> None:
    elsewhere = AnsweringServer([web.Response()])
    async with posting(elsewhere) as (_, other):
        server = AnsweringServer([web.Response(status=307, headers={"Location": other})])
        async with posting(server) as (poster, url):
            with pytest.raises(aiohttp.ClientError) as refused:
                await poster.post(url, {"text": "Hi"})
    assert elsewhere.received == []
    assert len(server.received) == 1
    assert "secret" not in str(refused.value)


async def test_an_address_and_a_message_are_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    logs.configure("DEBUG", "text")
    caplog.set_level(logging.DEBUG)
    server = AnsweringServer([None, web.Response(status=429, headers={"Retry-After": "3"}), web.Response()])
    async with posting(server) as (poster, url):
        post = asyncio.ensure_future(poster.post(url, {"text": "only for Ada"}))
        await server.clock.until_asleep(3)
        server.clock.advance(3)
        assert (await post).status_code == 200
    assert "secret" not in caplog.text
    assert "Ada" not in caplog.text


async def test_a_proxy_in_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    server = AnsweringServer([web.Response()])
    async with posting(server) as (poster, url):
        assert (await poster.post(url, {"text": "Hi"})).status_code == 200
        assert poster.web(None).proxy is None
