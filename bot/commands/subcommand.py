"""What can be typed after `/extauth`: subcommands and their options."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.operation import Permission
from bot.pasted import TokenFormat, looks_like_provider_key, quote
from bot.slack.external_auth.models import LABELS, InvalidParameter

COMMAND = "/extauth"


@dataclass(frozen=True, slots=True)
class Option:
    """A parameter by its API name, and what it does. A flag is true when it stands alone.

    A bare word of the `form` stands for this option, whatever the subcommand's `argument` is. One that `repeats` can be
    there several times; its values are joined by spaces.
    """

    name: str
    does: str = ""
    is_flag: bool = False
    form: re.Pattern[str] | None = None
    repeats: bool = False

    @property
    def spelling(self) -> str:
        """How it is typed."""
        return f"--{self.name.replace('_', '-')}"


@dataclass(frozen=True, slots=True)
class Subcommand:
    """A word after `/extauth`, and what can follow it.

    `usages` are the ways to type it and what each does, the main one first. `argument` names the option that any other
    bare word stands for. Help leaves the command out for people without its `permission`.
    """

    name: str
    usages: tuple[tuple[str, str], ...]
    options: tuple[Option, ...] = ()
    argument: str | None = None
    permission: Permission | None = None

    @property
    def usage(self) -> str:
        """One line that shows everything the subcommand understands."""
        return self.usages[0][0]

    def argument_for(self, word: str) -> str | None:
        """Return the name of the option that a bare word stands for; None where it stands for none."""
        of_its_form = (option.name for option in self.options if option.form and option.form.fullmatch(word))
        return next(of_its_form, self.argument)


@dataclass(frozen=True, slots=True)
class Parsed:
    """Typed text, understood: the subcommand (None for the bare command) and the values by API name."""

    subcommand: Subcommand | None
    values: Mapping[str, str | bool] = field(default_factory=dict)


class PastedTokenError(ValueError):
    """Typed text with a known token in it. Neither the text nor the token is kept."""

    def __init__(self, token_format: TokenFormat) -> None:
        super().__init__(f"The text holds {token_format.name}.")
        self.token_format = token_format


class UsageError(ValueError):
    """Typed text that wasn't understood, with what was probably meant and the usage line."""

    def __init__(self, problem: str, usage: str, suggestion: str | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.usage = usage
        self.suggestion = suggestion

    @classmethod
    def about(cls, error: InvalidParameter, subcommand: Subcommand) -> "UsageError":
        """Describe an invalid parameter in the words of the command."""
        return cls(f"Check the {LABELS.get(error.name, error.name)}. {error.problem}", subcommand.usage)


def check_is_no_provider(token_id: str, subcommand: Subcommand, suggestion: str | None = None) -> None:
    """Raise UsageError where a provider's name was typed for a token ID. `suggestion` is what was probably meant."""
    if looks_like_provider_key(token_id):
        problem = f"“{quote(token_id)}” looks like a provider, not a token ID."
        raise UsageError(problem, subcommand.usage, suggestion)
