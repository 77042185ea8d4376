"""Many people at once: readers don't keep writers waiting, and every command is acknowledged before any I/O."""

import asyncio
import time
from pathlib import Path

import pytest

from bot.app import open_storage
from bot.audit.entries import AuditResult, Filters
from bot.clock import SystemClock
from tests.audit_log import GET, actor, configured, open_audit_log, write
from tests.databases import DATABASES, started_database
from tests.harness import ADMIN, Harness
from tests.installed import install
from tests.installing import SECRET_KEY, open_many

MANY = 500
ACKNOWLEDGE_SECONDS = 3.0


@pytest.mark.parametrize("kind", DATABASES)
async def test_500_readers_keep_no_writer_waiting(kind: str, tmp_path: Path) -> None:
    async with started_database(kind, tmp_path) as url, open_audit_log(configured(url), SystemClock()) as audit:
        await write(audit, 50)
        reading = asyncio.gather(*(audit.newest(25, Filters(team_id="T1")) for _ in range(MANY)))
        waited = []
        while not reading.done():
            began = time.monotonic()
            attempt = await audit.attempt(actor("U9"), GET)
            await audit.finish(attempt, AuditResult("fetched", None, 1))
            waited.append(time.monotonic() - began)
        assert [len(entries) for entries in await reading] == [25] * MANY
        assert max(waited) < ACKNOWLEDGE_SECONDS
        assert (await audit.verify(lambda _: None)).problem is None


@pytest.mark.burst
@pytest.mark.parametrize("kind", DATABASES)
async def test_the_first_commands_of_500_workspaces_are_all_acknowledged_and_answered(
    kind: str, tmp_path: Path
) -> None:
    teams = [f"T0MANY{number:03}" for number in range(MANY)]
    async with started_database(kind, tmp_path, SECRET_KEY) as url, open_many("http", url) as many:
        async with open_storage(many.configured, SystemClock()) as storage:
            for team in teams:
                state = many.slack.add_workspace(team, team).state
                state.bot_token = f"xoxb-{team}-a-token-of-its-own"
                await install(storage, state.bot_token, team)
        commands = (many.workspace(team).command(ADMIN, "/extauth get EtGoogle0001") for team in teams)
        # The simulator says no where three seconds pass.
        assert all(await asyncio.gather(*commands))
        for team in teams:
            await _answered(many.people_of(team))


async def _answered(people: Harness) -> None:
    await people.state.until(lambda: bool(people.workspace.messages(ADMIN)))
    (message,) = people.workspace.messages(ADMIN)
    assert "[Show token]" in people.read(message)
