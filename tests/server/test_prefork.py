"""Several processes on one port: each serves, and one that dies is replaced."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import aiohttp
import pytest

from bot.sandbox.slack.delivery import SignedHttp
from bot.sandbox.slack.server import SimulatedSlack
from tests.bot_process import BotProcess, bot_process, environment, simulated_slack, start_bot
from tests.databases import new_database, restarted

ADMIN = "U0ADMIN"
pytestmark = pytest.mark.process


@asynccontextmanager
async def two_processes(**settings: str) -> AsyncIterator[tuple[SimulatedSlack, BotProcess]]:
    """A bot that serves in two processes, with these settings beside the necessary ones."""
    both = {"WEB_CONCURRENCY": "2", **settings}
    async with simulated_slack() as slack, bot_process("http", slack, None, **both) as bot:
        await bot.until_said('"serving"', 2)
        yield slack, bot


async def send_twenty(slack: SimulatedSlack, already: int) -> None:
    slack.web_api.rate_limits.is_on = False
    commands = (slack.workspace.command(ADMIN, "/extauth get EtGoogle0001") for _ in range(20))
    assert all(await asyncio.gather(*commands))
    await slack.state.until(lambda: fetched(slack) == already + 20, seconds=60)


def fetched(slack: SimulatedSlack) -> int:
    """How many people have got what they asked for. Whom a killed process answered just then may be told once more."""
    return [message.text for message in slack.workspace.messages(ADMIN)].count("Token fetched: EtGoogle0001")


async def until_counted(slack: SimulatedSlack, commands: int) -> None:
    """Wait until whichever process is asked has told of so many commands, also of those of one that is gone."""
    delivery, wanted = slack.workspace.delivery, f'{{operation="get",outcome="fetched"}} {commands}.0'
    assert isinstance(delivery, SignedHttp)
    async with aiohttp.ClientSession() as session:
        for _ in range(200):
            async with session.get(delivery.url.replace("slack/events", "metrics")) as scraped:
                told = await scraped.text()
            if f"extauth_commands_total{wanted}" in told:
                return
            await asyncio.sleep(0.1)
    raise AssertionError([line for line in told.splitlines() if line.startswith("extauth_commands")])


async def test_each_process_serves_and_one_that_is_killed_is_replaced(tmp_path: Path) -> None:
    async with new_database("postgresql", tmp_path) as url, two_processes(DATABASE_URL=url) as (slack, bot):
        one, other = bot.children
        await send_twenty(slack, 0)
        await until_counted(slack, 20)
        os.kill(one, signal.SIGKILL)
        await bot.until_said('"serving"', 3)
        assert one not in bot.children
        assert other in bot.children
        await send_twenty(slack, 20)
        await until_counted(slack, 40)

        slack.web_api.latency = 0.4
        assert await slack.workspace.command(ADMIN, "/extauth get EtGoogle0001")
        assert await bot.stop() == 0
        assert fetched(slack) == 41
        assert "Traceback" not in bot.output


async def test_while_one_that_died_cannot_be_replaced_the_others_go_on(tmp_path: Path) -> None:
    async with new_database("postgresql", tmp_path) as url, two_processes(DATABASE_URL=url) as (slack, bot):
        one, other = bot.children
        async with restarted(url):
            os.kill(one, signal.SIGKILL)
            await bot.until_said("can't start", 2)
        tried = [json.loads(line)["time"] for line in bot.output.splitlines() if "can't start" in line]
        first, second = map(datetime.fromisoformat, tried[:2])
        assert (second - first).total_seconds() > 1.5
        await bot.until_said('"serving"', 3)
        assert other in bot.children
        await send_twenty(slack, 0)
        assert await bot.stop() == 0
    assert "Traceback" not in bot.output


async def test_whatever_one_in_its_place_cannot_start_with_the_others_go_on(tmp_path: Path) -> None:
    counts = tmp_path / "counts"
    counts.mkdir()
    settings = {"DATABASE_URL": f"sqlite:///{tmp_path}/audit.db", "PROMETHEUS_MULTIPROC_DIR": str(counts)}
    async with two_processes(**settings) as (slack, bot):
        one, other = bot.children
        counts.rename(tmp_path / "gone")
        os.kill(one, signal.SIGKILL)
        await bot.until_said("can't start")
        (tmp_path / "gone").rename(counts)
        await bot.until_said('"serving"', 3)
        assert other in bot.children
        await send_twenty(slack, 0)
        assert await bot.stop() == 0


async def test_a_port_that_is_taken_is_told_in_a_line() -> None:
    async with simulated_slack() as slack:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            bot = await start_bot(["http"], environment(slack, HOST="127.0.0.1", PORT=port, WEB_CONCURRENCY="2"))
            assert await bot.stop(0) == 1
    assert (
        bot.output == f"extauth: Can't listen on 127.0.0.1:{port} (Address already in use). Set PORT to another one.\n"
    )


async def test_a_database_that_cannot_be_used_is_told_in_a_line(tmp_path: Path) -> None:
    async with simulated_slack() as slack:
        nowhere = {"DATABASE_URL": f"sqlite:///{tmp_path}/nowhere/audit.db"}
        bot = await start_bot(["http"], environment(slack, PORT="0", WEB_CONCURRENCY="2", **nowhere))
        assert await bot.stop(0) == 1
    (line,) = bot.output.splitlines()
    assert line.startswith("extauth: The database of DATABASE_URL can't be used: ")


async def test_what_no_process_can_start_with_ends_all(tmp_path: Path) -> None:
    async with simulated_slack() as slack:
        slack.web_api.failures["auth.test"] = "invalid_auth"
        database = {"DATABASE_URL": f"sqlite:///{tmp_path}/audit.db"}
        bot = await start_bot(["http"], environment(slack, PORT="0", WEB_CONCURRENCY="2", **database))
        assert await bot.stop(0) != 0
    assert "Slack doesn't accept SLACK_BOT_TOKEN (invalid_auth)" in bot.output
    assert "Traceback" not in bot.output
