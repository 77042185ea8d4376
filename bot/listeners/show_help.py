"""`/extauth help` for the commands that a person may use, and `/extauth help get` for the use of one command."""

from collections.abc import Sequence

from bot.commands.parser import HELP, TOPIC, closest_name
from bot.commands.subcommand import Option, OptionValues, ParsedCommand, Subcommand, UsageError
from bot.environment import COMMAND
from bot.ids import quote_word
from bot.listeners import flow
from bot.listeners.interaction import Interaction
from bot.listeners.listener import Listener
from bot.views.help import command_screen, help_screen

_BARE = (COMMAND, "opens a form to choose what to do")


def listener(others: Sequence[Listener]) -> Listener:
    """Return the listener for help with the other subcommands, in the given order, and with `help` itself."""

    def wanted(values: OptionValues) -> None:
        """Check the topic, and return no request, because help needs none. Raises UsageError."""
        topic = str(values.get(TOPIC, "")).lower()
        if topic and topic not in subcommands:
            closest = closest_name(topic, subcommands)
            meant = ParsedCommand(subcommand, {TOPIC: closest}) if closest is not None else None
            raise UsageError(f"{COMMAND} has no command “{quote_word(topic)}”.", subcommand.usage, meant=meant)

    subcommand = Subcommand(
        name=HELP,
        usages=((f"{COMMAND} {HELP} [COMMAND]", "shows this, or how to use one command"),),
        wanted=wanted,
        options=(Option(TOPIC),),
        argument=TOPIC,
    )
    subcommands = {other.subcommand.name: other.subcommand for other in others} | {HELP: subcommand}

    async def on_typed(interaction: Interaction, _: None, values: OptionValues) -> None:
        topic = str(values.get(TOPIC, "")).lower()
        decisions = await interaction.runtime.service.authorize(interaction.actor)
        allowed = {None, *(permission for permission, decision in decisions.items() if decision.allowed)}
        if topic in subcommands:
            named = subcommands[topic]
            options = [(one.spelling, one.does) for one in named.options if one.does and one.permission in allowed]
            await flow.show(interaction, command_screen(topic, named.usages_for(allowed), options))
        else:
            usable = [one for one in subcommands.values() if one.permission in allowed]
            commands = [_BARE, *(one.usages_for(allowed)[0] for one in usable)]
            await flow.show(interaction, help_screen(commands, decisions, interaction.runtime.contact))

    return Listener(subcommand, on_typed)
