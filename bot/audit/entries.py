"""The audit log's input and output, and short descriptions such as `delete provider google`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import SecretStr

from bot.actor import UNATTENDED, Actor, Unattended
from bot.ids import USER_ID, TypedText, is_id, quote
from bot.operation import Operation, Request
from bot.slack import mrkdwn
from bot.slack.external_auth.models import InvalidParameter, check_id

DEFAULT_HISTORY, MAX_HISTORY = 10, 25
"""The default and maximum number of entries in a message, in which Slack allows 50 blocks."""
_MAX_NUMBER = 2**63 - 1
_MAX_VALUE = 300
_KNOWN = ("user_id", "external_token_id", "provider_key", "app_id", "force_refresh", "workspace", "version")
"""Parameters that a description words differently or omits."""


@dataclass(frozen=True, slots=True)
class Event:
    """A request and its actor. `action` is the operation's name in the log. `parameters` has only quotes of non-IDs."""

    reference: str
    team_id: str | None
    enterprise_id: str | None
    user_id: str
    action: str
    parameters: Mapping[str, str | bool]

    @classmethod
    def of(cls, actor: Actor, request: Request) -> "Event":
        """Return the event for an actor's request."""
        action = request.operation.action
        # Quoted, because people may paste a token in place of an ID.
        given = request.arguments().items()
        parameters = {name: quote(value) if isinstance(value, TypedText) else value for name, value in given}
        return cls(actor.reference, actor.team_id, actor.enterprise_id, actor.user_id, action, parameters)


@dataclass(frozen=True, slots=True)
class AuditResult:
    """The result of an attempt. `token` is the fetched token, of which the log keeps only the fingerprint."""

    outcome: str
    code: str | None
    milliseconds: int
    token: SecretStr | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """An attempted operation and its result, or an event of the log itself. `at` is in seconds since the epoch, UTC.

    `outcome` is `fetched`, `works`, `deleted`, `listed`, `failed`, `denied`, `pruned`, or `began`; for a verification,
    `intact` or `altered`; `withheld` for a token or list that wasn't shown, because the result couldn't be recorded in
    time; `not done` if nothing was sent to Slack; `interrupted` if the process ended early; None while in progress.
    """

    number: int
    at: float
    reference: str
    team_id: str | None
    enterprise_id: str | None
    user_id: str | None
    action: str
    parameters: Mapping[str, str | bool]
    outcome: str | None
    code: str | None
    milliseconds: int | None
    token_hmac: str | None


@dataclass(frozen=True, slots=True)
class Filters:
    """Search filters for entries.

    `since` is in seconds since the epoch (UTC). `before` and `after` are entry numbers. A token ID or provider key is
    found only if the log has the full value and not a quote, as `Event` explains.
    """

    user_id: str | None = None
    action: str | None = None
    team_id: str | None = None
    external_token_id: str | None = None
    provider_key: str | None = None
    reference: str | None = None
    since: float | None = None
    before: int | None = None
    after: int | None = None


@dataclass(frozen=True, slots=True)
class ReadHistory:
    """A request for a page of entries from the person's workspace, either the newest or those next to an entry.

    Only values with the form of an ID can be looked up. Raises InvalidParameter.
    """

    count: int
    user_id: str | None = None
    external_token_id: str | None = None
    provider_key: str | None = None
    before: int | None = None
    after: int | None = None

    def __post_init__(self) -> None:
        for name, value in self.arguments().items():
            check_id(name, value)
            if not (USER_ID.fullmatch if name == "user_id" else is_id)(str(value)):
                raise InvalidParameter(name, f"“{quote(str(value))}” doesn't look like one.")
        if self.external_token_id is not None and self.provider_key is not None:
            raise InvalidParameter("external_token_id", "Use a token ID or a provider key: no entry has both.")
        if not _is_number(self.count, MAX_HISTORY):
            raise InvalidParameter("count", f"It must be a number from 1 to {MAX_HISTORY}.")
        if self.before is not None and self.after is not None:
            raise InvalidParameter("before", "A page begins at one entry.")
        if not all(place is None or _is_number(place, _MAX_NUMBER) for place in (self.before, self.after)):
            raise InvalidParameter("before", "It must be an entry's number.")

    @property
    def operation(self) -> Operation:
        return Operation.HISTORY

    def arguments(self) -> Mapping[str, str | bool]:
        """Return the given filters, by the log's names for them."""
        named = {
            "user_id": self.user_id,
            "external_token_id": self.external_token_id,
            "provider_key": self.provider_key,
        }
        return {name: value for name, value in named.items() if value is not None}

    def filters(self, team_id: str) -> Filters:
        """Return the filters for the page in a workspace."""
        return Filters(
            user_id=self.user_id,
            team_id=team_id,
            external_token_id=self.external_token_id,
            provider_key=self.provider_key,
            before=self.before,
            after=self.after,
        )


@dataclass(frozen=True, slots=True)
class VerificationResult:
    """The findings of a verification, with the number of valid entries and rows and a sentence on the first problem.

    An entry has one row, or two for an attempt and its result. `note` describes checkpoints that couldn't be compared.
    `pruned` is the number of rows that were pruned.
    """

    entries: int
    rows: int
    problem: str | None = None
    note: str | None = None
    pruned: int = 0

    def plus(self, other: "VerificationResult") -> "VerificationResult":
        """Return these findings combined with another chain's."""
        return VerificationResult(
            self.entries + other.entries,
            self.rows + other.rows,
            self.problem or other.problem,
            self.note or other.note,
            self.pruned + other.pruned,
        )


@dataclass(frozen=True, slots=True)
class TokenTrace:
    """The entries that fetched a token. `since` is the log's oldest time (seconds since the epoch, UTC), if any."""

    entries: Sequence[Entry]
    since: float | None


def _is_number(value: object, most: int) -> bool:
    # Compares types, because True is an int, too.
    return type(value) is int and 0 < value <= most


def deed(action: str, parameters: Mapping[str, str | bool], outcome: str | None) -> str:
    """Return an entry's action and its subject, as mrkdwn."""
    is_forced = parameters.get("force_refresh") is True
    verb = "get" if action == "refresh" else action
    how = "" if not is_forced else ", refreshed" if outcome in ("fetched", "withheld") else " with a refresh"
    return " ".join(filter(None, [mrkdwn.escape(verb, 40), about(parameters)])) + how


def doer(user_id: str | None) -> str:
    """Return the person or process that made a request, as mrkdwn."""
    if user_id is None or user_id == Unattended.TERMINAL:
        return "from the command line"
    return "by itself" if user_id in UNATTENDED else f"<@{mrkdwn.escape(user_id, 40)}>"


def about(parameters: Mapping[str, str | bool]) -> str:
    """Return the subject of a request, such as a token ID or a provider, as mrkdwn; empty if there is none."""
    named = {name: mrkdwn.code(str(value), _MAX_VALUE) for name, value in parameters.items()}
    said = [named["external_token_id"]] if "external_token_id" in named else []
    said += [f"provider {named['provider_key']}"] if "provider_key" in named else []
    said += [f"{'of ' if said else ''}app {named['app_id']}"] if "app_id" in named else []
    said += [f"{mrkdwn.escape(name, 40)} {value}" for name, value in named.items() if name not in _KNOWN]
    said += [f"by <@{mrkdwn.escape(str(parameters['user_id']), 40)}>"] if "user_id" in parameters else []
    return " ".join(said)
