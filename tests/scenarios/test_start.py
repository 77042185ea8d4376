"""Several processes that start at once on a new database."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.clock import SystemClock
from bot.storage.key_rotation import WRAPPED
from bot.storage.tables import installation_keys
from tests.audit_log import configured, open_audit_log, read_rows
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

        assert [row["name"] for row in await read_rows(url, select(installation_keys.c.name))] == [WRAPPED, "schema"]
        async with open_audit_log(configured(url), SystemClock()) as audit_log:
            result = await audit_log.verify(lambda _: None)
        assert (result.rows, result.problem) == (2 * PROCESSES + 1, None)
