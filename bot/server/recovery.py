"""What a process owes to those whose commands another process left unfinished, and to the audit channel."""

import logging

from pydantic import SecretStr

from bot.audit.log import AuditLog, AuditLogUnavailable
from bot.clock import Clock
from bot.listeners.replies import reply_at
from bot.listeners.runtime import Runtime
from bot.observers.audit_channel import AuditChannel
from bot.settings import Settings
from bot.ui.notices import interrupted_screen

log = logging.getLogger(__name__)

UNFINISHED_SECONDS = 180.0
"""How old an attempt without a result is when its process must have ended, wherever it ran: none takes that long."""
CHECKPOINT_SECONDS = 24 * 3600.0


async def tell_interrupted(settings: Settings, runtime: Runtime, audit_log: AuditLog) -> None:
    """Tell those whose commands were never finished, now and once more when the youngest are old enough."""
    for wait in (None, UNFINISHED_SECONDS):
        if wait is not None:
            await runtime.clock.sleep(wait)
        try:
            interrupted = await audit_log.interrupt(UNFINISHED_SECONDS)
        except AuditLogUnavailable as error:
            log.error("unfinished commands could not be looked for", extra={"why": str(error)})
            continue
        except Exception:
            log.exception("unfinished commands could not be looked for")
            continue
        for one in interrupted:
            extra = {"reference": one.entry.reference, "action": one.entry.action}
            log.warning("a command had been interrupted", extra=extra)
            if one.reply_to is not None:
                # Each by itself: an answer that Slack doesn't take is posted again for a long time.
                runtime.tasks.start(_tell(settings, runtime, one.entry.reference, one.reply_to))


async def _tell(settings: Settings, runtime: Runtime, reference: str, address: SecretStr) -> None:
    try:
        reply = reply_at(address, runtime.clients, settings.bot_token)
        if reply is not None:
            await reply.show(interrupted_screen(reference))
    except Exception as error:
        log.error("somebody could not be told", extra={"error_type": type(error).__name__})


async def post_checkpoints(channel: AuditChannel, audit_log: AuditLog, clock: Clock) -> None:
    """Post a checkpoint of the audit log to the audit channel, now and every day."""
    while True:
        await post_checkpoint(channel, audit_log)
        await clock.sleep(CHECKPOINT_SECONDS)


async def post_checkpoint(channel: AuditChannel, audit_log: AuditLog) -> None:
    """Post one checkpoint."""
    try:
        channel.say(f"`{await audit_log.checkpoint()}`")
    except AuditLogUnavailable as error:
        log.error("a checkpoint could not be made", extra={"why": str(error)})
    except Exception:
        log.exception("a checkpoint could not be made")
