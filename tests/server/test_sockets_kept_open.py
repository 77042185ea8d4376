"""What Slack and the network do to Socket Mode's connections: no command is lost, and readiness tells the truth."""

import asyncio
import logging

import pytest

from bot.sandbox.slack.delivery import LEAVE_SECONDS
from bot.server.socket_connection import MAX_UNHEARD, PING_SECONDS
from bot.server.socket_mode import HOPELESS_SECONDS, RETRY_SECONDS, STALE_SECONDS
from tests.harness import ADMIN, Harness
from tests.operator import open_operator

WITHIN_SECONDS = 30.0
"""The seconds within which readiness must tell."""
OPEN = "apps.connections.open"


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The lines about connections, without the routine of opening the first."""
    lines = [record.message for record in caplog.records if record.name == "bot.server.socket_mode"]
    return [line for line in lines if line != "Socket Mode is connected"]


async def until_open(harness: Harness, count: int) -> None:
    await harness.state.until(lambda: harness.slack.socket_mode.open_connections == count)


async def pass_silently(harness: Harness, seconds: float) -> None:
    """Let time go by as pings go unanswered: each is sent before the next is due."""
    for _ in range(round(seconds / PING_SECONDS)):
        await harness.clock.until_asleep(PING_SECONDS)
        harness.clock.advance(PING_SECONDS)


async def commands_go_through(harness: Harness, first: int, count: int = 4) -> None:
    """Type some commands at once, each of which must be acknowledged and answered once."""
    texts = [f"/extauth get EtNone{number}" for number in range(first, first + count)]
    before = len(harness.workspace.messages(ADMIN))
    assert all(await asyncio.gather(*(harness.workspace.command(ADMIN, text) for text in texts)))
    await harness.state.until(lambda: len(harness.workspace.messages(ADMIN)) >= before + count)
    sent = [call["external_token_id"] for call in harness.calls("apps.auth.external.get")]
    assert sorted(sent[-count:]) == sorted(text.split()[-1] for text in texts)
    assert len(harness.workspace.messages(ADMIN)) == before + count


@pytest.mark.parametrize("connections", ["1", "2"])
@pytest.mark.parametrize("reason", ["refresh_requested", "warning", "something new"])
async def test_a_refresh_leaves_no_gap(reason: str, connections: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    count = int(connections)
    async with open_operator("socket", EXTAUTH_SOCKET_CONNECTIONS=connections) as operator:
        harness = operator.harness
        socket_mode = harness.slack.socket_mode
        await until_open(harness, count)
        typing = asyncio.ensure_future(commands_go_through(harness, 0, 20))
        await socket_mode.refresh(reason)
        await typing
        # Both generations are open, and Slack uses either.
        await until_open(harness, 2 * count)
        await commands_go_through(harness, 20)
        assert await operator.problems() == {}
        harness.clock.advance(LEAVE_SECONDS)
        await until_open(harness, count)
        await commands_go_through(harness, 40)
        assert (socket_mode.connections, await operator.problems()) == (2 * count, {})
        numbers = await operator.numbers()
        assert numbers["extauth_socket_connections"] == count
        assert numbers["extauth_socket_opened_total"] == 2 * count
        ended = "other" if reason == "something new" else reason
        assert numbers[f"extauth_socket_ended_total{{{ended}}}"] == count
    assert [line for line in told(caplog) if line != "a Socket Mode connection ended"] == []


async def test_one_silent_connection_of_two_is_replaced(caplog: pytest.LogCaptureFixture) -> None:
    async with open_operator("socket") as operator:
        harness = operator.harness
        await until_open(harness, 2)
        harness.slack.socket_mode.fall_silent(1)
        await pass_silently(harness, (MAX_UNHEARD + 1) * PING_SECONDS)
        await harness.state.until(lambda: harness.slack.socket_mode.connections == 3)
        await commands_go_through(harness, 0)
        assert await operator.problems() == {}
        assert (await operator.numbers())["extauth_socket_ended_total{silent}"] == 1
    assert told(caplog) == ["A Socket Mode connection went silent; reconnecting"]


async def test_readiness_tells_that_all_connections_are_silent_and_that_they_are_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    async with open_operator("socket") as operator:
        harness = operator.harness
        await until_open(harness, 2)
        harness.slack.web_api.failures[OPEN] = "internal_error"
        harness.slack.socket_mode.fall_silent(2)
        await pass_silently(harness, WITHIN_SECONDS)
        assert await operator.problems() == {"receiver": "no connection (internal_error)"}
        harness.slack.web_api.failures.clear()
        harness.clock.advance(RETRY_SECONDS[-1])
        await until_open(harness, 2)
        await operator.until_ready()
        await commands_go_through(harness, 0)
    lines = told(caplog)
    assert lines.count("Socket Mode is disconnected; reconnecting") == 1
    assert lines.count("A Socket Mode connection can't be opened; trying again") == 1
    assert lines.count("Socket Mode is connected again") == 1
    assert [record for record in caplog.records if record.exc_info] == []


async def test_a_connection_that_is_only_said_to_be_open_does_not_make_it_ready() -> None:
    """Readiness goes by Slack's own signs: here nothing has come for as long as it takes, and the socket is open."""
    async with open_operator("socket", EXTAUTH_SOCKET_CONNECTIONS="1") as operator:
        harness = operator.harness
        harness.slack.socket_mode.fall_silent(1)
        harness.clock.advance(STALE_SECONDS + 1)
        assert harness.slack.socket_mode.open_connections == 1
        assert await operator.problems() == {"receiver": "no connection (silent)"}


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("internal_error", "A Socket Mode connection can't be opened; trying again"),
        ("token_revoked", "Slack doesn't accept SLACK_APP_TOKEN for Socket Mode any longer. Set a new one"),
        ("socket_mode_not_enabled", "Socket Mode is off. Turn it on in the app's settings"),
    ],
)
async def test_a_refused_reconnect_is_told_and_tried_until_it_works(
    code: str, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_operator("socket") as operator:
        harness = operator.harness
        await until_open(harness, 2)
        await commands_go_through(harness, 0)
        harness.slack.web_api.failures[OPEN] = code
        if code == "socket_mode_not_enabled":
            await harness.slack.socket_mode.switch_off()
        else:
            await harness.slack.socket_mode.drop()
        await until_open(harness, 0)
        await harness.clock.until_asleep(HOPELESS_SECONDS if code != "internal_error" else RETRY_SECONDS[2])
        assert list(await operator.problems()) == ["receiver"]
        del harness.slack.web_api.failures[OPEN]
        harness.clock.advance(HOPELESS_SECONDS)
        await until_open(harness, 2)
        await operator.until_ready()
        await commands_go_through(harness, 20)
    lines = told(caplog)
    assert (lines.count("Socket Mode is disconnected; reconnecting"), lines.count(line)) == (1, 1)
    assert [record for record in caplog.records if record.exc_info] == []


async def test_a_connection_too_many_is_told_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    async with open_operator("socket", EXTAUTH_SOCKET_CONNECTIONS="1") as operator:
        harness = operator.harness
        socket_mode = harness.slack.socket_mode
        socket_mode.most_connections = 1
        # There's no place for the next connection before the old one has gone.
        await socket_mode.refresh("warning")
        await harness.clock.until_asleep(RETRY_SECONDS[1])
        assert list(await operator.problems()) == ["receiver"]
        harness.clock.advance(RETRY_SECONDS[1])
        await until_open(harness, 1)
        await operator.until_ready()
        await commands_go_through(harness, 0)
        assert (await operator.numbers())["extauth_socket_refused_total{too_many_websockets}"] == 1
    assert any("Lower EXTAUTH_SOCKET_CONNECTIONS" in line for line in told(caplog))


async def test_the_same_envelope_over_two_connections_is_run_once() -> None:
    async with open_operator("socket") as operator:
        harness = operator.harness
        socket_mode = harness.slack.socket_mode
        await until_open(harness, 2)
        payload = {
            "command": "/extauth",
            "text": "delete EtGoogle0001 --yes",
            "user_id": ADMIN,
            "team_id": "T0SANDBOX",
            "trigger_id": harness.state.new_trigger(ADMIN),
            "response_url": harness.slack.base_url + harness.state.new_response_url("commands", ADMIN, "C1"),
        }
        await socket_mode.send("envelope-1", "slash_commands", payload)
        await socket_mode.send("envelope-1", "slash_commands", payload)
        await socket_mode.send("envelope-2", "slash_commands", payload)
        await harness.state.until(lambda: len(harness.workspace.messages(ADMIN)) == 1)
        assert sorted(socket_mode.delivered.values()) == [1, 2]
        assert len(harness.calls("apps.auth.external.delete")) == 1
        assert len(harness.calls("acknowledgement")) == 3


async def test_traffic_is_spread_and_a_closed_connection_is_opened_again(caplog: pytest.LogCaptureFixture) -> None:
    async with open_operator("socket", EXTAUTH_SOCKET_CONNECTIONS="3") as operator:
        harness = operator.harness
        await until_open(harness, 3)
        await commands_go_through(harness, 0, 6)
        assert list(harness.slack.socket_mode.delivered.values()) == [2, 2, 2]
        await harness.slack.socket_mode.drop()
        await harness.state.until(lambda: harness.slack.socket_mode.connections == 6)
        await operator.until_ready()
        await commands_go_through(harness, 10, 6)
