"""The likely correction of a command, for the value of a button: *Did you mean `/extauth get Et12345ABCDE`?*

Slack stores a button's value and returns it from outside. So the value is written from the parsed command instead of
the typed text, contains only Extauth's names and values in the form of an ID, and is parsed again after a click.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.commands.parser import parse
from bot.commands.subcommand import OptionValues, ParsedCommand, PastedTokenError, Subcommand, UsageError
from bot.ids import USER_ID, is_id

_NUMBER = re.compile(r"\d{1,4}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Correction:
    """A command as the text after `/extauth`, and in parsed form."""

    text: str
    parsed: ParsedCommand


class NoCorrection(ValueError):
    """Text that isn't in any button of this version of Extauth."""


def correct(meant: ParsedCommand | None, subcommands: Sequence[Subcommand]) -> Correction | None:
    """Return the command to run instead, or None if it's unclear or if a value could be a secret."""
    if meant is None or meant.subcommand is None:
        return None
    skips = {option.name for option in meant.subcommand.options if option.skips_question}
    values = {name: value for name, value in meant.values.items() if name not in skips}
    for value in (one for one in values.values() if not isinstance(one, bool)):
        is_person = value.startswith("@") and USER_ID.fullmatch(value[1:]) is not None
        is_number = _NUMBER.fullmatch(value) is not None
        if not (is_person or is_number or all(is_id(word) for word in value.split(" "))):
            return None
    text = " ".join([meant.subcommand.name, *_words(meant.subcommand, values)])
    try:
        parsed = parse(text, subcommands)
    except (UsageError, PastedTokenError):
        return None
    return Correction(text, parsed) if parsed == ParsedCommand(meant.subcommand, values) else None


def read(value: object, subcommands: Sequence[Subcommand]) -> Correction:
    """Parse a button's value. Raises NoCorrection for a value that `correct` doesn't return."""
    try:
        correction = correct(parse(value, subcommands), subcommands) if isinstance(value, str) else None
    except (UsageError, PastedTokenError):
        correction = None
    if correction is None or correction.text != value:
        raise NoCorrection("The button's value isn't a command.")
    return correction


def _words(subcommand: Subcommand, values: OptionValues) -> Iterator[str]:
    """Yield the words after the subcommand, with bare words first, so that none is parsed as an option's value."""
    forms = {option.name: option.form for option in subcommand.options}
    bare = {}
    for name, text in values.items():
        formed = (other for other, form in forms.items() if form.fullmatch(str(text)))
        if next(formed, subcommand.argument) == name:
            bare[name] = text
    yield from (str(bare[option.name]) for option in subcommand.options if option.name in bare)
    for option in subcommand.options:
        value = values.get(option.name)
        if option.is_flag and value is not None:
            yield option.spelling if value else f"{option.spelling}=false"
        elif value is not None and option.name not in bare:
            yield from (option.spelling, str(value))
