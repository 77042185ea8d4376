"""What a subcommand consists of."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from slack_bolt.async_app import AsyncApp

from bot.commands.subcommand import Subcommand, Values
from bot.listeners.interaction import Interaction
from bot.listeners.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Listener:
    """A subcommand: its words, what typing it does, and its listeners for modals and buttons."""

    subcommand: Subcommand
    on_typed: Callable[[Runtime, Interaction, Values], Awaitable[None]]
    register: Callable[[AsyncApp], None]
