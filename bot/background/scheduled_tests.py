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
"""Maximum seconds between checks, because another process may change the due time, and the database may fail."""
NEW_SECONDS = 300.0
"""Seconds between checks for new workspaces."""
AT_ONCE = 8
"""Number of workspaces tested at a time, kept low so that people's commands don't wait for the database."""
AHEAD_SECONDS = 120.0
"""Seconds before the next test is due that a running test claims it, so that no other process begins it."""


async def test_on_schedule(every: float | None, workspaces: Workspaces, shared: Shared, schedules: Schedules) -> None:
    """Test each workspace whenever its test is due and unclaimed. Returns at once without a schedule.

    Installations are looked up every few minutes, so that new workspaces are tested, too. Several workspaces are tested
    at a time, each with its own token and schedule.
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
                    # Processes claim tests by this name, which has no ID in it if only one workspace is served.
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
    """Test one workspace whenever its test is due, until Extauth is uninstalled there.

    The first test is due at once. A test that a shutdown interrupts isn't repeated before the next one is due.
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
