"""Answers people whose commands another process left unanswered, and posts checkpoints to the audit channel."""

import logging
from itertools import chain, repeat

from bot.audit.guard import AuditLogUnavailable
from bot.audit.log import AuditLog, Unanswered
from bot.clock import Clock
from bot.listeners.replies import RETRY_SECONDS, reply_at
from bot.listeners.runtime import Runtime
from bot.observers.audit_channel import AuditChannel
from bot.settings import Settings
from bot.slack.pacing import WAIT_SECONDS
from bot.ui.notices import restarted_batch_screen, restarted_screen
from bot.ui.screen import Screen

log = logging.getLogger(__name__)

UNANSWERED_SECONDS = WAIT_SECONDS + 180.0
"""How old a command without a result is when its process must have ended, wherever it ran: a process that lives lets
it wait for Slack's limits, then sends it, and records how it ended."""
ANSWERING_SECONDS = WAIT_SECONDS + float(sum(RETRY_SECONDS)) + 60.0
"""How old a command is when a process must have stopped retrying an answer that Slack doesn't accept."""
AGAIN_SECONDS = 600.0
"""How often to look again: well within the half hour in which Slack accepts an answer."""
CHECKPOINT_SECONDS = 24 * 3600.0


async def tell_unanswered(settings: Settings, runtime: Runtime, audit_log: AuditLog) -> None:
    """Answer people who never got an answer: now, after 13 minutes, and then every ten minutes.

    After 13 minutes without a result, a command's process must have ended. Later passes find what processes on other
    machines left. Each pass also forgets old interactions.
    """
    for wait in chain((None, UNANSWERED_SECONDS), repeat(AGAIN_SECONDS)):
        if wait is not None:
            await runtime.clock.sleep(wait)
        try:
            unanswered = await audit_log.take_over(UNANSWERED_SECONDS, ANSWERING_SECONDS)
        except AuditLogUnavailable as error:
            log.error("unanswered commands couldn't be looked for", extra={"why": str(error)})
            continue
        except Exception:
            log.exception("unanswered commands couldn't be looked for")
            continue
        for one in unanswered:
            outcome = one.entry.outcome if one.entry is not None else "not begun"
            extra = {"reference": one.reference, "outcome": outcome}
            log.warning("a command had been left unanswered", extra=extra)
            # One task each, because an answer that Slack doesn't accept is retried for a long time.
            runtime.tasks.start(_tell(settings, runtime, audit_log, one))


async def _tell(settings: Settings, runtime: Runtime, audit_log: AuditLog, unanswered: Unanswered) -> None:
    try:
        address = unanswered.reply_to
        reply = reply_at(address, runtime.clients, settings.only_bot_token) if address is not None else None
        if reply is not None:
            await reply.show(await _told(audit_log, unanswered))
    except Exception as error:
        log.error("a person couldn't be told", extra={"error_type": type(error).__name__})
    else:
        audit_log.told(unanswered)


async def _told(audit_log: AuditLog, unanswered: Unanswered) -> Screen:
    """Return what the audit log says of a command: of several requests that belong to it, what became of each."""
    if unanswered.entry is None and (steps := await audit_log.steps(unanswered)):
        return restarted_batch_screen(steps, unanswered.reference)
    return restarted_screen(unanswered.entry, unanswered.reference)


async def post_checkpoints(channel: AuditChannel, audit_log: AuditLog, clock: Clock) -> None:
    """Post a checkpoint of the audit log to the audit channel, now and every day."""
    while True:
        await post_checkpoint(channel, audit_log)
        await clock.sleep(CHECKPOINT_SECONDS)


async def post_checkpoint(channel: AuditChannel, audit_log: AuditLog) -> None:
    """Post a checkpoint of each chain."""
    try:
        for line in await audit_log.checkpoints():
            channel.say(f"`{line}`")
    except AuditLogUnavailable as error:
        log.error("a checkpoint couldn't be made", extra={"why": str(error)})
    except Exception:
        log.exception("a checkpoint couldn't be made")
