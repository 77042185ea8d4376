"""The slash command itself: typed text to the feature it means."""

from collections.abc import Sequence
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext

from bot.command_text import COMMAND, UsageError, parse
from bot.features import menu
from bot.features import visit as visits
from bot.features.feature import Feature
from bot.features.runtime import Runtime
from bot.features.visit import Visit
from bot.ui.notices import usage_screen


def register(app: AsyncApp, runtime: Runtime, features: Sequence[Feature]) -> None:
    """Listen for the command."""
    subcommands = [feature.subcommand for feature in features]
    on_typed = {feature.subcommand.name: feature.on_typed for feature in features}

    async def carry_out(visit: Visit, text: str) -> None:
        try:
            typed = parse(text, subcommands)
            if typed.subcommand is None:
                await menu.open_menu(runtime, visit)
            else:
                await on_typed[typed.subcommand.name](runtime, visit, typed.values)
        except UsageError as error:
            if visit.reply is not None:
                await visit.reply.show(usage_screen(error.problem, error.suggestion, error.usage))

    @app.command(COMMAND)
    async def on_command(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        await ack()
        text = str(body.get("text") or "")
        runtime.start(visits.from_command(runtime, body, context), lambda visit: carry_out(visit, text))
