"""Unattended work in every workspace, which records interrupted commands and notifies the people who sent them, expires
requests for approval, checks bot tokens, and posts checkpoints to the audit channels."""

import logging

from slack_sdk.errors import SlackApiError

from bot.actor import UNATTENDED
from bot.audit.chain import INTERRUPTED
from bot.audit.entries import AuditResult, Entry, Event
from bot.audit.log import AuditLog
from bot.clock import Clock
from bot.jobs.schedules import Schedules
from bot.listeners import approval
from bot.listeners.replies import DirectReply
from bot.logs import slack_code
from bot.observers import AuditChannel
from bot.operation import Operation
from bot.slack.rate_limit import WAIT_SECONDS
from bot.storage.engine import DatabaseError
from bot.views.notices import restarted_batch_screen
from bot.views.outcomes import restarted_screen
from bot.workspaces.registry import Workspaces
from bot.workspaces.runtime import Shared

log = logging.getLogger(__name__)

_DONE_ONE_BY_ONE = {Operation.TEST.action, Operation.DELETE.action}

INTERRUPTED_SECONDS = WAIT_SECONDS + 180.0
"""Seconds after which a command without a result counts as interrupted, because no running process takes that long to
wait for Slack's limits, send the request, and record the result."""
TELL_SECONDS = (1.0, 5.0, 30.0, 60.0, 300.0)
"""Seconds to wait before each retry to look up an interrupted command after the database failed."""
LOOK_AGAIN_SECONDS = 300.0
"""Seconds between checks for interrupted commands."""
SWEEP_SECONDS = 60.0
"""Seconds between checks for expired requests for approval."""
CHECKPOINT_SECONDS = 24 * 3600.0
NO_CHECKPOINT = "The audit log has no entries yet."
"""The message in place of a checkpoint of an empty log, so that an operator sees that the audit channel works."""
LOOK_SECONDS = 3600.0
"""Seconds between checks for due checkpoints, if Extauth serves many workspaces."""


async def record_interrupted(workspaces: Workspaces, shared: Shared, audit_log: AuditLog) -> None:
    """Check every few minutes for commands without a result, record them as interrupted, and notify the people."""
    while True:
        try:
            told: set[str] = set()
            # Another deployment of Extauth, for other workspaces, may share the database.
            serves = await workspaces.serves()
            for entry in await audit_log.interrupt(INTERRUPTED_SECONDS, serves) if serves is not None else ():
                extra = {"interrupted": entry.reference, "action": entry.action, "user_id": entry.user_id}
                log.warning("a command was interrupted", extra=extra)
                if entry.reference not in told:
                    told.add(entry.reference)
                    shared.tasks.start(_tell(workspaces, audit_log, entry, shared.clock))
        except DatabaseError as error:
            log.error("interrupted commands couldn't be looked for", extra={"why": str(error)})
        except Exception:
            log.exception("interrupted commands couldn't be looked for")
        await shared.clock.sleep(LOOK_AGAIN_SECONDS)


async def _tell(workspaces: Workspaces, audit_log: AuditLog, entry: Entry, clock: Clock) -> None:
    """Notify the observers of an interrupted command, and send the person a direct message."""
    for seconds in (*TELL_SECONDS, None):
        try:
            runtime = await workspaces.find(entry.team_id, entry.enterprise_id)
            steps = [step for step in await audit_log.steps(entry) if step.action in _DONE_ONE_BY_ONE]
            break
        except DatabaseError as error:
            if seconds is None:
                log.error("a person couldn't be told", extra={"why": str(error)})
                return
            await clock.sleep(seconds)
    if runtime is None:
        return
    event = Event(
        entry.reference, entry.team_id, entry.enterprise_id, entry.user_id or "", entry.action, entry.parameters
    )
    runtime.service.notify(event, AuditResult(INTERRUPTED, None, 0))
    if entry.user_id is not None and entry.user_id not in UNATTENDED:
        screen = restarted_batch_screen(steps, entry.reference) if len(steps) > 1 else restarted_screen(entry)
        await DirectReply(runtime.shared.clients, runtime.bot_token, entry.user_id).show(screen)


async def expire_approvals(workspaces: Workspaces, shared: Shared) -> None:
    """Check every minute for requests for approval that weren't decided in time, and end each in one process."""
    while True:
        try:
            serves = await workspaces.serves()
            if serves is not None:
                await approval.expire_due(shared.batches, shared.clock, workspaces.find, serves)
        except DatabaseError as error:
            log.error("requests for approval couldn't be looked through", extra={"why": str(error)})
        except Exception:
            log.exception("requests for approval couldn't be looked through")
        await shared.clock.sleep(SWEEP_SECONDS)


async def check_tokens(workspaces: Workspaces) -> None:
    """Log the workspaces whose tokens Slack refuses, where the app has to be installed again."""
    try:
        runtimes = await workspaces.all()
    except DatabaseError as error:
        log.error("the workspaces that installed the app can't be read", extra={"why": str(error)})
        return
    log.info("workspaces", extra={"count": len(runtimes)})
    for runtime in runtimes:
        workspace_id = runtime.installed_in.id if runtime.installed_in is not None else None
        try:
            await runtime.shared.clients.web(runtime.bot_token).auth_test()
        except SlackApiError as error:
            log.warning("Slack refuses a workspace's bot token", extra={"id": workspace_id, "code": slack_code(error)})
        except Exception as error:
            log.warning("Slack can't be reached yet", extra={"error_type": type(error).__name__})
            return


async def post_checkpoints(workspaces: Workspaces, audit_log: AuditLog, schedules: Schedules, clock: Clock) -> None:
    """Post a checkpoint of the audit log to each audit channel, every day.

    With a single workspace, each process posts checkpoints, beginning now. With many, one process posts each.
    """
    while True:
        wait = LOOK_SECONDS
        try:
            for runtime in await workspaces.all():
                where, channel = runtime.installed_in, runtime.audit_channel
                if where is None:
                    wait = CHECKPOINT_SECONDS
                if channel is None:
                    continue
                if where is None or (await schedules.claim(f"checkpoint {where.id}", CHECKPOINT_SECONDS)).is_mine:
                    await post_checkpoint(channel, audit_log)
        except DatabaseError as error:
            log.error("a checkpoint couldn't be made", extra={"why": str(error)})
        await clock.sleep(wait)


async def post_checkpoint(channel: AuditChannel, audit_log: AuditLog) -> None:
    """Post a checkpoint of the chain of the channel's workspace, or of each chain if only one workspace is served."""
    try:
        lines = await audit_log.checkpoints(channel.workspace)
        for line in lines:
            channel.say(f"`{line}`")
        if not lines:
            channel.say(NO_CHECKPOINT)
    except DatabaseError as error:
        log.error("a checkpoint couldn't be made", extra={"why": str(error)})
    except Exception:
        log.exception("a checkpoint couldn't be made")
