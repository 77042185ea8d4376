"""The parser of text after `/extauth`, which tolerates the changes that phones and Macs make.

Keyboards turn `--` into a dash and quotes into curly ones, chats wrap IDs in backticks, and Slack itself escapes names,
addresses, `&`, `<`, and `>`. An ID can't contain any of these characters, so the parser undoes all of these changes.
"""

import difflib
import html
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.commands.subcommand import (
    PROVIDER_KEY,
    TOKEN_ID,
    Option,
    OptionValues,
    ParsedCommand,
    PastedTokenError,
    Subcommand,
    UsageError,
)
from bot.environment import COMMAND
from bot.ids import DASHES, USER_ID, find_token, quote, quote_word, unwrap

MAX_TEXT = 3000
"""Maximum number of characters in text to parse, which is also the limit of Slack's text fields."""
_MOST_CORRECTED = 20
"""Maximum number of words in a command that Extauth tries to correct."""
_SEQUENCE = re.compile(r"<([^<>|\s]*)(?:\|([^<>]*))?>")
_ENTITY = re.compile(r"&(?:amp|lt|gt);")

_WORD = re.compile(r"""(?:[^\s"']|"[^"]*"|'[^']*'|["'])+""")
_QUOTES = str.maketrans({**dict.fromkeys("“”„‟«»″", '"'), **dict.fromkeys("‘’‚‛′", "'")})
_DASHES = re.compile(f"[{re.escape(DASHES)}]+")
HELP, TOPIC = "help", "topic"
"""The subcommand for help, which `get --help` also means, and its option, which is `get` in that case."""
_HELP_OPTIONS = {f"_{HELP}", HELP, "h", "?"}
_TRUE = {"true", "yes", "on", "1"}
_FALSE = {"false", "no", "off", "0"}
_SYNONYMS = {
    "fetch": "get",
    "show": "get",
    "token": "get",
    "refresh": "get",
    "remove": "delete",
    "rm": "delete",
    "del": "delete",
    "forget": "delete",
    "revoke": "delete",
    "ls": "list",
    "accounts": "list",
    "providers": "list",
    "tokens": "list",
}
_IMPLIED = {"show": "--show", "refresh": "--force-refresh"}
"""The option that a synonym implies besides its subcommand."""


def parse(text: str, subcommands: Sequence[Subcommand]) -> ParsedCommand:
    """Parse the text after `/extauth`. Raises UsageError, and PastedTokenError for a known token anywhere in it."""
    if len(text) > MAX_TEXT:
        raise UsageError(
            f"That's {len(text):,} characters. A command can have {MAX_TEXT:,}.",
            f"{COMMAND} [{' | '.join(subcommand.name for subcommand in subcommands)}]",
        )
    plain = unescape(text)
    # The raw text is searched, too, because the plain text lacks the addresses of links.
    token_format = find_token(plain) or (find_token(text) if text != plain else None)
    if token_format is not None:
        raise PastedTokenError(token_format)
    words = (unwrap(word) for word in _WORD.findall(plain.translate(_QUOTES)))
    return _parse([word for word in words if word], subcommands)


def closest_name(word: str, names: Iterable[str]) -> str | None:
    """Return the name that a synonym or a misspelling means, or None if the word isn't similar to any of `names`."""
    known = [*names]
    closest = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return _SYNONYMS.get(word) if _SYNONYMS.get(word) in known else next(iter(closest), None)


def _parse(words: Sequence[str], subcommands: Sequence[Subcommand]) -> ParsedCommand:
    if not words:
        return ParsedCommand(None)
    word, *rest = words
    named = {subcommand.name: subcommand for subcommand in subcommands}
    name = word.lower().rstrip(":.!").lstrip(f"/{DASHES}")
    subcommand = named.get(HELP if name in {"h", "?"} else name)
    if subcommand is None:
        raise _unknown(name, words, subcommands)
    asks_for_help = rest == [HELP] or any(one[0] in DASHES and _name(one) in _HELP_OPTIONS for one in rest)
    if asks_for_help and HELP in {*named} - {subcommand.name}:
        return _parse([HELP, subcommand.name], subcommands)
    options = {option.name: option for option in subcommand.options}
    values = _Reader(subcommand, subcommands, options, rest).read()
    token_id = str(values.get(TOKEN_ID, ""))
    if TOKEN_ID in options and options[TOKEN_ID].refuses.fullmatch(token_id):
        meant = None
        if PROVIDER_KEY in options.keys() - values.keys():
            others = {name: value for name, value in values.items() if name != TOKEN_ID}
            meant = ParsedCommand(subcommand, {**others, PROVIDER_KEY: token_id})
        problem = f"“{quote(token_id)}” looks like a provider, not a token ID."
        raise UsageError(problem, subcommand.usage, meant=meant)
    return ParsedCommand(subcommand, values, subcommand.wanted(values))


def _meant(words: Sequence[str], before: Sequence[str], subcommands: Sequence[Subcommand]) -> ParsedCommand | None:
    """Return the command of corrected words, after correcting other mistakes, or None if a mistake remains."""
    # Each correction parses all words again, so a command with many mistakes would take long.
    if words == before or len(words) > _MOST_CORRECTED:
        return None
    try:
        return _parse(words, subcommands)
    except UsageError as error:
        return error.meant


def _name(word: str) -> str:
    """Return the API name for an option's spelling."""
    return _DASHES.sub("_", word.lstrip(DASHES)).lower()


def _unknown(name: str, words: Sequence[str], subcommands: Sequence[Subcommand]) -> UsageError:
    """Return the error for an unknown subcommand, with the command that was probably meant."""
    word, *rest = words
    names = [subcommand.name for subcommand in subcommands]
    suggestion, corrected = None, words
    closest = closest_name(name, names)
    if owner := _owner(word, subcommands):
        corrected = [owner, *words]
    elif closest is not None:
        suggestion = f"{COMMAND} {closest}"
        corrected = [closest, *rest, *filter(None, [_IMPLIED.get(name)])]
    elif rest and (owner := _owner(rest[0], subcommands)):
        corrected = [owner, *rest]
    return UsageError(
        f"{COMMAND} has no command “{quote_word(word)}”.",
        f"{COMMAND} [{' | '.join(names)}]",
        suggestion,
        _meant(corrected, words, subcommands),
    )


def _owner(word: str, subcommands: Sequence[Subcommand]) -> str | None:
    """Return the first subcommand with an option whose form matches the bare word."""
    return next((one.name for one in subcommands if any(option.form.fullmatch(word) for option in one.options)), None)


@dataclass(slots=True)
class _Reader:
    """A reader of the words after a subcommand as values of its `options`. `at` is the index of the next word."""

    subcommand: Subcommand
    subcommands: Sequence[Subcommand]
    options: Mapping[str, Option]
    words: Sequence[str]
    at: int = 0

    def read(self) -> OptionValues:
        values: dict[str, str | bool] = {}
        while self.at < len(self.words):
            word = self.words[self.at]
            self.at += 1
            value: str | bool = word
            # No ID contains "=", so a word with "=" is always an option and its value.
            name, equals, given = word.partition("=")
            if equals or word[0] in DASHES:
                option = self._option(name, equals + given)
                value = self._value(option, unwrap(given) if equals else None)
            elif _name(word) in self.options:
                spelling = self.options[_name(word)].spelling
                raise self._error(f"“{quote_word(word)}” needs dashes in front.", spelling, spelling)
            else:
                formed = (name for name, option in self.options.items() if option.form.fullmatch(word))
                argument = next(formed, self.subcommand.argument)
                if argument is None or (argument in values and not self.options[argument].repeats):
                    raise self._unexpected(word)
                option = self.options[argument]
            if option.name in values and not option.repeats:
                raise self._error(f"{option.spelling} is there twice.")
            values[option.name] = f"{values[option.name]} {value}" if option.name in values else value
        return values

    def _error(self, problem: str, suggestion: str | None = None, instead: str | None = None) -> UsageError:
        """Return the error for the last word read. `instead` is the word that should replace it, if known."""
        meant = None
        if instead is not None:
            corrected = [*self.words[: self.at - 1], instead, *self.words[self.at :]]
            before = [self.subcommand.name, *self.words]
            meant = _meant([self.subcommand.name, *corrected], before, self.subcommands)
        return UsageError(problem, self.subcommand.usage, suggestion, meant)

    def _option(self, spelling: str, given: str) -> Option:
        """Return the option with this spelling. `given` is the rest of the same word."""
        name = _name(unwrap(spelling))
        if name in self.options:
            return self.options[name]
        elsewhere = [other.name for other in self.subcommands if any(option.name == name for option in other.options)]
        if elsewhere:
            raise self._error(f"“{quote_word(spelling)}” only works with {COMMAND} {elsewhere[0]}.")
        begun = [option for option in self.options if name and option.startswith(name)]
        closest = begun or difflib.get_close_matches(name, self.options, n=1, cutoff=0.5)
        problem = f"{COMMAND} {self.subcommand.name} has no option “{quote_word(spelling or '=')}”."
        if not closest:
            raise self._error(problem)
        suggestion = self.options[closest[0]].spelling
        raise self._error(problem, suggestion, f"{suggestion}{given}")

    def _value(self, option: Option, value: str | None) -> str | bool:
        """Return the value of an option. Without a value in the same word, the next word is read."""
        follows = self.words[self.at] if value is None and self.at < len(self.words) else ""
        if option.is_flag and value is None and follows.lower() not in {"true", "false"}:
            return True
        if follows and follows[0] not in DASHES:
            self.at += 1
            value = follows
        if not option.is_flag:
            if not value:
                raise self._error(f"{option.spelling} needs a value.")
            return value
        typed = value or ""
        if typed.lower() not in _TRUE | _FALSE:
            closest = difflib.get_close_matches(typed.lower(), ["true", "false"], n=1)
            meant = f"{option.spelling}=false" if closest == ["false"] else option.spelling
            raise self._error(f"{option.spelling} takes true or false, not “{quote_word(typed)}”.", meant, meant)
        return typed.lower() in _TRUE

    def _unexpected(self, word: str) -> UsageError:
        closest = difflib.get_close_matches(_name(word), [*self.options, "true", "false"], n=1)
        meant = next(iter(closest), None)
        option = self.options.get(meant or "")
        suggestion = option.spelling if option is not None else None
        return self._error(f"Unexpected argument “{quote_word(word)}”.", suggestion, suggestion or meant)


def unescape(text: str) -> str:
    """Return the text as the person typed it, except that people become `@` and their user ID.

    With `should_escape` in the manifest, Slack turns a person into `<@U…|name>`, a channel into `<#C…|name>`, and text
    like an address into `<https://…>`, `<http://example.com|example.com>`, or `<mailto:…|…>`, even within an ID or a
    token. A typed `&`, `<`, or `>` becomes `&amp;`, `&lt;`, or `&gt;`.
    https://docs.slack.dev/interactivity/implementing-slash-commands#defining_slash_command
    """
    # Slack escapes only three characters. On the whole text, html.unescape would also change entities a person typed.
    return _ENTITY.sub(lambda match: html.unescape(match[0]), _SEQUENCE.sub(_typed, text))


def _typed(match: re.Match[str]) -> str:
    target, label = match[1], match[2]
    if target.startswith("@") and USER_ID.fullmatch(target[1:]):
        return target
    if target[:1] in ("@", "#", "!"):
        name = (label or target[1:]).removeprefix(target[0])
        return name if name.startswith("@") else f"{'#' if target[0] == '#' else '@'}{name}"
    return label or target.removeprefix("mailto:")
