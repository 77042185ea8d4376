"""Requests for someone else's approval of a deletion."""

import logging
from dataclasses import replace
from functools import partial

from bot.batch import Batch, BatchState, Item
from bot.jobs import approval
from bot.listeners.interaction import Interaction
from bot.listeners.replies import ModalReply, reason
from bot.outcomes import AlreadyRun, Denied
from bot.slack.external_auth.models import DeleteTokens
from bot.views.approvals import not_asked_screen, request_screen, requested_screen, unapprovable_screen
from bot.views.buttons import can_carry
from bot.views.notices import BATCH_GONE
from bot.views.parts import as_message
from bot.views.permissions import denied_screen
from bot.workspaces.runtime import Runtime

log = logging.getLogger(__name__)


async def ask_for(interaction: Interaction, request: DeleteTokens) -> None:
    """Ask for the approval of one deletion."""
    runtime = interaction.runtime
    if interaction.reply is not None and not can_carry(request):
        await interaction.reply.show(unapprovable_screen(request, runtime.contact))
        return
    made = Batch.of(interaction.actor, request.operation, [Item.of(request)], runtime.shared.clock.now())
    await runtime.shared.batches.put(made, BatchState.CONFIRMING)
    await ask(interaction, made)


async def ask(interaction: Interaction, confirmed: Batch) -> None:
    """Ask for the approval of a confirmed batch, once. Raises DatabaseError."""
    runtime = interaction.runtime
    if interaction.reply is None:
        raise ValueError("There is no place for an answer yet: open a modal first.")
    if isinstance(interaction.reply, ModalReply):
        interaction.reply.keeps_answer = True
    waiting = replace(
        confirmed,
        at=await runtime.service.now(confirmed),
        reference=interaction.actor.reference,
        channel=interaction.origin.channel if interaction.origin is not None else None,
        view_id=interaction.reply.view_id if isinstance(interaction.reply, ModalReply) else None,
    )
    post = partial(_post, interaction, waiting)
    outcome = await approval.ask(runtime.service, runtime.shared.batches, interaction.actor, waiting, post)
    if isinstance(outcome, AlreadyRun):
        return
    if isinstance(outcome, Denied):
        await interaction.reply.show(denied_screen(outcome, runtime.contact))
    elif outcome.outcome == "requested":
        asked = _addressees(runtime, waiting)
        people = ", ".join(f"<@{user}>" for user in asked)
        is_channel = asked[0].startswith(("C", "G"))
        where = f"The request is in <#{asked[0]}>." if is_channel else f"Extauth asked {people}."
        await interaction.reply.show(requested_screen(waiting, where))
    elif outcome.code == "decided":
        await interaction.reply.show(BATCH_GONE)
    else:
        await interaction.reply.show(not_asked_screen(waiting, runtime.contact))


async def _post(interaction: Interaction, waiting: Batch) -> tuple[tuple[str, str], ...]:
    """Post the request to the audit channel or to each approver. Returns the channel and timestamp of each message."""
    client, posts = interaction.runtime.shared.clients.web(interaction.actor.bot_token), []
    message = as_message(request_screen(waiting))
    for channel in _addressees(interaction.runtime, waiting):
        try:
            posted = await client.chat_postMessage(channel=channel, unfurl_links=False, **message)
            posts.append((str(posted["channel"]), str(posted["ts"])))
        except Exception as error:
            log.error("a request for approval couldn't be posted", extra={"channel": channel, "code": reason(error)})
    return tuple(posts)


def _addressees(runtime: Runtime, waiting: Batch) -> list[str]:
    """Return the ID of the channel, or the IDs of the approvers without the requester."""
    return [one for one in runtime.approvals_go_to if one != waiting.user_id]
