"""Tests all connected accounts by itself, in one of the processes, and tells the audit channel what changed."""

import logging

from bot.actor import Unattended
from bot.audit.batches import Batch
from bot.audit.guard import AuditLogUnavailable
from bot.audit.schedules import Schedules, Turn
from bot.batches.survey import GotOn, Surveyor
from bot.listeners.runtime import Runtime
from bot.settings import Settings
from bot.ui.surveys import survey_text

log = logging.getLogger(__name__)

NAME = "test"
LOOK_SECONDS = 900.0
"""How often to look, at least: another process may have another setting, and the database trouble."""
AHEAD_SECONDS = 120.0
"""How long before its time a test that is still running takes the next one, so that no other process begins it."""


async def test_on_schedule(settings: Settings, runtime: Runtime, schedules: Schedules) -> None:
    """Test whenever it's due and no other process has taken it. Returns at once where no schedule is set.

    The first test is due at the first start. One that a stop cuts off isn't made up for: the next comes as planned.
    """
    every = settings.test_every
    while every is not None:
        wait = LOOK_SECONDS
        try:
            turn = await schedules.claim(NAME, every)
            if turn.is_mine:
                await _test(settings, runtime, _keep_taking(schedules, turn, every, runtime))
                turn = await schedules.claim(NAME, every, AHEAD_SECONDS)
            wait = turn.due - runtime.clock.now()
        except AuditLogUnavailable as error:
            log.error("scheduled tests can't be looked for", extra={"why": str(error)})
        except Exception:
            log.exception("a scheduled test failed")
        await runtime.clock.sleep(min(max(wait, 0.0), LOOK_SECONDS))


def _keep_taking(schedules: Schedules, turn: Turn, every: float, runtime: Runtime) -> GotOn:
    async def got_on(_: Batch) -> None:
        nonlocal turn
        if turn.due - runtime.clock.now() < AHEAD_SECONDS:
            turn = await schedules.claim(NAME, every, AHEAD_SECONDS)

    return got_on


async def _test(settings: Settings, runtime: Runtime, got_on: GotOn) -> None:
    workspace = await runtime.users.workspace(settings.only_bot_token)
    if workspace is None:
        log.warning("a scheduled test was left out: Slack didn't say which workspace this is")
        return
    surveyor = Surveyor(
        runtime.service, runtime.batches, runtime.account_states, runtime.clock, lambda: runtime.pacer.is_closed
    )
    found = await surveyor.survey(Unattended.SCHEDULE, workspace, settings.only_bot_token, got_on)
    if found.is_news and runtime.audit_channel is not None:
        runtime.audit_channel.say(survey_text(found, runtime.contact))
