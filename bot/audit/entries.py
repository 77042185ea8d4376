"""What the audit log takes in and gives out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import SecretStr

from bot.actor import Actor
from bot.operation import Operation, Request
from bot.pasted import quote


@dataclass(frozen=True, slots=True)
class Event:
    """Who asks for what. `action` is an operation's name in the log; `parameters` only quote what isn't an ID."""

    reference: str
    team_id: str | None
    enterprise_id: str | None
    user_id: str
    action: str
    parameters: Mapping[str, str | bool]

    @classmethod
    def of(cls, actor: Actor, request: Request) -> "Event":
        """Describe a person's request."""
        action = request.operation.action
        parameters = {name: quote_parameter(value) for name, value in request.arguments().items()}
        return cls(actor.reference, actor.team_id, actor.enterprise_id, actor.user_id, action, parameters)


@dataclass(frozen=True, slots=True)
class AuditResult:
    """How it ended. `token` is what was fetched; only its fingerprint is kept."""

    outcome: str
    code: str | None
    milliseconds: int
    token: SecretStr | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was tried, with its result. `at` is in seconds since the epoch, UTC.

    `outcome` is `fetched`, `deleted`, `listed`, `failed`, `denied` or `pruned`; `withheld` for a token or list that
    wasn't handed on, because that couldn't be recorded in time; `not done` where the attempt itself couldn't;
    `interrupted` where the bot ended in between; None while it is in progress, or if the bot ended and hasn't been
    started since.
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
    """Which entries are wanted. `since` is in seconds since the epoch (UTC); `before` is an entry's number."""

    user_id: str | None = None
    action: str | None = None
    team_id: str | None = None
    since: float | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class ReadHistory:
    """Read the newest entries of the person's workspace, before an entry's number if one is given."""

    count: int
    before: int | None = None

    @property
    def operation(self) -> Operation:
        """Reading the log."""
        return Operation.HISTORY

    def arguments(self) -> Mapping[str, str | bool]:
        """Return no parameters: a denial says all there is to say."""
        return {}


@dataclass(frozen=True, slots=True)
class VerificationResult:
    """What checking the chain found: the entries and rows that are right, and a sentence about the first bad place.

    An entry is a row, or two: an attempt and its result. `note` says what couldn't be compared; rows up to `pruned` are
    gone because somebody pruned them.
    """

    entries: int
    rows: int
    problem: str | None = None
    note: str | None = None
    pruned: int = 0


@dataclass(frozen=True, slots=True)
class TokenTrace:
    """Where a token was fetched. The log goes back to `since` (seconds since the epoch, UTC); None when it is empty."""

    entries: Sequence[Entry]
    since: float | None


def quote_parameter(value: str | bool) -> str | bool:
    """Return what may be stored and shown of a parameter: people paste tokens where their IDs belong."""
    return value if isinstance(value, bool) else quote(value)
