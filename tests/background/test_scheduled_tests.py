"""Several processes on one database: one of them tests."""

import signal
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path

import pytest

from tests.audit_log import change
from tests.bot_process import BotProcess, bot_process, simulated_slack
from tests.databases import DATABASES, new_database

GET, LIST = "apps.auth.external.get", "apps.auth.external.list"
PROCESSES = 3
ACCOUNTS = 6


@pytest.mark.process
@pytest.mark.parametrize("kind", DATABASES)
async def test_one_of_several_processes_tests_and_a_killed_one_s_next_test_comes_as_planned(
    kind: str, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(new_database(kind, tmp_path))
        slack = await stack.enter_async_context(simulated_slack())

        def calls(method: str) -> int:
            return sum(one.kind == method for one in slack.state.traffic)

        def process() -> AbstractAsyncContextManager[BotProcess]:
            return bot_process("socket", slack, DATABASE_URL=url, EXTAUTH_TEST_EVERY="1h")

        async with AsyncExitStack() as bots:
            for _ in range(PROCESSES):
                await bots.enter_async_context(process())
            await slack.state.until(lambda: calls(GET) == ACCOUNTS)
        assert (calls(LIST), calls(GET)) == (1, ACCOUNTS)

        await change(url, "UPDATE schedules SET due = 1")
        slack.web_api.latency = 0.2
        async with process() as bot:
            await slack.state.until(lambda: calls(GET) >= ACCOUNTS + 2)
            await bot.stop(signal.SIGKILL)
        sent = calls(GET)
        slack.web_api.latency = 0.0
        async with process():
            pass
        assert (calls(LIST), calls(GET)) == (2, sent)
        await change(url, "UPDATE schedules SET due = 1")
        async with process():
            await slack.state.until(lambda: calls(GET) == sent + ACCOUNTS)
