"""Parses what a person typed after `/extauth`, with tolerance for phones and Macs.

Keyboards turn `--` into a dash and quotes into curly ones, chats wrap ids in backticks, and Slack itself escapes
names, addresses, `&`, `<` and `>`. None of these can be part of an id, so all of them are forgiven.
"""

import difflib
import re
from collections.abc import Mapping, Sequence

from bot.commands.escaped import unescape
from bot.commands.subcommand import COMMAND, Option, Parsed, PastedTokenError, Subcommand, UsageError
from bot.pasted import DASHES, find_token, is_id, quote_word, unwrap

_WORD = re.compile(r"""(?:[^\s"']|"[^"]*"|'[^']*'|["'])+""")
_QUOTES = str.maketrans({**dict.fromkeys("“”„‟«»″", '"'), **dict.fromkeys("‘’‚‛′", "'")})
_LEADING_DASHES = re.compile(f"[{re.escape(DASHES)}]+")
HELP, TOPIC = "help", "topic"
"""The subcommand that `get --help` means as well, and the option that then names `get`."""
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
_LIKE_A_TOKEN_ID = re.compile(r"et[a-z0-9]{5,}", re.IGNORECASE)


def parse(text: str, subcommands: Sequence[Subcommand]) -> Parsed:
    """Parse the text after `/extauth`. Raises UsageError, and PastedTokenError for a known token anywhere in it."""
    plain = unescape(text)
    # Also as it came: a link's address isn't part of what was typed.
    token_format = find_token(plain) or find_token(text)
    if token_format is not None:
        raise PastedTokenError(token_format)
    words = _words(plain)
    if not words:
        return Parsed(None)
    subcommand = _subcommand(words[0], subcommands)
    if _asks_for_help(words[1:]) and HELP in {other.name for other in subcommands} - {subcommand.name}:
        return Parsed(_subcommand(HELP, subcommands), {TOPIC: subcommand.name})
    return Parsed(subcommand, _Reader(subcommand, subcommands, words[1:]).read())


def _asks_for_help(words: Sequence[str]) -> bool:
    return words == [HELP] or any(_is_option(word) and _name(word) in {f"_{HELP}", HELP, "h", "?"} for word in words)


def _words(text: str) -> list[str]:
    words = (unwrap(word) for word in _WORD.findall(text.translate(_QUOTES)))
    return [word for word in words if word]


def _name(word: str) -> str:
    """The API name that an option's spelling means."""
    return _LEADING_DASHES.sub("_", _LEADING_DASHES.sub("", word, count=1) if _is_option(word) else word).lower()


def _is_option(word: str) -> bool:
    return word[0] in DASHES


def _subcommand(word: str, subcommands: Sequence[Subcommand]) -> Subcommand:
    named = {subcommand.name: subcommand for subcommand in subcommands}
    name = word.lower().rstrip(":.!").lstrip(f"/{DASHES}")
    name = "help" if name in {"h", "?"} else name
    if name in named:
        return named[name]
    if _LIKE_A_TOKEN_ID.fullmatch(word) and is_id(word):
        meant: str | None = f"{COMMAND} get {word}"
    else:
        closest = _SYNONYMS.get(name) or next(iter(difflib.get_close_matches(name, named, n=1, cutoff=0.5)), None)
        meant = f"{COMMAND} {closest}" if closest in named else None
    raise UsageError(
        f"{COMMAND} has no command “{quote_word(word)}”.", f"{COMMAND} [{' | '.join(named)}]", suggestion=meant
    )


class _Reader:
    """Reads the words after a subcommand, one by one."""

    def __init__(self, subcommand: Subcommand, subcommands: Sequence[Subcommand], words: list[str]) -> None:
        self._subcommand = subcommand
        self._subcommands = subcommands
        self._options = {option.name: option for option in subcommand.options}
        self._words = words
        self._values: dict[str, str | bool] = {}

    def read(self) -> Mapping[str, str | bool]:
        while self._words:
            word = self._words.pop(0)
            # No id has a "=" in it, so such a word is always a name and its value.
            name, equals, value = word.partition("=")
            if equals or _is_option(word):
                self._option(self._known(name), unwrap(value) if equals else None)
            elif _name(word) in self._options:
                spelling = self._options[_name(word)].spelling
                raise self._error(f"“{quote_word(word)}” needs dashes in front.", spelling)
            else:
                self._bare_word(word)
        return self._values

    def _error(self, problem: str, suggestion: str | None = None) -> UsageError:
        return UsageError(problem, self._subcommand.usage, suggestion)

    def _known(self, spelling: str) -> Option:
        name = _name(unwrap(spelling)) if unwrap(spelling) else ""
        if name in self._options:
            return self._options[name]
        elsewhere = [other.name for other in self._subcommands if any(option.name == name for option in other.options)]
        if elsewhere:
            raise self._error(f"“{quote_word(spelling)}” only works with {COMMAND} {elsewhere[0]}.")
        begun = [option for option in self._options if name and option.startswith(name)]
        closest = begun or difflib.get_close_matches(name, self._options, n=1, cutoff=0.5)
        suggestion = self._options[closest[0]].spelling if closest else None
        raise self._error(
            f"{COMMAND} {self._subcommand.name} has no option “{quote_word(spelling or '=')}”.", suggestion
        )

    def _option(self, option: Option, value: str | None) -> None:
        if option.is_flag:
            self._put(option, self._truth(option, value))
            return
        if value is None and self._words and not _is_option(self._words[0]):
            value = self._words.pop(0)
        if not value:
            raise self._error(f"{option.spelling} needs a value.")
        self._put(option, value)

    def _truth(self, option: Option, value: str | None) -> bool:
        if value is None:
            follows = self._words[0].lower() if self._words else ""
            if follows not in {"true", "false"}:
                return True
            value = self._words.pop(0)
        if value.lower() not in _TRUE | _FALSE:
            raise self._error(f"{option.spelling} takes true or false, not “{quote_word(value)}”.", option.spelling)
        return value.lower() in _TRUE

    def _bare_word(self, word: str) -> None:
        argument = self._subcommand.argument_for(word)
        if argument is None or (argument in self._values and not self._options[argument].repeats):
            closest = difflib.get_close_matches(_name(word), self._options, n=1)
            suggestion = self._options[closest[0]].spelling if closest else None
            raise self._error(f"Unexpected argument “{quote_word(word)}”.", suggestion)
        self._put(self._options[argument], word)

    def _put(self, option: Option, value: str | bool) -> None:
        if option.name in self._values and option.repeats:
            value = f"{self._values[option.name]} {value}"
        elif option.name in self._values:
            raise self._error(f"{option.spelling} is there twice.")
        self._values[option.name] = value
