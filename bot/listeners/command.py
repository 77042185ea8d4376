"""The slash command itself: typed text to the listener it means, and the button that runs what was meant."""

import logging
from collections.abc import Sequence
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext

from bot.commands import correction
from bot.commands.correction import Correction
from bot.commands.parser import parse
from bot.commands.subcommand import COMMAND, PastedTokenError, Subcommand, UsageError
from bot.listeners import flow, interaction, menu, retry
from bot.listeners.interaction import Interaction
from bot.listeners.listener import Listener, on_click
from bot.slack.external_auth.models import GetToken
from bot.views import buttons
from bot.views.notices import pasted_token_screen, usage_screen
from bot.views.parts import Screen
from bot.workspaces.runtime import Runtime

log = logging.getLogger(__name__)


def mistake_screen(error: UsageError, subcommands: Sequence[Subcommand]) -> Screen:
    """Return what wasn't understood, and what was probably meant: with a button, if a button can carry it."""
    corrected = correction.correct(error.meant, subcommands)
    if corrected is None:
        return usage_screen(error.problem, error.suggestion, error.usage)
    button = buttons.suggestion(COMMAND, corrected.text, asks_first=corrected.parsed.asks_first)
    return usage_screen(error.problem, f"{COMMAND} {corrected.text}", error.usage, button)


def register(app: AsyncApp, listeners: Sequence[Listener]) -> None:
    """Listen for the command and the button."""
    subcommands = [listener.subcommand for listener in listeners]
    named = {listener.subcommand.name: listener for listener in listeners}

    async def carry_out(runtime: Runtime, typed: Interaction, text: str) -> None:
        try:
            parsed = parse(text, subcommands)
            if parsed.subcommand is None:
                await menu.open_menu(runtime, typed)
            else:
                await named[parsed.subcommand.name].on_typed(runtime, typed, parsed.request, parsed.values)
        except PastedTokenError as error:
            log.warning("a token was typed and rejected", extra={"format": error.token_format.name})
            await flow.show(typed, pasted_token_screen(error.token_format))
        except UsageError as error:
            await flow.show(typed, mistake_screen(error, subcommands))

    async def follow_suggestion(runtime: Runtime, clicked: Interaction, suggested: Correction) -> None:
        request = suggested.parsed.request
        if isinstance(request, GetToken) and request.mutates:
            await retry.edit(runtime, clicked, request)
        else:
            await carry_out(runtime, clicked, suggested.text)

    @app.command(COMMAND)
    async def on_command(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext, runtime: Runtime) -> None:
        await ack()
        typed = interaction.from_command(runtime, body, context)
        flow.start(runtime, typed, carry_out(runtime, typed, str(body.get("text") or "")))

    on_click(app, buttons.SUGGESTION, follow_suggestion, lambda value: correction.read(value, subcommands))
