"""The slash command, from the typed text to a listener, and the button that runs a suggested command."""

import logging
from collections.abc import Sequence
from dataclasses import replace

from slack_bolt.async_app import AsyncApp

from bot.commands import correction
from bot.commands.correction import Correction
from bot.commands.parser import parse
from bot.commands.subcommand import PastedTokenError, Subcommand, UsageError
from bot.environment import COMMAND
from bot.listeners import flow, menu, picker, retry
from bot.listeners.interaction import Interaction
from bot.listeners.listener import Listener
from bot.listeners.routes import Routes
from bot.slack.external_auth.models import CheckToken, DeleteTokens, GetToken
from bot.views import buttons
from bot.views.notices import pasted_token_screen, usage_screen
from bot.views.parts import Screen

log = logging.getLogger(__name__)


def mistake_screen(error: UsageError, subcommands: Sequence[Subcommand]) -> Screen:
    """Return the screen for a mistyped command, with a button for the likely correction if a button can carry it."""
    corrected = correction.correct(error.meant, subcommands)
    if corrected is None:
        return usage_screen(error.problem, error.suggestion, error.usage)
    button = buttons.suggestion(COMMAND, corrected.text, asks_first=corrected.parsed.asks_first)
    return usage_screen(error.problem, f"{COMMAND} {corrected.text}", error.usage, button)


def register(app: AsyncApp, listeners: Sequence[Listener]) -> None:
    subcommands = [listener.subcommand for listener in listeners]
    named = {listener.subcommand.name: listener for listener in listeners}

    routes = Routes()

    @routes.command(COMMAND)
    async def carry_out(interaction: Interaction, text: str) -> None:
        try:
            parsed = parse(text, subcommands)
            if parsed.subcommand is None:
                await menu.open_menu(interaction)
            else:
                request = parsed.request
                if isinstance(request, GetToken | CheckToken | DeleteTokens) and request.external_token_id is not None:
                    token_id = request.external_token_id
                    # Phones change the case of what is typed, and Slack's IDs depend on it.
                    if isinstance(token_id, str) and token_id[:2] != "Et" and token_id[:2].lower() == "et":
                        request = replace(request, external_token_id=await picker.as_listed(interaction, token_id))
                # A deletion of another ID than the typed one is confirmed in any case.
                values = parsed.values if request == parsed.request else {**parsed.values, "yes": False}
                await named[parsed.subcommand.name].on_typed(interaction, request, values)
        except PastedTokenError as error:
            log.warning("a token was typed and rejected", extra={"format": error.token_format.name})
            await flow.show(interaction, pasted_token_screen(error.token_format))
        except UsageError as error:
            await flow.show(interaction, mistake_screen(error, subcommands))

    @routes.click(buttons.SUGGESTION, read=lambda value: correction.read(value, subcommands))
    async def follow_suggestion(interaction: Interaction, suggested: Correction) -> None:
        request = suggested.parsed.request
        if isinstance(request, GetToken) and request.mutates:
            await retry.edit(interaction, request)
        else:
            await carry_out(interaction, suggested.text)

    routes.register(app)
