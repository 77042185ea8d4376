"""Subcommands of `/extauth`, and their options."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bot.ids import TokenFormat
from bot.operation import OpenForm, Permission, Request
from bot.slack.external_auth.models import LABELS, DeleteTokens, GetToken, InvalidParameter, Selection

COMMAND = "/extauth"
TOKEN_ID, PROVIDER_KEY = "external_token_id", "provider_key"
_NOTHING = re.compile(r"(?!)")

OptionValues = Mapping[str, str | bool]
"""Values typed after a subcommand, by API name."""


@dataclass(frozen=True, slots=True)
class Option:
    """A parameter by its API name, and its effect. A flag without a value is true.

    A bare word of the `form` is this option's value, regardless of the subcommand's `argument`. Without a typed
    subcommand, it tells which was meant. A token ID of a form that its option `refuses` is taken for a provider. A flag
    that `skips_question` is never part of a button's command. An option that `repeats` can occur several times; its
    values are joined by spaces.
    """

    name: str
    does: str = ""
    is_flag: bool = False
    form: re.Pattern[str] = _NOTHING
    refuses: re.Pattern[str] = _NOTHING
    skips_question: bool = False
    repeats: bool = False

    @property
    def spelling(self) -> str:
        """The option as it is typed."""
        return f"--{self.name.replace('_', '-')}"


@dataclass(frozen=True, slots=True)
class Subcommand:
    """A word after `/extauth`, and the options that can follow it.

    `usages` are the ways to type it and the effect of each, the main one first. `wanted` returns the request for the
    values, None if the service isn't asked for anything; it raises UsageError. `argument` names the option for any
    other bare word. Help leaves the command out for people without its `permission`.
    """

    name: str
    usages: tuple[tuple[str, str], ...]
    wanted: Callable[[OptionValues], Request | None] = field(compare=False)
    options: tuple[Option, ...] = ()
    argument: str | None = None
    permission: Permission | None = None

    @property
    def usage(self) -> str:
        """One line that shows everything the subcommand understands."""
        return self.usages[0][0]


@dataclass(frozen=True, slots=True)
class ParsedCommand:
    """Parsed text: the subcommand (None for the bare command), the values, and the request for them."""

    subcommand: Subcommand | None
    values: OptionValues = field(default_factory=dict)
    request: Request | None = field(default=None, compare=False)

    @property
    def asks_first(self) -> bool:
        """True if a button for this opens a form or a confirmation first: it changes something, or lacks an ID."""
        changes = isinstance(self.request, GetToken | DeleteTokens) and self.request.mutates
        return changes or isinstance(self.request, OpenForm | Selection)


class PastedTokenError(ValueError):
    """Typed text with a known token in it. Neither the text nor the token is kept."""

    def __init__(self, token_format: TokenFormat) -> None:
        super().__init__(f"The text holds {token_format.name}.")
        self.token_format = token_format


class UsageError(ValueError):
    """Typed text that wasn't understood, with the usage line.

    `meant` is the whole command that was probably meant, with any text as its values; `suggestion` is its mistyped
    part, to be shown if the whole can't be.
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
