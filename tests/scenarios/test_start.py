"""Several processes that start at once on a new database."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.clock import SystemClock
from bot.settings import read
from bot.storage.address import database_url
from bot.storage.connect import open_database
from bot.storage.tables import installation_keys
from tests.audit_log import open_audit_log
from tests.bot_process import bot_process, simulated_slack
from tests.databases import DATABASES, new_database
from tests.harness import ADMIN

PROCESSES = 10


@pytest.mark.parametrize("kind", DATABASES)
async def test_ten_processes_start_at_once_on_a_new_database_and_all_serve_with_one_key(
    kind: str, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(new_database(kind, tmp_path))
        slack = await stack.enter_async_context(simulated_slack())
        async with AsyncExitStack() as bots:
            starting = [
                bot_process("socket", slack, DATABASE_URL=url, EXTAUTH_SOCKET_CONNECTIONS="1") for _ in range(PROCESSES)
            ]
            await asyncio.gather(*(bots.enter_async_context(bot) for bot in starting))
            assert slack.socket_mode.open_connections == PROCESSES
            for number in range(PROCESSES):
                assert await slack.workspace.command(ADMIN, f"/extauth get EtNone{number}")
            await slack.state.until(lambda: len(slack.workspace.messages(ADMIN)) == PROCESSES)
            assert set(slack.socket_mode.delivered.values()) == {1}

        database = open_database(database_url(url))
        async with database.transaction(reads=True) as connection:
            names = (await connection.execute(select(installation_keys.c.name))).scalars().all()
        await database.close()
        assert sorted(names) == ["check", "master"]
        settings = read({"SLACK_BOT_TOKEN": "xoxb-1234567890", "DATABASE_URL": url})
        async with open_audit_log(settings, SystemClock()) as audit_log:
            result = await audit_log.verify(lambda _: None)
        assert (result.rows, result.problem) == (2 * PROCESSES, None)
