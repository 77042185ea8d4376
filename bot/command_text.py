"""What a person typed after `/extauth`, read with patience for phones and Macs.

Keyboards turn `--` into a dash and quotes into curly ones, chats wrap ids in backticks, and Slack itself sends
`&`, `<` and `>` escaped. None of these can be part of an id, so all of them are forgiven.
"""

import difflib
import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.external_auth.models import InvalidParameter
from bot.pasted import unwrap

COMMAND = "/extauth"

_WORD = re.compile(r"""(?:[^\s"']|"[^"]*"|'[^']*'|["'])+""")
_QUOTES = str.maketrans({**dict.fromkeys("“”„‟«»″", '"'), **dict.fromkeys("‘’‚‛′", "'")})
_DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
_LEADING_DASHES = re.compile(f"[{re.escape(_DASHES)}]+")
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
}
_LIKE_A_TOKEN_ID = re.compile(r"et[a-z0-9]{5,}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Flag:
    """A parameter by its API name. A switch is true when it stands alone."""

    name: str
    is_switch: bool = False

    @property
    def spelling(self) -> str:
        """How it is typed."""
        return f"--{self.name.replace('_', '-')}"


@dataclass(frozen=True, slots=True)
class Subcommand:
    """A word after `/extauth`, and what may follow it. `positional` names the flag that a bare word stands for."""

    name: str
    usages: tuple[tuple[str, str], ...]
    flags: tuple[Flag, ...] = ()
    positional: str | None = None

    @property
    def usage(self) -> str:
        """One line that shows everything the subcommand understands."""
        return self.usages[0][0]


@dataclass(frozen=True, slots=True)
class Typed:
    """What was understood: the subcommand (None for the bare command) and the values by API name."""

    subcommand: Subcommand | None
    values: Mapping[str, str | bool] = field(default_factory=dict)


class UsageError(ValueError):
    """Typed text that was not understood, with what may have been meant and the usage line."""

    def __init__(self, problem: str, usage: str, suggestion: str | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.usage = usage
        self.suggestion = suggestion

    @classmethod
    def about(cls, error: InvalidParameter, subcommand: Subcommand) -> "UsageError":
        """A parameter that cannot be one, in the words of the command."""
        spelling = Flag(error.name).spelling
        return cls(f"The value of {spelling} cannot be right. {error.problem}", subcommand.usage)


def parse(text: str, subcommands: Sequence[Subcommand]) -> Typed:
    """Understand the text after `/extauth`. Raises UsageError."""
    words = _words(text)
    if not words:
        return Typed(None)
    subcommand = _subcommand(words[0], subcommands)
    return Typed(subcommand, _Reader(subcommand, subcommands, words[1:]).read())


def _words(text: str) -> list[str]:
    # Slack escapes only these three; html.unescape would also touch what somebody typed as it stands.
    plain = re.sub(r"&(?:amp|lt|gt);", lambda match: html.unescape(match[0]), text)
    words = (unwrap(word) for word in _WORD.findall(plain.translate(_QUOTES)))
    return [word for word in words if word]


def _name(word: str) -> str:
    """The API name that a flag's spelling means."""
    return _LEADING_DASHES.sub("_", _LEADING_DASHES.sub("", word, count=1) if _is_flag(word) else word).lower()


def _is_flag(word: str) -> bool:
    return word[0] in _DASHES


def _subcommand(word: str, subcommands: Sequence[Subcommand]) -> Subcommand:
    named = {subcommand.name: subcommand for subcommand in subcommands}
    name = word.lower().rstrip(":.!").lstrip(f"/{_DASHES}")
    name = "help" if name in {"h", "?"} else name
    if name in named:
        return named[name]
    if _LIKE_A_TOKEN_ID.fullmatch(word):
        meant: str | None = f"{COMMAND} get {word}"
    else:
        closest = _SYNONYMS.get(name) or next(iter(difflib.get_close_matches(name, named, n=1, cutoff=0.5)), None)
        meant = f"{COMMAND} {closest}" if closest in named else None
    raise UsageError(
        f"{COMMAND} has no subcommand “{_quoted(word)}”.", f"{COMMAND} [{' | '.join(named)}]", suggestion=meant
    )


def _quoted(word: str) -> str:
    return word if len(word) <= 60 else f"{word[:60]}…"


class _Reader:
    """Reads the words behind a subcommand, one by one."""

    def __init__(self, subcommand: Subcommand, subcommands: Sequence[Subcommand], words: list[str]) -> None:
        self._subcommand = subcommand
        self._subcommands = subcommands
        self._flags = {flag.name: flag for flag in subcommand.flags}
        self._words = words
        self._values: dict[str, str | bool] = {}

    def read(self) -> Mapping[str, str | bool]:
        while self._words:
            word = self._words.pop(0)
            # No id has a "=" in it, so such a word is always a name and its value.
            name, equals, value = word.partition("=")
            if equals or _is_flag(word):
                self._flag(self._known(name), unwrap(value) if equals else None)
            elif _name(word) in self._flags:
                spelling = self._flags[_name(word)].spelling
                raise self._error(f"“{_quoted(word)}” is a flag's name.", spelling)
            else:
                self._bare_word(word)
        return self._values

    def _error(self, problem: str, suggestion: str | None = None) -> UsageError:
        return UsageError(problem, self._subcommand.usage, suggestion)

    def _known(self, spelling: str) -> Flag:
        name = _name(unwrap(spelling)) if unwrap(spelling) else ""
        if name in self._flags:
            return self._flags[name]
        elsewhere = [
            subcommand.name for subcommand in self._subcommands if name in {flag.name for flag in subcommand.flags}
        ]
        if elsewhere:
            raise self._error(f"“{_quoted(spelling)}” belongs to {COMMAND} {elsewhere[0]}.")
        begun = [flag for flag in self._flags if name and flag.startswith(name)]
        closest = begun or difflib.get_close_matches(name, self._flags, n=1, cutoff=0.5)
        suggestion = self._flags[closest[0]].spelling if closest else None
        raise self._error(f"{COMMAND} {self._subcommand.name} does not know “{_quoted(spelling or '=')}”.", suggestion)

    def _flag(self, flag: Flag, value: str | None) -> None:
        if flag.is_switch:
            self._put(flag, self._truth(flag, value))
            return
        if value is None and self._words and not _is_flag(self._words[0]):
            value = self._words.pop(0)
        if not value:
            raise self._error(f"{flag.spelling} needs a value behind it.")
        self._put(flag, value)

    def _truth(self, flag: Flag, value: str | None) -> bool:
        if value is None:
            follows = self._words[0].lower() if self._words else ""
            if follows not in {"true", "false"}:
                return True
            value = self._words.pop(0)
        if value.lower() not in _TRUE | _FALSE:
            raise self._error(f"{flag.spelling} is either true or false, not “{_quoted(value)}”.", flag.spelling)
        return value.lower() in _TRUE

    def _bare_word(self, word: str) -> None:
        positional = self._subcommand.positional
        if positional is None or positional in self._values:
            closest = difflib.get_close_matches(_name(word), self._flags, n=1)
            suggestion = self._flags[closest[0]].spelling if closest else None
            raise self._error(f"“{_quoted(word)}” is one word too many.", suggestion)
        self._values[positional] = word

    def _put(self, flag: Flag, value: str | bool) -> None:
        if flag.name in self._values:
            raise self._error(f"{flag.spelling} is given twice.")
        self._values[flag.name] = value
