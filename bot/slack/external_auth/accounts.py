"""The connected accounts of an app, as `apps.auth.external.list` describes them.

Slack's own CLI uses the method, but the public reference lacks it, so responses are read leniently. A field that is
missing or of another type counts as unknown, and accounts without a readable ID are only counted.
"""

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from bot.cache import Cache
from bot.clock import Clock
from bot.ids import TypedText, is_id, redact, showable
from bot.slack.external_auth.errors import TransportCode, UnconfirmedError
from bot.slack.external_auth.models import ListAccounts, ListPosition
from bot.slack.rate_limit import LIST

PAGE_SIZE = 10
LONGEST_TEXT = 255
KEPT_SECONDS = 45.0
"""Seconds that forms use a cached list of accounts."""
SLOW_SECONDS = 2.4
"""Seconds after which a list counts as slow, less than the three that Slack waits for a form's options."""
_LONGEST_NUMBER = 40
_LAST_SECOND = 253402300799  # the last second of the year 9999, UTC


class AccountState(StrEnum):
    """The condition of a connected account. The value is stored in the database and in exports."""

    WORKS = "works"
    EXPIRED = "expired"
    REJECTED = "rejected"
    GONE = "gone"
    UNKNOWN = "unknown"

    @property
    def is_broken(self) -> bool:
        """True if a person has to fix the account."""
        return self in (AccountState.EXPIRED, AccountState.REJECTED, AccountState.GONE)


_STATES = {
    "no_refresh_token": AccountState.EXPIRED,
    "token_not_found": AccountState.GONE,
    **dict.fromkeys(
        (
            "access_token_exchange_failed",
            "answer_without_token",
            "external_user_identity_not_found",
            "invalid_identity_config_response",
            "invalid_token_response",
            "missing_client_secret",
            "oauth2_callback_error",
            "oauth2_exchange_error",
            "scope_mismatch_error",
        ),
        AccountState.REJECTED,
    ),
}
"""The account's state for each error code that shows one. Other codes reveal nothing about the account."""


def state_of(code: str | None) -> AccountState:
    """Return the state that a fetch's error code indicates. The code None means that Slack returned a token."""
    return AccountState.WORKS if code is None else _STATES.get(code, AccountState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider in the app's manifest. A field that Slack didn't return is None.

    `hides_accounts`: Slack named none of the provider's accounts, but doesn't show that there are none.
    """

    key: str
    name: str | None = None
    has_client_secret: bool | None = None
    has_valid_token: bool | None = None
    hides_accounts: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    """A connected account, and the token that Slack keeps for it.

    `name` is the provider's name for its user, `refreshed_at` is in seconds since the epoch (UTC), and `workflows` are
    the callback IDs, or else the IDs, of the workflows that use the token.
    """

    token_id: str
    provider_key: str
    name: str | None = None
    refreshed_at: int | None = None
    workflows: tuple[str, ...] = ()

    @property
    def place(self) -> ListPosition:
        """The position in the list, which is ordered by the last refresh."""
        return ListPosition(self.refreshed_at or 0, self.token_id)


@dataclass(frozen=True, slots=True)
class AccountList:
    """An app's providers, and its accounts in order, the most recently refreshed first.

    `has_workflows` is true if Slack returned the accounts' workflows. `unreadable` counts accounts without a usable ID.
    """

    providers: tuple[Provider, ...]
    accounts: tuple[Account, ...]
    has_workflows: bool
    unreadable: int

    @property
    def is_complete(self) -> bool:
        """False if accounts may be connected that Slack didn't name, or that Extauth couldn't read."""
        return not self.unreadable and not any(provider.hides_accounts for provider in self.providers)

    def of_provider(self, key: str | TypedText | None) -> "AccountList":
        """Return the list limited to one provider, or the whole list for None."""
        if key is None:
            return self
        providers = tuple(provider for provider in self.providers if provider.key == key)
        accounts = tuple(account for account in self.accounts if account.provider_key == key)
        return replace(self, providers=providers, accounts=accounts)

    def matching(self, request: ListAccounts, now: float) -> "AccountList":
        """Return the list limited to the request's provider and search. `now` is in seconds since the epoch, UTC."""
        found = self.of_provider(request.provider_key)
        names = {provider.key: provider.name or "" for provider in found.providers}
        search, account = (
            value.reveal() if isinstance(value, TypedText) else value for value in (request.search, request.account)
        )
        latest = now - request.stale_days * 24 * 3600 if request.stale_days is not None else None

        def is_found(one: Account) -> bool:
            texts = (one.name or "", one.token_id, one.provider_key, names.get(one.provider_key, ""), *one.workflows)
            return (
                (search is None or any(search.casefold() in text.casefold() for text in texts))
                and (account is None or (one.name or "").casefold() == account.casefold())
                and (not request.unused or (found.has_workflows and not one.workflows))
                and (latest is None or (one.refreshed_at is not None and one.refreshed_at < latest))
            )

        return replace(found, accounts=tuple(one for one in found.accounts if is_found(one)))

    def count(self, provider: Provider) -> int:
        """Return the number of accounts connected to a provider."""
        return sum(account.provider_key == provider.key for account in self.accounts)


@dataclass(frozen=True, slots=True)
class AccountPage:
    """One page of accounts. `first` is the first account's number, from 1. `older` and `newer` request other pages."""

    accounts: Sequence[Account]
    first: int
    older: ListAccounts | None
    newer: ListAccounts | None


def read_accounts(answer: Mapping[str, object]) -> AccountList:
    """Return the accounts in Slack's response. Raises UnconfirmedError if the response has no list."""
    authorizations = answer.get("authorizations")
    if not isinstance(authorizations, list):
        raise UnconfirmedError(TransportCode.ANSWER_WITHOUT_LIST, LIST)
    workflows = answer.get("workflows")
    users = _users(workflows)
    providers: dict[str, Provider] = {}
    accounts: dict[str, Account] = {}
    unreadable = 0
    for authorization in _mappings(authorizations):
        key = _text(authorization.get("provider_key")) or "?"
        tokens, ids = authorization.get("external_tokens"), authorization.get("external_token_ids")
        listed: list[object] = [*(tokens if isinstance(tokens, list) else ())]
        named = [token.get("external_token_id") for token in _mappings(listed)]
        # Slack may name a token only by its ID, in a list of its own.
        known = {token_id for token_id in named if isinstance(token_id, str)}
        others = [one for one in (ids if isinstance(ids, list) else ()) if not isinstance(one, str) or one not in known]
        for item in (*listed, *({"external_token_id": token_id} for token_id in others)):
            token = item if isinstance(item, Mapping) else {}
            token_id = token.get("external_token_id")
            if isinstance(token_id, str) and is_id(token_id):
                name, at = _text(token.get("external_user_id")), _seconds(token.get("date_updated"))
                accounts.setdefault(token_id, Account(token_id, key, name, at, users.get(token_id, ())))
            else:
                unreadable += 1
        has_secret, is_valid = authorization.get("client_secret_exists"), authorization.get("valid_token_exists")
        provider = Provider(
            key,
            _text(authorization.get("provider_name")),
            has_secret if isinstance(has_secret, bool) else None,
            is_valid if isinstance(is_valid, bool) else None,
            not listed
            and not others
            and (is_valid is True or (not isinstance(tokens, list) and is_valid is not False)),
        )
        providers.setdefault(key, provider)
    ordered = sorted(accounts.values(), key=lambda account: account.place, reverse=True)
    return AccountList(tuple(providers.values()), tuple(ordered), isinstance(workflows, list), unreadable)


def merge_lists(answers: Sequence[Mapping[str, object]]) -> Mapping[str, object]:
    """Return Slack's lists of several apps as one. A part that one of them lacks is left out."""
    merged: dict[str, object] = {}
    for part in ("authorizations", "workflows"):
        lists = [answer.get(part) for answer in answers]
        if all(isinstance(one, list) for one in lists):
            merged[part] = [item for one in lists if isinstance(one, list) for item in one]
    return merged


def page(accounts: Sequence[Account], request: ListAccounts) -> AccountPage:
    """Return the requested page.

    A page begins or ends next to an account's position, not at a number, so that changes in between don't shift it.
    """
    start = 0
    if request.older_than is not None:
        older_than = request.older_than
        start = sum(account.place >= older_than for account in accounts)
    elif request.newer_than is not None:
        newer_than = request.newer_than
        start = sum(account.place > newer_than for account in accounts) - PAGE_SIZE
    if start >= len(accounts):
        start = len(accounts) - PAGE_SIZE
    start = max(start, 0)
    shown = accounts[start : start + PAGE_SIZE]
    has_older = start + PAGE_SIZE < len(accounts)
    older = replace(request, older_than=shown[-1].place, newer_than=None) if has_older else None
    newer = replace(request, older_than=None, newer_than=shown[0].place) if start else None
    return AccountPage(shown, start + 1, older, newer)


def _users(workflows: object) -> Mapping[str, tuple[str, ...]]:
    """Return the names of the workflows that use each token, by token ID."""
    used: dict[str, set[str]] = {}
    for workflow in _mappings(workflows):
        name = _text(workflow.get("callback_id")) or _text(workflow.get("workflow_id")) or "?"
        for provider in _mappings(workflow.get("providers")):
            selected = provider.get("selected_auth")
            token_id = selected.get("external_token_id") if isinstance(selected, Mapping) else selected
            if isinstance(token_id, str):
                used.setdefault(token_id, set()).add(name)
    return {token_id: tuple(sorted(names)) for token_id, names in used.items()}


def _mappings(value: object) -> Sequence[Mapping[str, object]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _text(value: object) -> str | None:
    # Some providers identify their users by numbers.
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < 10**_LONGEST_NUMBER else None
    if not isinstance(value, str) or not value.strip():
        return None
    # Redacted before cutting, because part of a token may no longer be recognized.
    return showable(redact(value[: LONGEST_TEXT * 4]))[:LONGEST_TEXT]


def _seconds(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 1 <= value <= _LAST_SECOND else None


class AccountMemory(Cache[Hashable, AccountList | None]):
    """A cache of each app's accounts; None for an app whose accounts Slack recently refused or failed to list.

    A form looks up accounts on every keystroke, and can't wait for Slack when it opens.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock, KEPT_SECONDS, 1_000, keeps_none=True)

    async def look_up(self, key: Hashable, ask: Callable[[], Awaitable[AccountList | None]]) -> AccountList | None:
        """Return an app's accounts, from `ask` if they aren't cached; None if listing recently failed or is slow."""
        return await self.get(key, ask) if self.is_promising(key) else None

    def is_promising(self, app: Hashable) -> bool:
        """Return whether a list can be expected, because listing neither failed recently nor is slow now."""
        asked = self.find(app)
        if asked is None:
            return True
        if asked.answer.done():
            return asked.answer.result() is not None
        return self._clock.monotonic() - asked.at < SLOW_SECONDS
