"""The buttons *Approve* and *Decline* under a request for approval, and their effects."""

import hashlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

from pydantic import SecretStr

from bot.access import ApprovalPolicy
from bot.actor import Actor
from bot.audit.entries import AuditResult
from bot.batch import Batch, BatchState
from bot.clock import Clock
from bot.jobs import approval
from bot.jobs.approval import AskApproval
from bot.jobs.store import Batches
from bot.listeners import batch, flow
from bot.listeners.interaction import Interaction
from bot.listeners.replies import DirectReply, ModalReply, Replace, Reply, reason
from bot.listeners.routes import Routes
from bot.outcomes import AlreadyRun, ApprovalNeeded, Deleted, Denied, Failed, NotRecorded, Outcome
from bot.slack.rate_limit import tells_nobody
from bot.storage.engine import DatabaseError
from bot.views.approvals import (
    APPROVE,
    DECLINE,
    decided_screen,
    ended_screen,
    not_decided_screen,
)
from bot.views.outcomes import outcome_screen
from bot.views.parts import Mark, as_message
from bot.views.permissions import denied_screen
from bot.workspaces.runtime import Runtime

log = logging.getLogger(__name__)

routes = Routes()


@routes.click(APPROVE, DECLINE, replace=Replace.NEVER)
async def decide(interaction: Interaction) -> None:
    """Approve or decline a request, and run an approved deletion."""
    runtime, click, actor = interaction.runtime, interaction.click, interaction.actor
    post, approves = click.post, click.action_id == APPROVE
    if runtime.service.policy is ApprovalPolicy.OFF:
        await flow.show(interaction, not_decided_screen("off", actor.reference))
        return
    batch_id, _, digest = str(click.value).partition(" ")
    found = await runtime.shared.batches.find_in(actor.team_id, batch_id)
    wanted = found[0] if found is not None and found[0].digest == digest else None
    if wanted is not None and post is not None and post not in wanted.posts:
        # The batch may lack this message, if the click was very quick or Extauth crashed after posting it.
        wanted = replace(wanted, posts=(*wanted.posts, post))
    batches = runtime.shared.batches
    outcome = await approval.decide(runtime.service, batches, actor, wanted, approves=approves, at=click.at)
    if isinstance(outcome, AlreadyRun):
        return
    if isinstance(outcome, Denied):
        await flow.show(interaction, denied_screen(outcome, runtime.contact))
    elif wanted is None or outcome.code is not None:
        await flow.show(interaction, not_decided_screen(outcome.code or "gone", actor.reference))
    elif approves:
        await _execute(runtime, actor, replace(wanted, approver=actor.user_id))
    else:
        by = actor.user_id
        await _replace_posts(runtime, actor.bot_token, wanted, f"{Mark.FAILED} Declined by <@{by}>")
        await _reply(runtime, actor.bot_token, wanted).show(ended_screen(wanted, "declined", f"<@{by}>"))
        await runtime.shared.batches.move(wanted, BatchState.DECLINED, BatchState.ENDED)


async def _execute(runtime: Runtime, approver: Actor, approved: Batch) -> None:
    """Run an approved deletion on behalf of the requester."""
    token, by = approver.bot_token, f"approved by <@{approver.user_id}>"
    asked = _requester(runtime, token, approved)
    if not await runtime.shared.batches.move(approved, BatchState.APPROVED, BatchState.RUNNING):
        return
    await _replace_posts(runtime, token, approved, f"{Mark.DONE} {by.capitalize()}. Deleting…")
    if len(approved.items) == 1:
        ended = await _delete_one(asked, approved)
    else:
        outcome = await batch.run(asked, approved)
        count = sum(result.outcome == "deleted" for result in outcome.batch.results)
        ended = f"{count:,} of {len(approved.items):,} deleted"
    await _replace_posts(runtime, token, approved, f"{ended}, {by}")


async def _delete_one(interaction: Interaction, approved: Batch) -> str:
    runtime = interaction.runtime
    request = approved.items[0].deletion()
    outcome = await runtime.service.run(interaction.actor, request, tells_nobody, batch=approved)
    try:
        await runtime.shared.batches.end(approved)
    except DatabaseError as error:
        log.error("how an approved deletion ended couldn't be kept", extra={"why": str(error)})
    if isinstance(outcome, AlreadyRun | ApprovalNeeded):
        log.error("an approved deletion wasn't run", extra={"reference": approved.reference})
        return f"{Mark.FAILED} Not run"
    await flow.note(interaction, outcome)
    await flow.show(interaction, outcome_screen(outcome, runtime.contact))
    return _ended(outcome)


def _ended(outcome: Outcome) -> str:
    done = outcome.done if isinstance(outcome, NotRecorded) else outcome
    if isinstance(done, Deleted):
        return f"{Mark.DONE} Deleted"
    if isinstance(done, Failed) and done.may_have_happened:
        return f"{Mark.UNSURE} May or may not be deleted"
    return f"{Mark.FAILED} Not deleted"


def _requester(runtime: Runtime, bot_token: SecretStr, approved: Batch) -> Interaction:
    """Return an interaction on behalf of the requester, with a reply where the requester asked."""
    key = hashlib.sha256(f"approved {approved.batch_id}".encode()).hexdigest()
    actor = Actor(
        user_id=approved.user_id,
        team_id=approved.team_id,
        enterprise_id=approved.enterprise_id,
        bot_token=bot_token,
        reference=approved.reference,
        interaction=key,
    )
    return Interaction(runtime, actor, "", None, _reply(runtime, bot_token, approved))


def _reply(runtime: Runtime, bot_token: SecretStr, asked: Batch) -> Reply:
    """Return the modal in which the person asked, with a private message in case it was closed."""
    direct = DirectReply(runtime.shared.clients, bot_token, asked.user_id, asked.channel)
    if asked.view_id is None:
        return direct
    return ModalReply(runtime.shared.clients, bot_token, asked.view_id, direct, keeps_answer=True)


async def _replace_posts(runtime: Runtime, bot_token: SecretStr, asked: Batch, what: str) -> None:
    client = runtime.shared.clients.web(bot_token)
    for channel, ts in asked.posts:
        try:
            await client.chat_update(channel=channel, ts=ts, **as_message(decided_screen(asked, what)))
        except Exception as error:
            log.warning("a request for approval couldn't be updated", extra={"code": reason(error)})


async def expire_due(
    batches: Batches,
    clock: Clock,
    find: Callable[[str | None, str | None], Awaitable[Runtime | None]],
    serves: Callable[[str | None, str | None], bool],
) -> None:
    """End the requests that expired without a decision, or whose deletion hasn't begun. Raises DatabaseError.

    `find` returns the runtime of a workspace or organization, if there is one. `serves` returns whether Extauth serves
    a workspace or organization. An error in one workspace doesn't keep the others waiting.
    """
    for asked, state in await batches.in_states(approval.OPEN):
        if not serves(asked.team_id, asked.enterprise_id):
            continue
        try:
            runtime = await find(asked.team_id, asked.enterprise_id)
            now = await runtime.service.now(asked) if runtime is not None else clock.now()
            if await approval.expires(batches, asked, state, now) and runtime is not None:
                await _expired(runtime, asked, state)
        except Exception as error:
            log.error(
                "a request for approval couldn't be ended",
                extra={"team_id": asked.team_id, "error_type": type(error).__name__},
            )


async def _expired(runtime: Runtime, asked: Batch, before: BatchState) -> None:
    bot_token = runtime.bot_token
    if before is BatchState.DECLINED:
        # The process ended before it could show the decision.
        await _replace_posts(runtime, bot_token, asked, f"{Mark.FAILED} Declined. Nothing was deleted.")
        await _reply(runtime, bot_token, asked).show(ended_screen(asked, "declined", "Somebody"))
        return
    actor = replace(_requester(runtime, bot_token, asked).actor, interaction=None)
    await runtime.service.note(actor, AskApproval(asked), AuditResult("expired", None, 0))
    screen = ended_screen(asked, "expired" if before is BatchState.WAITING else "not begun")
    await _replace_posts(runtime, bot_token, asked, f"{Mark.FAILED} Expired. Nothing was deleted.")
    await _reply(runtime, bot_token, asked).show(screen)
