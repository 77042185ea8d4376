"""Outcomes of requests, with the data to show to the person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never, get_args

from pydantic import SecretStr

from bot.access import Decision
from bot.audit.entries import AuditResult, Entry, ReadHistory
from bot.operation import Permission, Request
from bot.slack.external_auth.accounts import AccountList, read_accounts
from bot.slack.external_auth.errors import ExternalAuthError, UnconfirmedError
from bot.slack.external_auth.models import (
    CheckToken,
    ConnectAccount,
    DeleteTokens,
    ExternalToken,
    GetToken,
    ListAccounts,
    TokenRequest,
    read_address,
    read_token,
)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A token that Slack returned. `at` is in seconds since the epoch, UTC. `allowed` are the person's permissions."""

    word = "fetched"
    is_withheld = True
    request: GetToken
    token: ExternalToken
    at: float
    reference: str
    allowed: frozenset[Permission] = frozenset()


@dataclass(frozen=True, slots=True)
class Tested:
    """A connected account that works, because Slack returned its token, which isn't kept."""

    word = "works"
    is_withheld = False
    token = None
    request: CheckToken
    reference: str


@dataclass(frozen=True, slots=True)
class Deleted:
    """A deletion that Slack confirmed. `allowed` are the person's permissions."""

    word = "deleted"
    is_withheld = False
    token = None
    request: DeleteTokens
    reference: str
    allowed: frozenset[Permission] = frozenset()


@dataclass(frozen=True, slots=True)
class Listed:
    """Connected accounts that Slack returned at `at` (seconds since the epoch, UTC). `allowed` are the permissions."""

    word = "listed"
    is_withheld = True
    token = None
    request: ListAccounts
    accounts: AccountList
    allowed: frozenset[Permission]
    reference: str
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Connecting:
    """A provider's page on which a person connects an account.

    Anyone who has the address can use it once. If it's watched, Extauth tells the person when the account has come.
    """

    word = "page given"
    is_withheld = True
    token = None
    request: ConnectAccount
    address: SecretStr
    reference: str
    is_watched: bool = False


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """A page of audit log entries, newest first.

    Repeating `request` returns these entries again, unless they were pruned.
    """

    request: ReadHistory
    entries: Sequence[Entry]
    has_older: bool
    has_newer: bool
    reference: str


@dataclass(frozen=True, slots=True)
class HistoryUnavailable:
    """A failure to read the audit log."""

    request: ReadHistory
    reference: str


@dataclass(frozen=True, slots=True)
class Denied:
    """A request that the person has no permission for."""

    request: Request
    decision: Decision
    reference: str


@dataclass(frozen=True, slots=True)
class Failed:
    """An allowed request that didn't succeed. `at` is in seconds since the epoch, UTC.

    If the accounts couldn't be listed, `recent_ids` are IDs of tokens that the person fetched recently. `allowed` are
    the person's permissions, and `provider_key` is that of the token, if a recent list has it.
    """

    word = "failed"
    is_withheld = False
    token = None
    request: TokenRequest
    error: ExternalAuthError
    at: float
    reference: str
    recent_ids: Sequence[str] = ()
    allowed: frozenset[Permission] = frozenset()
    provider_key: str | None = None

    @property
    def may_have_happened(self) -> bool:
        """True if the request changes something at Slack, and no response shows if Slack carried it out."""
        return isinstance(self.error, UnconfirmedError) and self.request.mutates


Success = Fetched | Tested | Deleted | Listed | Connecting
Done = Success | Failed
"""The outcomes of requests that were sent to Slack.

`word` is the outcome's name in the audit log. `token` is the token that the person sees any part of, if there is one.
An outcome that `is_withheld` isn't shown if it can't be recorded.
"""
WORDS = frozenset(kind.word for kind in get_args(Done))


def success(
    request: TokenRequest, answer: Mapping[str, object], at: float, allowed: frozenset[Permission], reference: str
) -> Success:
    """Return the outcome of a request that Slack carried out. Raises UnconfirmedError for an incomplete response."""
    match request:
        case GetToken():
            return Fetched(request, read_token(answer), at, reference, allowed)
        case CheckToken():
            read_token(answer)  # raises if Slack returned no token, in which case the account doesn't work
            return Tested(request, reference)
        case DeleteTokens():
            return Deleted(request, reference, allowed)
        case ListAccounts():
            return Listed(request, read_accounts(answer), allowed, reference, at)
        case ConnectAccount():
            return Connecting(request, read_address(answer), reference)
        case _:
            assert_never(request)


@dataclass(frozen=True, slots=True)
class NotRecorded:
    """A failure to write to the audit log. `done` is the true outcome; None if nothing was sent to Slack.

    A fetched token or list is withheld, and the person is told only that Slack returned it.
    """

    request: TokenRequest
    done: Done | None
    reference: str


@dataclass(frozen=True, slots=True)
class NotSent:
    """A request that Extauth or the person stopped before it was sent to Slack. Nothing changed."""

    request: TokenRequest
    reference: str


@dataclass(frozen=True, slots=True)
class ApprovalNeeded:
    """A deletion that someone else has to approve first. Nothing was sent to Slack."""

    request: DeleteTokens
    reference: str


@dataclass(frozen=True, slots=True)
class AlreadyRun:
    """A repeated delivery, by Slack or someone else, of an interaction that is already recorded."""

    reference: str


Outcome = Done | HistoryPage | HistoryUnavailable | Denied | NotRecorded | NotSent | ApprovalNeeded | AlreadyRun

StepOutcome = AuditResult | Denied | AlreadyRun
"""The outcome of a step that leads to a deletion or a change of settings."""
