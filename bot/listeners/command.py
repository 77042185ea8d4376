"""The slash command itself: typed text to the listener it means."""

import logging
from collections.abc import Sequence
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext

from bot.commands.parser import parse
from bot.commands.subcommand import COMMAND, PastedTokenError, UsageError
from bot.listeners import flow, interaction, menu
from bot.listeners.interaction import Interaction
from bot.listeners.listener import Listener
from bot.listeners.runtime import Runtime
from bot.ui.notices import pasted_token_screen, usage_screen

log = logging.getLogger(__name__)


def register(app: AsyncApp, runtime: Runtime, listeners: Sequence[Listener]) -> None:
    """Listen for the command."""
    subcommands = [listener.subcommand for listener in listeners]
    on_typed = {listener.subcommand.name: listener.on_typed for listener in listeners}

    async def carry_out(typed: Interaction, text: str) -> None:
        try:
            parsed = parse(text, subcommands)
            if parsed.subcommand is None:
                await menu.open_menu(runtime, typed)
            else:
                await on_typed[parsed.subcommand.name](runtime, typed, parsed.values)
        except PastedTokenError as error:
            log.warning("a token was typed and rejected", extra={"format": error.token_format.name})
            await flow.show(typed, pasted_token_screen(error.token_format))
        except UsageError as error:
            await flow.show(typed, usage_screen(error.problem, error.suggestion, error.usage))

    @app.command(COMMAND)
    async def on_command(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        await ack()
        typed = interaction.from_command(runtime, body, context)
        await flow.start(runtime, typed, carry_out(typed, str(body.get("text") or "")))
