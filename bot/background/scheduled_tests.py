"""Scheduled tests of all connected accounts, in one of the processes, with changes posted to the audit channel."""

import asyncio
import logging

from bot.actor import Unattended
from bot.batch import Batch
from bot.jobs.schedules import Schedules, Turn
from bot.jobs.survey import Surveyor
from bot.storage.engine import DatabaseError
from bot.views.surveys import survey_text
from bot.workspaces.registry import Workspaces
from bot.workspaces.runtime import Runtime, Shared

log = logging.getLogger(__name__)

NAME = "test"
LOOK_SECONDS = 900.0
"""Maximum seconds between checks: another process may have another setting, and the database may fail."""
NEW_SECONDS = 300.0
"""Seconds between checks for new workspaces."""
AT_ONCE = 8
"""Number of workspaces tested at a time: few enough that people's commands don't wait for the database."""
AHEAD_SECONDS = 120.0
"""Seconds before its due time that a running test claims the next one, so that no other process begins it."""


async def test_on_schedule(every: float | None, workspaces: Workspaces, shared: Shared, schedules: Schedules) -> None:
    """Test each workspace whenever it's due and no other process has claimed it. Returns at once without a schedule.

    Installations are looked up now and then: a new workspace gets its tests, too. A few are tested at a time, each with
    its own token and in its own time.
    """
    if every is None:
        return
    at_once = asyncio.Semaphore(AT_ONCE)
    testing: dict[str, asyncio.Task[None]] = {}
    try:
        while True:
            try:
                found = {}
                for runtime in await workspaces.all():
                    team_id, enterprise_id = runtime.home
                    # The name by which processes take turns. A single workspace's has no ID in it.
                    found[" ".join([NAME, *filter(None, [team_id or enterprise_id])])] = runtime
            except DatabaseError as error:
                log.error("scheduled tests can't be looked for", extra={"why": str(error)})
                found = {}
            for name, runtime in found.items():
                if name not in testing or testing[name].done():
                    work = _keep_testing(name, every, workspaces, runtime, schedules, at_once)
                    testing[name] = asyncio.ensure_future(work)
            await shared.clock.sleep(NEW_SECONDS)
    finally:
        for task in testing.values():
            task.cancel()
        await asyncio.gather(*testing.values(), return_exceptions=True)


async def _keep_testing(
    name: str,
    every: float,
    workspaces: Workspaces,
    runtime: Runtime,
    schedules: Schedules,
    at_once: asyncio.Semaphore,
) -> None:
    """Test one workspace whenever it's due, until Extauth isn't installed there anymore.

    The first test is due at the first start. A test that a stop cuts off isn't made up for: the next comes as planned.
    """
    clock, home = runtime.shared.clock, runtime.home
    while True:
        wait = LOOK_SECONDS
        try:
            now = await workspaces.find(*home)
            if now is None:
                return
            turn = await schedules.claim(name, every)
            if turn.is_mine:
                async with at_once:
                    await _test(now, name, every, schedules, turn)
                turn = await schedules.claim(name, every, AHEAD_SECONDS)
            wait = turn.due - clock.now()
        except DatabaseError as error:
            log.error("scheduled tests can't be looked for", extra={"why": str(error)})
        except Exception:
            log.exception("a scheduled test failed")
        await clock.sleep(min(max(wait, 0.0), LOOK_SECONDS))


async def _test(runtime: Runtime, name: str, every: float, schedules: Schedules, turn: Turn) -> None:
    workspace = await runtime.workspace()
    if workspace is None:
        log.warning("a scheduled test was left out: Slack didn't say which workspace this is")
        return

    async def got_on(_: Batch) -> None:
        nonlocal turn
        if turn.due - runtime.shared.clock.now() < AHEAD_SECONDS:
            turn = await schedules.claim(name, every, AHEAD_SECONDS)

    surveyor = Surveyor(
        runtime.service,
        runtime.shared.batches,
        runtime.shared.account_states,
        runtime.shared.clock,
        lambda: runtime.shared.limiter.is_closed,
    )
    found = await surveyor.survey(Unattended.SCHEDULE, workspace, runtime.bot_token, got_on)
    if found.is_news and runtime.audit_channel is not None:
        runtime.audit_channel.say(survey_text(found, runtime.contact))
