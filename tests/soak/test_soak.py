"""The bot for half an hour, with everything around it going wrong. `make soak`; SECONDS=60 is the short version.

Both transports work on one database. First nothing but what's around them fails: what they hold must come back to what
it was. Then the processes themselves are ended, kindly and not, and started again.
"""

import asyncio
import os
import random
import signal
import time
from pathlib import Path

import pytest

from bot.listeners.replies import RETRY_SECONDS
from bot.slack.rate_limit import WAIT_SECONDS
from tests.acknowledged import interrupted_and_told, times_recorded, verified_entries
from tests.bot_process import simulated_slack
from tests.databases import DATABASES, new_database
from tests.soak.faults import Faults
from tests.soak.people import People
from tests.soak.processes import TRANSPORTS, Holding, Processes

SECONDS = float(os.environ.get("EXTAUTH_TEST_SOAK", "60")) / len(DATABASES)
RATE = 20.0
PAUSE_SECONDS = 1.0
SETTLE_SECONDS = WAIT_SECONDS + 100.0
"""How long after the last fault everybody is told. A call waits that long in the line that one 429 makes, and not
everybody's notice of it was posted. An answer that Slack refused waits for its next retry, and what an ended process
left is looked for again after three minutes."""
RETRIED_SECONDS = sum(RETRY_SECONDS)
"""How long after the last fault no answer waits any more."""
IDLE_SECONDS = 33.0
"""How long after the last command a connection is kept for the next: aiohttp looks every 15 seconds for older ones."""
STOP_SECONDS = 5.0
GROWTH_MEGABYTES = 16.0
BACK_SECONDS = 120
"""How long files may take to be closed: the audit channel is told of the last outcomes one by one."""
POOL_CONNECTIONS, POOL_FILES = 5, 15
"""The most that a pool opens later: five connections to PostgreSQL. SQLite has two, with three files each."""
COMPLAINTS = ("was never retrieved", "was never awaited", "destroyed but it is pending", "Unclosed", "never closed")
"""What Python and aiohttp say of tasks, coroutines and connections that were lost."""


async def holdings(people: People, processes: Processes) -> dict[str, Holding]:
    """What each process holds once there is nothing left to do."""
    await people.settle(SETTLE_SECONDS)
    await asyncio.sleep(IDLE_SECONDS)
    return {transport: processes.holding(transport) for transport in TRANSPORTS}


async def until_files_are_back(processes: Processes, before: dict[str, Holding]) -> None:
    """Wait until no process holds more files than before, but not forever."""
    for _ in range(BACK_SECONDS):
        if all(processes.holding(transport).files <= before[transport].files for transport in TRANSPORTS):
            return
        await asyncio.sleep(1)


@pytest.mark.soak
@pytest.mark.parametrize("kind", DATABASES)
async def test_nothing_leaks_and_nobody_is_left_untold_whatever_goes_wrong(kind: str, tmp_path: Path) -> None:
    chance = random.Random(20261124)
    async with new_database(kind, tmp_path) as url, simulated_slack() as slack:
        slack.web_api.rate_limits.is_on = False
        people, faults = People(slack, chance), Faults(slack, url, chance)
        async with Processes(slack, url) as processes:
            async with faults.around(PAUSE_SECONDS):
                await people.type_for(SECONDS / 6, RATE)
            before = await holdings(people, processes)

            async with faults.around(PAUSE_SECONDS):
                await people.type_for(SECONDS / 2, RATE)
            await people.settle(SETTLE_SECONDS)
            await until_files_are_back(processes, before)
            after = {transport: processes.holding(transport) for transport in TRANSPORTS}
            print(f"\n{kind}: {people.typed} commands, {faults.count} faults\n  before {before}\n  after  {after}")
            for transport in TRANSPORTS:
                assert after[transport].files <= before[transport].files + POOL_FILES
                assert after[transport].threads <= before[transport].threads + POOL_CONNECTIONS
                assert after[transport].megabytes - before[transport].megabytes < GROWTH_MEGABYTES

            until, restarts = time.monotonic() + SECONDS / 3, 0
            async with faults.around(PAUSE_SECONDS):
                while time.monotonic() < until:
                    await people.type_for(chance.uniform(1, 4), RATE)
                    transport, signum = chance.choice(TRANSPORTS), chance.choice((signal.SIGTERM, signal.SIGKILL))
                    code, _ = await processes.stop(transport, signum)
                    assert code == (0 if signum == signal.SIGTERM else -signal.SIGKILL)
                    if signum == signal.SIGKILL:
                        people.acknowledged.killed()
                    await processes.start(transport)
                    restarts += 1
            await people.settle(SETTLE_SECONDS)
            # Who was told to wait may not have the answer yet: it waits for its next retry.
            async with asyncio.timeout(RETRIED_SECONDS):
                await processes.until_idle()
            for transport in TRANSPORTS:
                code, seconds = await processes.stop(transport, signal.SIGTERM)
                assert (code, seconds < STOP_SECONDS) == (0, True), seconds
        printed = "".join(processes.printed)
        assert [secret for secret in slack.state.secrets if secret in printed] == []
        assert [complaint for complaint in COMPLAINTS if complaint in printed] == []
        cut_off = await interrupted_and_told(slack, url)
        recorded = times_recorded(await verified_entries(url))
        assert {token_id for token_id, count in people.deletions.items() if count > 1} == set()
        assert set(people.deletions) <= set(recorded)
        assert people.acknowledged.untold() == []
        print(f"  {len(people.acknowledged)} of {people.typed} acknowledged, {restarts} restarts, {len(cut_off)} told")
        print(f"  {printed.count('Traceback')} tracebacks")
