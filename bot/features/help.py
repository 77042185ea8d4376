"""`/extauth help`: how to use the bot, and what this person may do."""

from collections.abc import Sequence

from slack_bolt.async_app import AsyncApp

from bot.command_text import COMMAND, Subcommand
from bot.features.feature import Feature, Values
from bot.features.runtime import Runtime
from bot.features.visit import Visit
from bot.ui.notices import help_screen

SUBCOMMAND = Subcommand(name="help", usages=((f"{COMMAND} help", "shows this"),))


def feature(others: Sequence[Feature]) -> Feature:
    """The help on the other features, in their order, and on itself."""
    usages = [(COMMAND, "opens the dialog to choose what to do")]
    for subcommand in (*(other.subcommand for other in others), SUBCOMMAND):
        usages += subcommand.usages

    async def on_typed(runtime: Runtime, visit: Visit, values: Values) -> None:
        permissions = await runtime.service.permissions(visit.actor)
        if visit.reply is not None:
            await visit.reply.show(help_screen(usages, permissions))

    return Feature(SUBCOMMAND, on_typed, _register)


def _register(app: AsyncApp, runtime: Runtime) -> None:
    """Help has no listeners: it is only typed."""
