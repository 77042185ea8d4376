"""Socket Mode's own troubles: repeated envelopes, renewed and broken connections, refused tokens."""

import asyncio

import pytest

from bot import settings
from bot.clock import SystemClock
from bot.playground import playground, variables
from bot.runners.serving import serve
from bot.runners.start_error import StartError
from tests.bot_process import simulated_slack
from tests.office import ADMIN, open_office


async def test_a_repeated_envelope_is_executed_once_and_answered_twice() -> None:
    async with open_office("socket") as office:
        payload = {
            "command": "/extauth",
            "text": "get EtGoogle0001",
            "user_id": ADMIN,
            "team_id": "T0SANDBOX",
            "trigger_id": office.state.new_trigger(ADMIN),
            "response_url": office.slack.base_url + office.state.new_response_url("commands", ADMIN, "C1"),
        }
        socket_mode = office.slack.socket_mode
        await socket_mode.send("envelope-1", "slash_commands", payload)
        await socket_mode.send("envelope-1", "slash_commands", payload)
        await office.state.until(lambda: len(office.workspace.messages(ADMIN)) == 1)
        assert len(office.calls("apps.auth.external.get")) == 1
        assert len(office.calls("acknowledgement")) == 2


async def test_a_refreshed_connection_is_replaced() -> None:
    async with open_office("socket") as office:
        await office.slack.socket_mode.refresh()
        await office.state.until(lambda: office.slack.socket_mode.connections == 2)
        await office.state.until(lambda: office.slack.socket_mode.open_connections == 1)
        assert "Show token" in office.read(await office.types("/extauth get EtGoogle0001"))


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("SLACK_BOT_TOKEN", "xoxb-this-is-not-it", "Slack does not accept SLACK_BOT_TOKEN (invalid_auth)"),
        (
            "SLACK_APP_TOKEN",
            "xapp-this-is-not-it",
            "Slack does not accept SLACK_APP_TOKEN for Socket Mode (invalid_auth)",
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
    async with playground("socket") as slack:
        stop = asyncio.Event()
        second = asyncio.ensure_future(serve(settings.read(variables(slack)), "socket", SystemClock(), stop))
        await slack.state.until(lambda: slack.socket_mode.open_connections == 2)
        for _ in range(4):
            assert await slack.workspace.command(ADMIN, "/extauth get")
        view = slack.workspace.dialog(ADMIN)
        await slack.state.until(lambda: slack.workspace.dialog(ADMIN) is not None)
        view = slack.workspace.dialog(ADMIN)
        assert view is not None
        await slack.workspace.submit(view, {"external_token_id": "EtGoogle0001"})
        await slack.state.until(lambda: len(slack.workspace.messages(ADMIN)) == 1)
        stop.set()
        await second
