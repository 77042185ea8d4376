"""Shared steps of listeners: guarding the work, opening a modal if allowed, running a request, and replying."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.access import Decision
from bot.actor import Actor
from bot.batch import Batch, Item
from bot.clock import Clock
from bot.jobs.run import result_of
from bot.listeners.approval_request import ask_for
from bot.listeners.interaction import Interaction
from bot.listeners.replies import ModalReply, Reply, reason
from bot.metrics import ANSWERED
from bot.operation import Permission, Request
from bot.outcomes import AlreadyRun, ApprovalNeeded, Deleted, Denied, Failed, Outcome, Tested
from bot.service import Runnable
from bot.slack.external_auth.models import CheckToken, DeleteTokens
from bot.slack.rate_limit import SecondsLeft
from bot.storage.engine import DatabaseError
from bot.tasks import finishes_within, retry
from bot.views.notices import CHECKING, TOO_LATE, UNOPENED, interrupted_screen, no_database_screen, unexpected_screen
from bot.views.outcomes import outcome_screen, waiting_screen, working_screen
from bot.views.parts import Screen, View, as_view
from bot.views.permissions import denied_screen

log = logging.getLogger(__name__)

CHECK_SECONDS = 1.0
"""Seconds the permission check may take before a modal opens without it, because a trigger ID lasts three."""

NOTICE_SECONDS = 2.8
"""Seconds until the notice that a request takes longer, so that the person sees a response within three."""
SHORT_SECONDS = 3
"""Maximum seconds of waiting that are too short to mention."""
NOTICE_RETRY_SECONDS = (2.0, 10.0, 30.0)
"""Seconds to wait before each further try to show a notice."""
MAX_NOTICES = 2
"""Maximum number of notices that a request takes longer. A `response_url` accepts five messages in total."""

Decisions = Mapping[Permission, Decision]


async def guard(interaction: Interaction, work: Coroutine[None, None, None]) -> None:
    """Do the work, and notify the person if it fails or is interrupted."""
    runtime = interaction.runtime
    came_at = runtime.shared.clock.monotonic()
    try:
        await work
    except asyncio.CancelledError:
        log.warning("interrupted by shutdown")
        screen = interrupted_screen(interaction.request, interaction.actor.reference)
        await _tell(interaction, interaction.interrupted() if interaction.interrupted else screen)
    except DatabaseError as error:
        log.error("the database couldn't be used, so nothing was begun", extra={"why": str(error)})
        await _tell(interaction, no_database_screen(interaction.actor.reference, runtime.contact))
    except Exception:
        log.exception("unexpected error")
        screen = unexpected_screen(interaction.request, interaction.actor.reference, runtime.contact)
        await _tell(interaction, screen)
    finally:
        runtime.shared.metrics[ANSWERED].observe(runtime.shared.clock.monotonic() - came_at)


async def show(interaction: Interaction, screen: Screen) -> None:
    """Show the screen to the person, if there is a place for it."""
    reply = interaction.reply or interaction.elsewhere
    if reply is not None:
        await reply.show(screen)


async def _tell(interaction: Interaction, screen: Screen) -> None:
    try:
        await show(interaction, screen)
    except Exception:
        log.exception("an error couldn't be shown to the person")


async def open_modal(interaction: Interaction, view: View) -> bool:
    """Open a modal, or replace the content of the open one. Later replies go into the modal.

    Returns False if Slack didn't open the modal. The person is then notified, unless another delivery opened it.
    """
    try:
        if isinstance(interaction.reply, ModalReply):
            await interaction.reply.put(view)
            return True
        # A trigger ID works only once, so a retry would fail even if the first attempt had opened the modal.
        token = interaction.actor.bot_token
        client = interaction.runtime.shared.clients.web(token, once=True)
        response = await client.views_open(trigger_id=interaction.trigger_id, view=view)
        elsewhere = interaction.reply or interaction.elsewhere
        interaction.reply = ModalReply(interaction.runtime.shared.clients, token, response["view"]["id"], elsewhere)
    except Exception as error:
        code = reason(error)
        if "exchanged" in code:
            log.info("a modal was opened by another delivery of the same interaction")
            return False
        log.warning("a modal couldn't be opened", extra={"code": code})
        await show(interaction, TOO_LATE if "trigger" in code else UNOPENED)
        return False
    return True


async def open_if_allowed(
    interaction: Interaction,
    requests: Sequence[Request],
    view: View | Callable[[Decisions], Awaitable[View]],
) -> bool:
    """Open a modal for a person who may make at least one of the requests, and show anyone else the reason for denial.

    The check comes first, so that a denied person doesn't get the modal. If the check takes long, the modal opens with
    a note that the check is running, because the trigger ID would expire.
    """
    runtime = interaction.runtime
    check = asyncio.ensure_future(runtime.service.admit(interaction.actor, requests))
    if not await finishes_within(runtime.shared.clock, check, CHECK_SECONDS) and not await open_modal(
        interaction, as_view(CHECKING)
    ):
        check.cancel()
        return False
    admitted = await check
    if isinstance(admitted, AlreadyRun):
        return False
    if not isinstance(admitted, Denied):
        return await open_modal(interaction, await view(admitted) if callable(view) else view)
    screen = denied_screen(admitted, runtime.contact)
    if interaction.reply is None:
        await open_modal(interaction, as_view(screen))
    else:
        await interaction.reply.show(screen)
    return False


async def run(interaction: Interaction, request: Runnable) -> None:
    """Run the request and show its outcome, after a notice if the request takes long."""
    runtime = interaction.runtime
    if interaction.reply is None:
        raise ValueError("There is no place for an answer yet: open a modal first.")
    outcome = await outcome_of(interaction, interaction.actor, request)
    if isinstance(outcome, ApprovalNeeded):
        await ask_for(interaction, outcome.request)
    elif not isinstance(outcome, AlreadyRun):  # because the other delivery shows the outcome
        if isinstance(request, CheckToken | DeleteTokens):
            await note(interaction, outcome)
        await interaction.reply.show(outcome_screen(outcome, runtime.contact))


async def outcome_of(interaction: Interaction, actor: Actor, request: Runnable) -> Outcome:
    """Run the request and return its outcome. Shows a notice if the request takes long and there is a place for one."""
    runtime, wait = interaction.runtime, Wait(interaction.runtime.shared.clock)
    interaction.request = request
    running = asyncio.ensure_future(runtime.service.run(actor, request, wait.note))
    try:
        if interaction.reply is not None:
            await tell_waits(runtime.shared.clock, interaction.reply, request, running, wait)
        return await running
    finally:
        if not running.done():
            running.cancel()
            # The canceled request still has to record its interruption.
            await asyncio.wait({running})


async def note(interaction: Interaction, outcome: Outcome) -> None:
    """Store the result of a single test, and forget the tokens of a single deletion. Never raises."""
    runtime, actor = interaction.runtime, interaction.actor
    match outcome:
        case Deleted() if outcome.request.external_token_id is None:
            key = outcome.request.provider_key
            await runtime.shared.account_states.forget(
                actor.team_id, provider_key=key if isinstance(key, str) else None
            )
        case Tested() | Deleted() | Failed():
            request, result = outcome.request, result_of(outcome)
            token_id = request.external_token_id if isinstance(request, CheckToken | DeleteTokens) else None
            if isinstance(token_id, str) and result is not None:
                alone = Batch.of(actor, request.operation, [Item(token_id)], runtime.shared.clock.now())
                await runtime.shared.account_states.note(alone.with_result(result))
        case _:
            return


async def run_in_modal(interaction: Interaction, request: Runnable) -> None:
    """Run the request of a person outside any channel, and show the outcome in a modal."""
    if await open_if_allowed(interaction, [request], as_view(working_screen(request))):
        await run(interaction, request)


@dataclass(slots=True)
class Wait:
    """The remaining wait of a request because of Slack's limits."""

    clock: Clock
    _seconds_left: SecondsLeft = lambda: 0
    _told_until: float = 0.0
    _is_news: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, seconds_left: SecondsLeft) -> None:
        """Note a wait. A short wait isn't news, nor is one that ends about when the person expects."""
        self._seconds_left = seconds_left
        seconds = seconds_left()
        if seconds > SHORT_SECONDS and self.clock.monotonic() + seconds > self._told_until + SHORT_SECONDS:
            self._is_news.set()

    @property
    def is_known(self) -> bool:
        """True while the person still has to be notified of a wait because of Slack's limits."""
        return self._is_news.is_set()

    def tell(self) -> int | None:
        """Return the seconds left in the rate-limit wait, to show in a notice; None if there is no wait.

        The wait then counts as shown.
        """
        left = self._seconds_left()
        self._told_until = self.clock.monotonic() + left
        self._is_news.clear()
        return left or None

    async def news(self) -> None:
        """Return once there is a rate-limit delay that the person hasn't been notified of."""
        await self._is_news.wait()


async def tell_waits(clock: Clock, reply: Reply, request: Request, running: asyncio.Future[Any], wait: Wait) -> None:
    """Notify the person if the request takes long, and once more if a wait begins or becomes longer."""
    if await finishes_within(clock, running, NOTICE_SECONDS):
        return
    for number in range(MAX_NOTICES):
        if number:
            await _until_news(running, wait)
        await _tell_wait(clock, reply, request, running, wait)


async def _tell_wait(clock: Clock, reply: Reply, request: Request, running: asyncio.Future[Any], wait: Wait) -> None:
    """Show one notice, with retries while the person still waits."""

    async def tell() -> None:
        if not running.done():
            await reply.show_progress(waiting_screen(request, wait.tell()))

    async def sleep(seconds: float) -> None:
        await finishes_within(clock, running, seconds)

    try:
        await retry(tell, sleep, NOTICE_RETRY_SECONDS, lambda _: True, _not_shown)
    except Exception as error:
        _not_shown(error)


async def _until_news(running: asyncio.Future[Any], wait: Wait) -> None:
    news = asyncio.ensure_future(wait.news())
    try:
        await asyncio.wait({running, news}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        news.cancel()


async def show_progress(reply: Reply, screen: Screen) -> bool:
    """Show a notice, and return whether Slack accepted it. Never raises, because the work must continue."""
    try:
        await reply.show_progress(screen)
    except Exception as error:
        _not_shown(error)
        return False
    return True


def _not_shown(error: Exception) -> None:
    log.warning("a notice couldn't be shown", extra={"error_type": type(error).__name__})
