"""What comes out of a request: how it ended, with what a person gets to see of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.access import Decision
from bot.audit.entries import AuditResult, Entry, ReadHistory
from bot.operation import Permission, Request
from bot.slack.external_auth.accounts import AccountList
from bot.slack.external_auth.errors import ExternalAuthError, UnconfirmedError
from bot.slack.external_auth.models import DeleteTokens, ExternalToken, GetToken, ListAccounts, TestToken, TokenRequest


@dataclass(frozen=True, slots=True)
class Fetched:
    """Slack returned a token. `at` is in seconds since the epoch, UTC."""

    request: GetToken
    token: ExternalToken
    at: float
    reference: str


@dataclass(frozen=True, slots=True)
class Tested:
    """Slack returned the token, which nobody keeps: the connected account works."""

    request: TestToken
    reference: str


@dataclass(frozen=True, slots=True)
class Deleted:
    """Slack deleted what was named."""

    request: DeleteTokens
    reference: str


@dataclass(frozen=True, slots=True)
class Listed:
    """Slack returned the connected accounts. `allowed` is what this person may do with one."""

    request: ListAccounts
    accounts: AccountList
    allowed: frozenset[Permission]
    reference: str


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Entries of the audit log, newest first, and whether there are more on either side.

    `request` leads to these entries again, as far as they are still there.
    """

    request: ReadHistory
    entries: Sequence[Entry]
    has_older: bool
    has_newer: bool
    reference: str


@dataclass(frozen=True, slots=True)
class HistoryUnavailable:
    """The audit log couldn't be read."""

    request: ReadHistory
    reference: str


@dataclass(frozen=True, slots=True)
class Denied:
    """The person doesn't have permission."""

    request: Request
    decision: Decision
    reference: str


@dataclass(frozen=True, slots=True)
class Failed:
    """It was allowed and didn't succeed. `at` is in seconds since the epoch, UTC.

    `recent_ids` are token IDs that this person used lately, where the accounts couldn't be listed.
    """

    request: TokenRequest
    error: ExternalAuthError
    at: float
    reference: str
    recent_ids: Sequence[str] = ()

    @property
    def may_have_happened(self) -> bool:
        """Whether Slack may have made the change, although no clear answer came back."""
        return isinstance(self.error, UnconfirmedError) and self.request.mutates


Done = Fetched | Tested | Deleted | Listed | Failed


@dataclass(frozen=True, slots=True)
class NotRecorded:
    """The audit log couldn't be written. `done` is how it really ended; None when nothing was sent to Slack.

    A fetched token or list is withheld: only that there was one may be told.
    """

    request: TokenRequest
    done: Done | None
    reference: str


@dataclass(frozen=True, slots=True)
class NotSent:
    """The bot or the person stopped before the request was sent to Slack. Nothing changed."""

    request: TokenRequest
    reference: str


@dataclass(frozen=True, slots=True)
class ApprovalNeeded:
    """Somebody else has to approve the deletion first. Nothing was sent to Slack."""

    request: DeleteTokens
    reference: str


@dataclass(frozen=True, slots=True)
class AlreadyRun:
    """The same interaction is on record already: Slack, or somebody else, delivered it again."""

    reference: str


Outcome = Done | HistoryPage | HistoryUnavailable | Denied | NotRecorded | NotSent | ApprovalNeeded | AlreadyRun

StepOutcome = AuditResult | Denied | AlreadyRun
"""How a step on the way to a deletion ended."""
