"""The parts of a subcommand."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from bot.commands.subcommand import OptionValues, Subcommand
from bot.listeners.interaction import Interaction


@dataclass(frozen=True, slots=True)
class Listener:
    """A subcommand, and the function that handles it when a person types it.

    `on_typed` gets the request that the subcommand's `wanted` returns, and the typed values.
    """

    subcommand: Subcommand
    on_typed: Callable[[Interaction, Any, OptionValues], Awaitable[None]]
