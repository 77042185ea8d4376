"""What is done without anybody asking, in every workspace: people whose commands another process left unanswered are
told, requests for approval expire, and checkpoints go to the audit channels."""

import logging
from itertools import chain, repeat

from slack_sdk.errors import SlackApiError

from bot.actor import Workspace
from bot.audit.batches import Batch
from bot.audit.guard import AuditLogUnavailable
from bot.audit.log import AuditLog, Unanswered
from bot.audit.schedules import Schedules
from bot.clock import Clock
from bot.listeners import approval
from bot.listeners.replies import RETRY_SECONDS, Reply, home_of, reply_at
from bot.listeners.runtime import Runtime, Shared
from bot.logs import slack_code
from bot.observers.audit_channel import AuditChannel
from bot.slack.rate_limit import WAIT_SECONDS
from bot.storage.database import DatabaseError
from bot.ui.notices import restarted_batch_screen, restarted_screen
from bot.ui.screen import Screen
from bot.workspaces import Workspaces

log = logging.getLogger(__name__)

UNANSWERED_SECONDS = WAIT_SECONDS + 180.0
"""How old a command without a result is when its process must have ended, wherever it ran: a process that lives lets
it wait for Slack's limits, then sends it, and records how it ended."""
ANSWERING_SECONDS = WAIT_SECONDS + float(sum(RETRY_SECONDS)) + 60.0
"""How old a command is when a process must have stopped retrying an answer that Slack doesn't accept."""
AGAIN_SECONDS = 600.0
"""How often to look again: well within the half hour in which Slack accepts an answer."""
FAILED_SECONDS = (1.0, 5.0, 30.0)
"""How long to wait, where the database failed, before each further look. After that, the regular looks are enough."""
TELL_SECONDS = (*FAILED_SECONDS, *repeat(60.0, 8))
"""How long to wait, where the database failed, before each further try to tell a person. The next look takes over from
there. With the retries of the answer, this has to be over before another process takes the person for untold."""
SWEEP_SECONDS = 60.0
"""How often requests for approval are looked for that nobody decided in time."""
CHECKPOINT_SECONDS = 24 * 3600.0
NO_CHECKPOINT = "The audit log has no entries yet."
"""What the audit channel gets in place of a checkpoint of nothing, so that an operator sees that it works."""
LOOK_SECONDS = 3600.0
"""How often to look whose checkpoint is due, where there are many workspaces."""


async def tell_unanswered(workspaces: Workspaces, shared: Shared, audit_log: AuditLog) -> None:
    """Answer people who never got an answer: now, after 13 minutes, and then every ten minutes.

    After 13 minutes without a result, a command's process must have ended. Later passes find what processes on other
    machines left. Each pass also forgets old interactions.
    """
    regular, retries = chain((UNANSWERED_SECONDS,), repeat(AGAIN_SECONDS)), iter(FAILED_SECONDS)
    while True:
        if await _take_over(workspaces, shared, audit_log):
            retries = iter(FAILED_SECONDS)
            wait = next(regular)
        else:
            wait = next(retries, None) or next(regular)
        await shared.clock.sleep(wait)


async def _take_over(workspaces: Workspaces, shared: Shared, audit_log: AuditLog) -> bool:
    """Look once, and begin to tell those who are found. Returns False where the database failed."""
    try:
        async for one in audit_log.take_over(UNANSWERED_SECONDS, ANSWERING_SECONDS):
            outcome = one.entry.outcome if one.entry is not None else "not begun"
            extra = {"reference": one.reference, "outcome": outcome}
            log.warning("a command had been left unanswered", extra=extra)
            # One task each, because an answer that Slack doesn't accept is retried for a long time.
            shared.tasks.start(_tell(workspaces, audit_log, one, shared.clock))
    except AuditLogUnavailable as error:
        log.error("unanswered commands couldn't be looked for", extra={"why": str(error)})
        return False
    except Exception:
        log.exception("unanswered commands couldn't be looked for")
        return False
    return True


async def _tell(workspaces: Workspaces, audit_log: AuditLog, unanswered: Unanswered, clock: Clock) -> None:
    """Tell one person. This process has taken that over, so no other one looks for it for a while."""
    try:
        place = await _place(workspaces, audit_log, unanswered, clock)
        if place is not None:
            reply, screen = place
            await reply.show(screen)
    except (AuditLogUnavailable, DatabaseError) as error:
        log.error("a person couldn't be told", extra={"why": str(error)})
        audit_log.untold(unanswered)
    except Exception as error:
        log.error("a person couldn't be told", extra={"error_type": type(error).__name__})
    else:
        audit_log.told(unanswered)


async def _place(
    workspaces: Workspaces, audit_log: AuditLog, unanswered: Unanswered, clock: Clock
) -> tuple[Reply, Screen] | None:
    """Return the place and the screen, retrying while the database fails. None where nobody can be told."""
    for seconds in (*TELL_SECONDS, None):
        try:
            reply = await _reply(workspaces, unanswered)
            return (reply, await _told(audit_log, unanswered)) if reply is not None else None
        except (AuditLogUnavailable, DatabaseError) as error:
            if seconds is None:
                raise
            log.warning("a person couldn't be told yet", extra={"why": str(error)})
            await clock.sleep(seconds)
    raise AssertionError("The last try returns or raises.")


async def _reply(workspaces: Workspaces, unanswered: Unanswered) -> Reply | None:
    """Return where the person can be told; None where nobody can be, or where the bot isn't installed any more."""
    address, entry = unanswered.reply_to, unanswered.entry
    if address is None:
        return None
    home = (entry.team_id, entry.enterprise_id) if entry is not None else home_of(address)
    runtime = await workspaces.find(*home)
    return reply_at(address, runtime.clients, runtime.bot_token) if runtime is not None else None


async def _told(audit_log: AuditLog, unanswered: Unanswered) -> Screen:
    """Return what the audit log says of a command: of several requests that belong to it, what became of each."""
    if unanswered.entry is None and (steps := await audit_log.steps(unanswered)):
        return restarted_batch_screen(steps, unanswered.reference)
    return restarted_screen(unanswered.entry, unanswered.reference)


async def expire_approvals(workspaces: Workspaces, shared: Shared) -> None:
    """End what nobody decided in time, every minute, in whichever process comes first."""

    async def find(asked: Batch) -> Runtime | None:
        return await workspaces.find(asked.team_id, asked.enterprise_id)

    while True:
        try:
            await approval.expire_due(shared.batches, shared.clock, find)
        except AuditLogUnavailable as error:
            log.error("requests for approval couldn't be looked through", extra={"why": str(error)})
        except Exception:
            log.exception("requests for approval couldn't be looked through")
        await shared.clock.sleep(SWEEP_SECONDS)


async def check_tokens(workspaces: Workspaces) -> None:
    """Say in the log which workspaces' tokens Slack refuses: there, the app has to be installed again."""
    try:
        runtimes = await workspaces.all()
    except DatabaseError as error:
        log.error("the workspaces that installed the app can't be read", extra={"why": str(error)})
        return
    log.info("workspaces", extra={"count": len(runtimes)})
    for runtime in runtimes:
        workspace_id = runtime.installed_in.id if runtime.installed_in is not None else None
        try:
            await runtime.clients.web(runtime.bot_token).auth_test()
        except SlackApiError as error:
            log.warning("Slack refuses a workspace's bot token", extra={"id": workspace_id, "code": slack_code(error)})
        except Exception as error:
            log.warning("Slack can't be reached yet", extra={"error_type": type(error).__name__})
            return


async def post_checkpoints(workspaces: Workspaces, audit_log: AuditLog, schedules: Schedules, clock: Clock) -> None:
    """Post a checkpoint of the audit log to each audit channel, every day.

    For the one workspace, each process does so, beginning now; of many, one process does.
    """
    while True:
        wait = LOOK_SECONDS
        try:
            for runtime in await workspaces.all():
                where, channel = runtime.installed_in, runtime.audit_channel
                if where is None:
                    wait = CHECKPOINT_SECONDS
                if channel is not None and (where is None or await _is_due(schedules, where)):
                    await post_checkpoint(channel, audit_log)
        except (AuditLogUnavailable, DatabaseError) as error:
            log.error("a checkpoint couldn't be made", extra={"why": str(error)})
        await clock.sleep(wait)


async def _is_due(schedules: Schedules, where: Workspace) -> bool:
    return (await schedules.claim(f"checkpoint {where.id}", CHECKPOINT_SECONDS)).is_mine


async def post_checkpoint(channel: AuditChannel, audit_log: AuditLog) -> None:
    """Post a checkpoint of the chain of the channel's workspace; of each chain, where only one is served."""
    try:
        lines = await audit_log.checkpoints(channel.workspace)
        for line in lines:
            channel.say(f"`{line}`")
        if not lines:
            channel.say(NO_CHECKPOINT)
    except AuditLogUnavailable as error:
        log.error("a checkpoint couldn't be made", extra={"why": str(error)})
    except Exception:
        log.exception("a checkpoint couldn't be made")
