"""Answers what comes from where the bot can't serve anybody: it isn't installed there, or the database doesn't say.

There is no token to answer with and nothing is stored: the answer goes with the acknowledgement, or to the payload's
own address.
"""

import logging
from typing import Any

from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.response import BoltResponse

from bot.listeners.replies import ChannelReply
from bot.listeners.runtime import NotInstalled, Shared
from bot.storage.engine import DatabaseError
from bot.ui.notices import not_installed_screen, unserved_screen
from bot.ui.screen import Screen, as_message, as_view

log = logging.getLogger(__name__)


async def answer(shared: Shared, error: Exception, body: dict[str, Any], context: AsyncBoltContext) -> BoltResponse:
    """Acknowledge a request that has no runtime, and say why where the person can be told."""
    if isinstance(error, NotInstalled):
        log.warning("a request came from a workspace where the bot isn't installed")
        screen = not_installed_screen(error.install_url)
    else:
        is_database = isinstance(error, DatabaseError)
        log.error("a request's workspace couldn't be looked up", exc_info=None if is_database else error)
        screen = unserved_screen(str(context.get("reference")))
    url = body.get("response_url")
    if url is not None and "command" not in body:
        shared.tasks.start(ChannelReply(shared.clients, str(url)).show(screen))
    return await _acknowledge(screen, body, context)


async def _acknowledge(screen: Screen, body: dict[str, Any], context: AsyncBoltContext) -> BoltResponse:
    kind = body.get("type")
    if "command" in body:
        message = as_message(screen)
        return await context.ack(text=message["text"], blocks=message["blocks"], response_type="ephemeral")
    if kind == "view_submission":
        return await context.ack(response_action="update", view=as_view(screen))
    if kind == "block_suggestion":
        return await context.ack(options=[])
    return await context.ack()
