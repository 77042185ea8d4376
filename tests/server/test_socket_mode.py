"""Socket Mode's own troubles: repeated envelopes, renewed and broken connections, refused tokens."""

import asyncio
from typing import Any

import pytest

from bot import settings
from bot.clock import SystemClock
from bot.operation import Operation
from bot.sandbox.run import open_sandbox, variables
from bot.server import StartError
from bot.server.lifecycle import serve
from tests.bot_process import simulated_slack
from tests.explanations.expected import title
from tests.harness import ADMIN, open_harness

ONE = {"EXTAUTH_SOCKET_CONNECTIONS": "1"}


async def test_a_repeated_envelope_is_executed_once_and_answered_twice() -> None:
    async with open_harness("socket") as harness:
        payload = {
            "command": "/extauth",
            "text": "get EtGoogle0001",
            "user_id": ADMIN,
            "team_id": "T0SANDBOX",
            "trigger_id": harness.state.new_trigger(ADMIN),
            "response_url": harness.slack.base_url + harness.state.new_response_url("commands", ADMIN, "C1"),
        }
        socket_mode = harness.slack.socket_mode
        await socket_mode.send("envelope-1", "slash_commands", payload)
        await socket_mode.send("envelope-1", "slash_commands", payload)
        await harness.state.until(lambda: len(harness.workspace.messages(ADMIN)) == 1)
        assert len(harness.calls("apps.auth.external.get")) == 1
        assert len(harness.calls("acknowledgement")) == 2


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("SLACK_BOT_TOKEN", "xoxb-this-is-not-it", "Slack doesn't accept SLACK_BOT_TOKEN (invalid_auth)"),
        (
            "SLACK_APP_TOKEN",
            "xapp-this-is-not-it",
            "Slack doesn't accept SLACK_APP_TOKEN for Socket Mode (invalid_auth)",
        ),
    ],
)
async def test_a_refused_token_stops_the_start_with_a_line(variable: str, value: str, says: str) -> None:
    async with simulated_slack() as slack:
        configured = settings.read({**variables(slack), variable: value})
        with pytest.raises(StartError) as caught:
            await serve(configured, "socket", SystemClock(), asyncio.Event())
        assert str(caught.value).startswith(says)


async def test_an_unreachable_slack_is_waited_for() -> None:
    configured = settings.read(
        {
            "SLACK_BOT_TOKEN": "xoxb-1234567890",
            "SLACK_APP_TOKEN": "xapp-1234567890",
            "EXTAUTH_SECRET_KEY": "k" * 32,
            "SLACK_API_URL": "http://127.0.0.1:9/api/",
        }
    )
    stop = asyncio.Event()
    serving = asyncio.ensure_future(serve(configured, "socket", SystemClock(), stop))
    await asyncio.sleep(0.2)
    assert not serving.done()
    stop.set()
    await asyncio.wait_for(serving, 5)


async def test_two_bots_share_the_work() -> None:
    async with open_sandbox("socket", more=ONE) as slack:
        stop = asyncio.Event()
        second = asyncio.ensure_future(serve(settings.read({**variables(slack), **ONE}), "socket", SystemClock(), stop))
        await slack.state.until(lambda: slack.socket_mode.open_connections == 2)
        for number in range(4):
            assert await slack.workspace.command(ADMIN, f"/extauth get EtNone{number}")
        await slack.state.until(lambda: len(slack.workspace.messages(ADMIN)) == 4)
        assert list(slack.socket_mode.delivered.values()) == [2, 2]
        told = " ".join(str(message.blocks) for message in slack.workspace.messages(ADMIN))
        assert title("token_not_found", Operation.GET) in told
        stop.set()
        await second


@pytest.mark.parametrize(
    "payload", [{}, {"team": 5}, {"type": "block_actions"}, {"command": "/extauth", "user_id": 7}, {"type": 7}]
)
async def test_a_malformed_envelope_is_counted_and_not_acknowledged(
    payload: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_harness("socket") as harness:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await harness.slack.socket_mode.send("envelope-1", "interactive", payload)
        assert "[Show token]" in harness.read(await harness.types("/extauth get EtGoogle0001"))
    assert "requests were rejected" in caplog.messages
    assert [record for record in caplog.records if record.exc_info] == []
