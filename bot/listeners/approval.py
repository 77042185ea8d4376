"""The buttons *Approve* and *Decline* under a request for approval, and what follows."""

import hashlib
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from pydantic import SecretStr
from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext

from bot.access import APPROVAL_SECONDS, ApprovalPolicy
from bot.actor import Actor
from bot.audit.entries import AuditResult
from bot.batch import Batch, BatchState
from bot.clock import Clock
from bot.jobs.approval import AskApproval, Decide
from bot.jobs.store import Batches
from bot.listeners import batch, flow, interaction
from bot.listeners.interaction import Interaction
from bot.listeners.replies import DirectReply, ModalReply, Replace, Reply, reason
from bot.outcomes import AlreadyRun, ApprovalNeeded, Deleted, Denied, Failed, NotRecorded, Outcome
from bot.slack.rate_limit import tells_nobody
from bot.storage.engine import DatabaseError
from bot.views.approvals import (
    APPROVE,
    DECLINE,
    decided_screen,
    declined_screen,
    expired_screen,
    not_begun_screen,
    not_decided_screen,
)
from bot.views.outcomes import outcome_screen
from bot.views.parts import Mark, Screen, as_message
from bot.views.permissions import denied_screen
from bot.workspaces.runtime import Runtime

log = logging.getLogger(__name__)

_TIMESTAMP = re.compile(r"\d{1,12}(?:\.\d{1,9})?", re.ASCII)
GRACE_SECONDS = 30.0
"""How long after the end of a request nobody can be deciding it any more."""


async def decide(
    runtime: Runtime, clicked: Interaction, value: str, post: tuple[str, str] | None, at: float, *, approves: bool
) -> None:
    """Approve or decline a request, once, and delete what was approved.

    `value` is the button's, `post` the channel and time stamp of its message, and `at` when it was clicked by Slack's
    clock (seconds, UTC), which counts where this machine's was set back.
    """
    if runtime.service.policy is ApprovalPolicy.OFF:
        await flow.show(clicked, not_decided_screen("off", clicked.actor.reference))
        return
    batch_id, _, digest = value.partition(" ")
    found = await runtime.batches.find_in(clicked.actor.team_id, batch_id)
    wanted = found[0] if found is not None and found[0].digest == digest else None
    if wanted is not None and post is not None and post not in wanted.posts:
        # Whoever clicks at once, or after a crash, finds a message that isn't noted down.
        wanted = replace(wanted, posts=(*wanted.posts, post))
    after = BatchState.APPROVED if approves else BatchState.DECLINED

    async def act() -> AuditResult:
        if wanted is None:
            return AuditResult("failed", "gone", 0)
        if approves and wanted.user_id == clicked.actor.user_id:
            return AuditResult("failed", "own_request", 0)
        if max(at, await runtime.service.now(wanted)) - wanted.at >= APPROVAL_SECONDS:
            return AuditResult("failed", "expired", 0)
        if await runtime.service.is_decided(wanted):
            # The database may say that it still waits, where somebody has put that back.
            return AuditResult("failed", "decided", 0)
        decided = replace(wanted, approver=clicked.actor.user_id if approves else None)
        if not await runtime.batches.move(decided, BatchState.WAITING, after):
            return AuditResult("failed", "decided", 0)
        return AuditResult("approved" if approves else "declined", None, 0)

    outcome = await runtime.service.step(clicked.actor, Decide(wanted, approves), act)
    if isinstance(outcome, AlreadyRun):
        return
    if isinstance(outcome, Denied):
        await flow.show(clicked, denied_screen(outcome, runtime.contact))
    elif wanted is None or outcome.code is not None:
        await flow.show(clicked, not_decided_screen(outcome.code or "gone", clicked.actor.reference))
    elif approves:
        await _execute(runtime, clicked.actor, replace(wanted, approver=clicked.actor.user_id))
    else:
        by = clicked.actor.user_id
        await _replace_posts(runtime, clicked.actor.bot_token, wanted, f"{Mark.FAILED} Declined by <@{by}>")
        await _tell(runtime, clicked.actor.bot_token, wanted, declined_screen(wanted, f"<@{by}>"))
        await runtime.batches.move(wanted, BatchState.DECLINED, BatchState.ENDED)


async def _execute(runtime: Runtime, approver: Actor, approved: Batch) -> None:
    """Delete what was approved, on behalf of who asked for it."""
    token, by = approver.bot_token, f"approved by <@{approver.user_id}>"
    asked = _requester(runtime, token, approved)
    if not await runtime.batches.move(approved, BatchState.APPROVED, BatchState.RUNNING):
        return
    await _replace_posts(runtime, token, approved, f"{Mark.DONE} {by.capitalize()}. Deleting…")
    if len(approved.items) == 1:
        ended = await _delete_one(runtime, asked, approved)
    else:
        outcome = await batch.run(runtime, asked, approved)
        count = sum(result.outcome == "deleted" for result in outcome.batch.results)
        ended = f"{count:,} of {len(approved.items):,} deleted"
    await _replace_posts(runtime, token, approved, f"{ended}, {by}")


async def _delete_one(runtime: Runtime, asked: Interaction, approved: Batch) -> str:
    request = approved.items[0].deletion()
    outcome = await runtime.service.run(asked.actor, request, tells_nobody, batch=approved)
    try:
        await runtime.batches.end(approved)
    except DatabaseError as error:
        log.error("how an approved deletion ended couldn't be kept", extra={"why": str(error)})
    if isinstance(outcome, AlreadyRun | ApprovalNeeded):
        log.error("an approved deletion wasn't run", extra={"reference": approved.reference})
        return f"{Mark.FAILED} Not run"
    await flow.note(runtime, asked.actor, outcome)
    await flow.show(asked, outcome_screen(outcome, runtime.contact))
    return _ended(outcome)


def _ended(outcome: Outcome) -> str:
    done = outcome.done if isinstance(outcome, NotRecorded) else outcome
    if isinstance(done, Deleted):
        return f"{Mark.DONE} Deleted"
    if isinstance(done, Failed) and done.may_have_happened:
        return f"{Mark.UNSURE} May or may not be deleted"
    return f"{Mark.FAILED} Not deleted"


def _requester(runtime: Runtime, bot_token: SecretStr, approved: Batch) -> Interaction:
    """Return the person who asked, as an interaction that was answered where they asked."""
    key = hashlib.sha256(f"approved {approved.batch_id}".encode()).hexdigest()
    actor = Actor(
        user_id=approved.user_id,
        team_id=approved.team_id,
        enterprise_id=approved.enterprise_id,
        bot_token=bot_token,
        reference=approved.reference,
        interaction=key,
    )
    return Interaction(actor, "", None, _reply(runtime, bot_token, approved))


def _reply(runtime: Runtime, bot_token: SecretStr, asked: Batch) -> Reply:
    """Return the modal that the person asked in, as long as it's open, else a private message."""
    direct = DirectReply(runtime.clients, bot_token, asked.user_id, asked.channel)
    if asked.view_id is None:
        return direct
    return ModalReply(runtime.clients, bot_token, asked.view_id, direct, keeps_answer=True)


async def _tell(runtime: Runtime, bot_token: SecretStr, asked: Batch, screen: Screen) -> None:
    await _reply(runtime, bot_token, asked).show(screen)


async def _replace_posts(runtime: Runtime, bot_token: SecretStr, asked: Batch, what: str) -> None:
    client = runtime.clients.web(bot_token)
    for channel, ts in asked.posts:
        try:
            await client.chat_update(channel=channel, ts=ts, **as_message(decided_screen(asked, what)))
        except Exception as error:
            log.warning("a request for approval couldn't be updated", extra={"code": reason(error)})


async def expire_due(
    batches: Batches,
    clock: Clock,
    find: Callable[[Batch], Awaitable[Runtime | None]],
    serves: Callable[[str | None, str | None], bool],
) -> None:
    """End what nobody decided in time. `find` returns the runtime of a request's workspace, where there is one.

    `serves` says of which workspaces and organizations.

    What goes wrong in one workspace doesn't keep the others waiting. Raises DatabaseError.
    """
    states = (BatchState.WAITING, BatchState.APPROVED, BatchState.DECLINED)
    for asked, state in await batches.in_states(states):
        if not serves(asked.team_id, asked.enterprise_id):
            continue
        try:
            runtime = await find(asked)
            now = await runtime.service.now(asked) if runtime is not None else clock.now()
            # Somebody may have decided in the last second, and what follows takes a moment.
            if now < asked.at + APPROVAL_SECONDS + GRACE_SECONDS:
                continue
            if await batches.move(asked, state, BatchState.EXPIRED) and runtime is not None:
                await _expired(runtime, asked, state)
        except Exception as error:
            log.error(
                "a request for approval couldn't be ended",
                extra={"team_id": asked.team_id, "error_type": type(error).__name__},
            )


async def _expired(runtime: Runtime, asked: Batch, before: BatchState) -> None:
    bot_token = runtime.bot_token
    if before is BatchState.DECLINED:
        # The bot was killed before it could say so.
        await _replace_posts(runtime, bot_token, asked, f"{Mark.FAILED} Declined. Nothing was deleted.")
        await _tell(runtime, bot_token, asked, declined_screen(asked, "Somebody"))
        return
    actor = replace(_requester(runtime, bot_token, asked).actor, interaction=None)
    await runtime.service.note(actor, AskApproval(asked), AuditResult("expired", None, 0))
    screen = expired_screen(asked) if before is BatchState.WAITING else not_begun_screen(asked)
    await _replace_posts(runtime, bot_token, asked, f"{Mark.FAILED} Expired. Nothing was deleted.")
    await _tell(runtime, bot_token, asked, screen)


def register(app: AsyncApp) -> None:
    """Listen for the buttons."""

    @app.action(APPROVE)
    @app.action(DECLINE)
    async def on_decision(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext, runtime: Runtime) -> None:
        await ack()
        clicked = interaction.from_click(runtime, body, context, Replace.NEVER)
        place, action = body.get("container", {}), body["actions"][0]
        post = (place["channel_id"], place["message_ts"]) if {"channel_id", "message_ts"} <= place.keys() else None
        approves = action["action_id"] == APPROVE
        clicked_at = float(action["action_ts"]) if _TIMESTAMP.fullmatch(action.get("action_ts", "")) else 0.0
        deciding = decide(runtime, clicked, str(action.get("value")), post, clicked_at, approves=approves)
        flow.start(runtime, clicked, deciding)
