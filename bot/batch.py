"""Batches of requests that belong together, such as the deletion of an account's tokens."""

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum

from bot.actor import Actor
from bot.operation import Operation
from bot.slack.external_auth.accounts import Account
from bot.slack.external_auth.models import DeleteTokens


class BatchState(StrEnum):
    CONFIRMING = "confirming"
    WAITING = "waiting"
    APPROVED = "approved"
    DECLINED = "declined"
    EXPIRED = "expired"
    RUNNING = "running"
    STOPPING = "stopping"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Item:
    """One token of a batch, with the known details of its account.

    An item without a token ID stands for all tokens of a provider, an app, or both.
    """

    token_id: str
    provider_key: str | None = None
    account: str | None = None
    workflows: tuple[str, ...] = ()
    app_id: str | None = None

    @classmethod
    def of(cls, request: DeleteTokens) -> "Item":
        """Return a deletion as a batch's only item. Raises ValueError if a value isn't formed like an ID."""
        named = {name: value for name, value in request.arguments().items() if isinstance(value, str)}
        if named != request.arguments():
            raise ValueError("What isn't formed like an ID isn't kept.")
        return cls(named.get("external_token_id", ""), named.get("provider_key"), app_id=named.get("app_id"))

    @classmethod
    def of_account(cls, account: Account) -> "Item":
        return cls(account.token_id, account.provider_key, account.name, account.workflows)

    def deletion(self) -> DeleteTokens:
        if self.token_id:
            return DeleteTokens(self.token_id)
        return DeleteTokens(provider_key=self.provider_key, app_id=self.app_id)


@dataclass(frozen=True, slots=True)
class ItemResult:
    """An item's outcome in the audit log, and Slack's error code if there is one.

    `is_sure` is False if Slack may have deleted a token without confirming it.
    """

    outcome: str
    code: str | None = None
    is_sure: bool = True


@dataclass(frozen=True, slots=True)
class Batch:
    """Tokens that one person tests or deletes together.

    `at` is the batch's creation time (seconds since the epoch, UTC). `results` are those of the first `items`, in
    order. A batch that needs approval has the `reference` of the request, the requester's `channel` or modal
    (`view_id`), and the channel and timestamp of each message that asks for approval (`posts`). `approver` approved it.
    """

    batch_id: str
    at: float
    team_id: str | None
    user_id: str
    operation: Operation
    items: tuple[Item, ...]
    results: tuple[ItemResult, ...] = ()
    enterprise_id: str | None = None
    reference: str = ""
    channel: str | None = None
    view_id: str | None = None
    posts: tuple[tuple[str, str], ...] = ()
    approver: str | None = None

    @classmethod
    def of(cls, actor: Actor, operation: Operation, items: Sequence[Item], at: float) -> "Batch":
        """Return a new batch without duplicate tokens."""
        unique = {item.token_id: item for item in items}
        return cls(
            secrets.token_hex(16),
            at,
            actor.team_id,
            actor.user_id,
            operation,
            tuple(unique.values()),
            enterprise_id=actor.enterprise_id,
            reference=actor.reference,
        )

    @property
    def is_bulk(self) -> bool:
        """True if more than one token can be deleted."""
        return len(self.items) > 1 or not all(item.token_id for item in self.items)

    @property
    def digest(self) -> str:
        """A hash of the request, which the approval buttons carry, so that a request altered after it was shown fails.

        The hash protects the request even from a person who can write to the database and knows the key.
        """
        items = [asdict(item.deletion()) for item in self.items]
        shown = json.dumps([self.batch_id, self.team_id, self.user_id, self.reference, self.at, items], sort_keys=True)
        return hashlib.sha256(shown.encode()).hexdigest()

    def approves(self, actor: Actor, request: DeleteTokens) -> bool:
        """Return whether another person has approved this person's request."""
        is_given = self.approver is not None and self.approver != self.user_id
        return is_given and self.belongs_to(actor) and request in [item.deletion() for item in self.items]

    def belongs_to(self, actor: Actor) -> bool:
        return (self.team_id, self.user_id) == (actor.team_id, actor.user_id)

    def with_result(self, result: ItemResult) -> "Batch":
        """Return the batch with the next item's result."""
        return replace(self, results=(*self.results, result))
