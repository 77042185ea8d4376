"""The slash command itself: typed text to the listener it means."""

from collections.abc import Sequence
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext

from bot.commands.parser import parse
from bot.commands.subcommand import COMMAND, UsageError
from bot.listeners import flow, interaction, menu
from bot.listeners.interaction import Interaction
from bot.listeners.listener import Listener
from bot.listeners.runtime import Runtime
from bot.ui.notices import usage_screen


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
        except UsageError as error:
            if typed.reply is not None:
                await typed.reply.show(usage_screen(error.problem, error.suggestion, error.usage))

    @app.command(COMMAND)
    async def on_command(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        await ack()
        typed = interaction.from_command(runtime, body, context)
        flow.start(runtime, typed, carry_out(typed, str(body.get("text") or "")))
