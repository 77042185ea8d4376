"""Two deployments on one app token are told of each other, and the processes of one deployment aren't."""

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from bot import settings
from bot.clock import Clock
from bot.jobs.open_sockets import FRESH_SECONDS, OpenSockets
from bot.sandbox.run import serving, variables
from bot.sandbox.slack.server import SimulatedSlack
from bot.server.other_sockets import WARNING, WATCH_SECONDS
from bot.storage import schema
from bot.storage.address import database_url
from bot.storage.engine import open_database
from tests.bot_process import simulated_slack
from tests.manual_clock import ManualClock

CHANNEL = "C0AUDIT"


@asynccontextmanager
async def bot(slack: SimulatedSlack, database: Path, clock: Clock, **more: str) -> AsyncIterator[None]:
    configured = {**variables(slack), "DATABASE_URL": f"sqlite:///{database}", "EXTAUTH_AUDIT_CHANNEL": CHANNEL, **more}
    before = slack.socket_mode.open_connections
    async with serving(settings.read(configured), "socket", clock):
        await slack.state.until(lambda: slack.socket_mode.open_connections >= before + 2)
        yield


async def minutes(clock: ManualClock, count: int, bots: int = 1) -> None:
    for _ in range(count):
        await clock.until_asleep(WATCH_SECONDS, bots)
        clock.advance(WATCH_SECONDS)
    await clock.until_asleep(WATCH_SECONDS, bots)


def told(caplog: pytest.LogCaptureFixture) -> int:
    return sum(record.getMessage() == WARNING for record in caplog.records)


def posted(slack: SimulatedSlack) -> int:
    posts = [one for one in slack.state.traffic if one.kind == "chat.postMessage" and one.body["channel"] == CHANNEL]
    return sum(WARNING in str(one.body["text"]) for one in posts)


async def test_with_two_databases_the_log_and_the_audit_channel_say_it_once_a_day(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = ManualClock()
    async with AsyncExitStack() as stack:
        slack = await stack.enter_async_context(simulated_slack(clock))
        await stack.enter_async_context(bot(slack, tmp_path / "one.db", ManualClock()))
        await stack.enter_async_context(bot(slack, tmp_path / "two.db", clock))
        await minutes(clock, 2)
        assert told(caplog) == 0, "Slack is asked again first"
        await minutes(clock, 1)
        assert told(caplog) == 1
        await slack.state.until(lambda: posted(slack) == 1)
        await minutes(clock, 50)
        assert told(caplog) == 1


async def test_processes_of_one_database_are_no_strangers(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    clock = ManualClock()
    async with AsyncExitStack() as stack:
        slack = await stack.enter_async_context(simulated_slack(clock))
        await stack.enter_async_context(bot(slack, tmp_path / "one.db", clock))
        await stack.enter_async_context(bot(slack, tmp_path / "one.db", clock))
        await minutes(clock, 2, bots=2)
        await slack.socket_mode.refresh()
        await minutes(clock, 5, bots=2)
        assert (told(caplog), posted(slack)) == (0, 0)


async def test_what_others_left_open_for_a_while_is_forgotten(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock()
    async with simulated_slack() as slack:
        async with bot(slack, tmp_path / "one.db", ManualClock()), bot(slack, tmp_path / "two.db", clock):
            await minutes(clock, 2)
        async with bot(slack, tmp_path / "two.db", clock):
            await minutes(clock, 5)
        assert told(caplog) == 0


async def test_each_process_counts_until_it_falls_silent(new_url: str) -> None:
    database, clock = open_database(database_url(new_url)), ManualClock()
    await database.run(schema.migrate)
    one, two, three = (OpenSockets(database, clock, name) for name in ("a", "b", "c"))
    assert await one.note(2) == 0
    assert await two.note(3) is None
    assert await one.note(2) == 3
    assert await three.count() == 5
    clock.advance(FRESH_SECONDS)
    assert await two.note(3) == 0
    assert await three.count() == 3
    await database.close()
