"""What a subcommand consists of."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from bot.commands.subcommand import Subcommand, Values
from bot.listeners.interaction import Interaction


@dataclass(frozen=True, slots=True)
class Listener:
    """A subcommand: its words, and what typing it does.

    `on_typed` gets the request that the subcommand's `wanted` made, and the values.
    """

    subcommand: Subcommand
    on_typed: Callable[[Interaction, Any, Values], Awaitable[None]]
