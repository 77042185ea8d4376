"""What a feature consists of."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from slack_bolt.async_app import AsyncApp

from bot.command_text import Subcommand
from bot.features.runtime import Runtime
from bot.features.visit import Visit

Values = Mapping[str, str | bool]


@dataclass(frozen=True)
class Feature:
    """A subcommand: its words, what typing it does, and its listeners for dialogs and buttons.

    `on_typed` may raise UsageError.
    """

    subcommand: Subcommand
    on_typed: Callable[[Runtime, Visit, Values], Awaitable[None]]
    register: Callable[[AsyncApp, Runtime], None]
