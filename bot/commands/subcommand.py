"""Subcommands of `/extauth`, and their options."""

import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field

from bot.ids import TokenFormat
from bot.operation import OpenForm, Permission, Request
from bot.slack.external_auth.models import LABELS, DeleteTokens, GetToken, InvalidParameter, Selection

TOKEN_ID, PROVIDER_KEY = "external_token_id", "provider_key"
_NOTHING = re.compile(r"(?!)")

OptionValues = Mapping[str, str | bool]
"""The values typed after a subcommand, by API name."""


@dataclass(frozen=True, slots=True)
class Option:
    """A parameter by its API name, and its effect. A flag without a value is true.

    A bare word that matches `form` is this option's value, regardless of the subcommand's `argument`. If the subcommand
    is missing, the word also identifies it. A value that matches `refuses` is probably a provider instead of a token
    ID. A flag that `skips_question` is never part of a button's command. An option that `repeats` can occur several
    times, and its values are joined by spaces. People without the `permission` don't see the option in the help.
    """

    name: str
    does: str = ""
    is_flag: bool = False
    form: re.Pattern[str] = _NOTHING
    refuses: re.Pattern[str] = _NOTHING
    skips_question: bool = False
    repeats: bool = False
    permission: Permission | None = None

    @property
    def spelling(self) -> str:
        """The option as people type it."""
        return f"--{self.name.replace('_', '-')}"


@dataclass(frozen=True, slots=True)
class Subcommand:
    """A word after `/extauth`, and the options that can follow it.

    `usages` are the ways to type it and the effect of each, with the main one first. `wanted` returns the request for
    the values, or None if there is nothing to request, and raises UsageError. `argument` is the option that gets any
    other bare word. People without the `permission` don't see the command in the help.
    """

    name: str
    usages: tuple[tuple[str, str], ...]
    wanted: Callable[[OptionValues], Request | None] = field(compare=False)
    options: tuple[Option, ...] = ()
    argument: str | None = None
    permission: Permission | None = None

    def usages_for(self, allowed: Container[Permission | None]) -> list[tuple[str, str]]:
        """Return the ways to type it, without the options of permissions that aren't `allowed`."""
        hidden = [f" [{option.spelling}]" for option in self.options if option.permission not in allowed]
        usages = []
        for usage, does in self.usages:
            for option in hidden:
                usage = usage.replace(option, "")
            usages.append((usage, does))
        return usages

    @property
    def usage(self) -> str:
        """The line that shows all options of the subcommand."""
        return self.usages[0][0]


@dataclass(frozen=True, slots=True)
class ParsedCommand:
    """A parsed command: the subcommand (None for the bare command), the values, and the request."""

    subcommand: Subcommand | None
    values: OptionValues = field(default_factory=dict)
    request: Request | None = field(default=None, compare=False)

    @property
    def asks_first(self) -> bool:
        """True if a button opens a form or a confirmation first, because the command changes data or lacks an ID."""
        changes = isinstance(self.request, GetToken | DeleteTokens) and self.request.mutates
        return changes or isinstance(self.request, OpenForm | Selection)


class PastedTokenError(ValueError):
    """Typed text that contains a token of a known format. The exception holds neither the text nor the token."""

    def __init__(self, token_format: TokenFormat) -> None:
        super().__init__(f"The text holds {token_format.name}.")
        self.token_format = token_format


class UsageError(ValueError):
    """A mistake in typed text, with the usage line.

    `meant` is the complete command that was probably meant, whose values may be any text. `suggestion` is the corrected
    part, which is shown if the complete command can't be.
    """

    def __init__(
        self, problem: str, usage: str, suggestion: str | None = None, meant: ParsedCommand | None = None
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.usage = usage
        self.suggestion = suggestion
        self.meant = meant

    @classmethod
    def about(cls, error: InvalidParameter, subcommand: Subcommand) -> "UsageError":
        """Return the error for an invalid parameter, in the words of the command."""
        return cls(f"Check the {LABELS.get(error.name, error.name)}. {error.problem}", subcommand.usage)
