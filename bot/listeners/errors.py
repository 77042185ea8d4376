"""Replies after a listener fails before its work begins, and to payloads that no listener or workspace can handle."""

import logging
from collections.abc import Mapping
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.error import BoltUnhandledRequestError
from slack_bolt.response import BoltResponse

from bot.commands.correction import NoCorrection
from bot.environment import COMMAND
from bot.ids import quote
from bot.listeners import flow, interaction
from bot.listeners.interaction import Interaction
from bot.listeners.replies import ChannelReply
from bot.slack.client import UntrustedAddress
from bot.storage.engine import DatabaseError
from bot.views.buttons import UnreadableValue
from bot.views.metadata import Origin, UnreadableMetadata
from bot.views.notices import OTHER_COMMAND, OUTDATED, no_database_screen, not_installed_screen, unexpected_screen
from bot.views.parts import Screen, as_view
from bot.workspaces.runtime import RUNTIME, NotInstalled, Runtime, Shared

log = logging.getLogger(__name__)


def register(app: AsyncApp, shared: Shared) -> None:
    """Handle the errors of all listeners, and payloads without a listener, which usually come from an old button."""

    @app.error
    async def on_error(error: Exception, body: dict[str, Any], context: AsyncBoltContext) -> BoltResponse:
        runtime = context.get(RUNTIME)
        if not isinstance(runtime, Runtime):
            return await _answer_unserved(shared, error, body, context)
        if isinstance(error, UntrustedAddress):
            log.error("a command stays unanswered: %s", error)
            return context.ack.response or await context.ack()
        is_outdated = isinstance(error, BoltUnhandledRequestError | UnreadableMetadata | UnreadableValue | NoCorrection)
        if is_outdated and "command" in body:
            log.warning("%s was typed, but EXTAUTH_COMMAND is %s", quote(body["command"]), COMMAND)
        elif is_outdated:
            extra = {"kind": body.get("type"), "id": _id(body), "error_type": type(error).__name__}
            log.warning("a button or form isn't from this version of Extauth", extra=extra)
        else:
            log.error("a listener failed", exc_info=error)
        screen = OTHER_COMMAND if "command" in body else OUTDATED
        if not is_outdated:
            screen = unexpected_screen(None, str(context.get("reference")), runtime.contact)
        if context.ack.response is None and body.get("type") == "view_submission":
            return await context.ack(response_action="update", view=as_view(screen))
        runtime.shared.tasks.start(_tell(runtime, body, context, screen))
        # Bolt has replaced the acknowledgement with a 500, for which Slack would show the person an error of its own.
        return context.ack.response or await context.ack()


async def _tell(runtime: Runtime, body: dict[str, Any], context: AsyncBoltContext, screen: Screen) -> None:
    try:
        broken = _interaction(runtime, body, context)
        if broken is not None and broken.reply is None:
            await flow.open_modal(broken, as_view(screen))
        elif broken is not None:
            await flow.show(broken, screen)
    except Exception:
        log.exception("an error couldn't be shown to the person")


def _interaction(runtime: Runtime, body: dict[str, Any], context: AsyncBoltContext) -> Interaction | None:
    if "command" in body:
        return interaction.from_command(runtime, body, context)
    if body.get("type") == "block_actions":
        # The view's metadata is left out, because the error may be that it can't be read.
        view = {"view": {"id": body["view"]["id"], "type": body["view"].get("type")}} if "view" in body else {}
        return interaction.from_click(runtime, {**body, **view}, context)
    if body.get("type") == "shortcut":
        return interaction.from_shortcut(runtime, body, context)
    return None


def _id(body: dict[str, Any]) -> str:
    """Return the ID by which Bolt would find a listener, in a form that is safe to log."""
    part = body.get("actions", [body.get("view") or body.get("event") or body])[0]
    named = (part.get(name) for name in ("action_id", "callback_id", "type", "command"))
    return quote(next(filter(None, named), ""))


async def _answer_unserved(
    shared: Shared, error: Exception, body: dict[str, Any], context: AsyncBoltContext
) -> BoltResponse:
    """Acknowledge a payload that has no runtime, and show the person the reason if possible."""
    if isinstance(error, NotInstalled):
        log.warning("a request came from a workspace where the bot isn't installed")
        screen = not_installed_screen(error.install_url)
    else:
        is_database = isinstance(error, DatabaseError)
        log.error("a request's workspace couldn't be looked up", exc_info=None if is_database else error)
        screen = no_database_screen(str(context.get("reference")), None)
    kind = body.get("type")
    if kind == "view_submission":
        return await context.ack(response_action="update", view=as_view(screen))
    if kind == "block_suggestion":
        return await context.ack(options=[])
    await tell_unserved(shared, screen, body)
    return await context.ack()


async def tell_unserved(shared: Shared, screen: Screen, body: Mapping[str, Any]) -> None:
    """Reply at the payload's `response_url`, if it has one, because there is no token for another way to reply."""
    url = body.get("response_url")
    if url is None:
        return
    try:
        await ChannelReply(shared.clients, Origin(str(url), shared.clock.now())).show(screen)
    except Exception as error:
        log.error("an error couldn't be shown to the person", extra={"error_type": type(error).__name__})
