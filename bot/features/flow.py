"""The steps that features share: open a dialog for who is allowed, do the work, answer."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.errors import SlackApiError
from slack_sdk.models.views import View

from bot.access import Action, Decision
from bot.clock import finished_within
from bot.features.runtime import Runtime
from bot.features.visit import Visit
from bot.logs import slack_code
from bot.replies import DialogReply
from bot.service import OnWait, Outcome, Refused
from bot.ui.notices import refusal_screen, too_late_screen, waiting_screen, working_screen
from bot.ui.outcomes import outcome_screen
from bot.ui.screen import Screen, as_view

log = logging.getLogger(__name__)

PATIENCE = 2.0
"""Seconds after which a person is told that it takes longer."""
TRIGGER_PATIENCE = 1.0
"""Seconds that may pass before a dialog has to be opened, of the three for which its trigger id is good."""

Permissions = Mapping[Action, Decision]


async def open_dialog(runtime: Runtime, visit: Visit, view: View) -> bool:
    """Open a dialog, or change the one the person is in; answers go into it from now on.

    False when Slack's three seconds were over, which the person has then been told.
    """
    if isinstance(visit.reply, DialogReply):
        await visit.reply.put(view)
        return True
    # A trigger id serves once: a second attempt could only hide that the first one worked.
    client = runtime.connection.client(visit.actor.bot_token, retry_handlers=[])
    try:
        response = await client.views_open(trigger_id=visit.trigger_id, view=view)
    except SlackApiError as error:
        if "trigger" not in slack_code(error):
            raise
        log.warning("a dialog came too late", extra={"code": slack_code(error)})
        if visit.reply is not None:
            await visit.reply.show(too_late_screen())
        return False
    visit.reply = DialogReply(client, response["view"]["id"])
    return True


async def open_if_allowed(
    runtime: Runtime, visit: Visit, actions: Sequence[Action], view: Callable[[Permissions], View]
) -> bool:
    """Open a dialog for a person who may do at least one of `actions`; tell anybody else why not.

    The look at the person's standing comes first, so that who is refused gets no dialog. When Slack takes long to
    say, the dialog opens with a word that it is being checked, because its trigger id would not last.
    """
    check = asyncio.ensure_future(runtime.service.enter(visit.actor, actions))
    if not await finished_within(runtime.clock, check, TRIGGER_PATIENCE) and not await open_dialog(
        runtime, visit, as_view(working_screen("Checking what you may do…"))
    ):
        check.cancel()
        return False
    entered = await check
    if isinstance(entered, Refused):
        screen = refusal_screen(entered)
        if visit.reply is None:
            await open_dialog(runtime, visit, as_view(screen))
        else:
            await visit.reply.show(screen)
        return False
    return await open_dialog(runtime, visit, view(entered))


async def answer(
    runtime: Runtime,
    visit: Visit,
    work: Callable[[OnWait], Awaitable[Outcome]],
    render: Callable[[Outcome], Screen] = outcome_screen,
) -> None:
    """Do the work and show its outcome; say so in between when it takes longer."""
    assert visit.reply is not None, "a dialog opens before there is anything to answer"
    waits: list[int] = []
    task = asyncio.ensure_future(work(waits.append))
    try:
        if not await finished_within(runtime.clock, task, PATIENCE):
            await visit.reply.progress(waiting_screen(waits[-1] if waits else None))
        outcome = await task
    finally:
        task.cancel()
    await visit.reply.show(render(outcome))


async def show_working(visit: Visit, working: str) -> None:
    """In a dialog, put a word in place of the button that was pressed, so that it is not pressed twice."""
    if isinstance(visit.reply, DialogReply):
        await visit.reply.show(working_screen(working))


async def acknowledge_submission(ack: AsyncAck, visit: Visit, working: str) -> None:
    """Close the dialog when the answer goes to the channel; otherwise let it say that work goes on."""
    if isinstance(visit.reply, DialogReply):
        await ack(response_action="update", view=as_view(working_screen(working)))
    else:
        await ack()
