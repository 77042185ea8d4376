"""The one door: access, the record, Slack, the record, an outcome. Nothing else calls the external-auth client."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from pydantic import SecretStr

from bot.access import Action, AllowList, Decision, decide
from bot.actor import Actor
from bot.audit import Audit, AuditUnavailable, Ending, Entry, Event, Filters
from bot.clock import Clock
from bot.directory import Directory
from bot.external_auth.client import ExternalAuthClient
from bot.external_auth.errors import ExternalAuthError
from bot.external_auth.models import DeleteTokens, ExternalToken, GetToken

log = logging.getLogger(__name__)

OnWait = Callable[[int], None]
"""Is told the seconds of each wait that Slack asks for."""


class Purpose(Enum):
    """Why a token is fetched: for the masked summary, to be shown whole, or to be renewed."""

    GET = "get"
    SHOW = "show"
    REFRESH = "refresh"


@dataclass(frozen=True, slots=True)
class Fetched:
    """Slack handed out a token. `at` is in seconds since the epoch, UTC."""

    request: GetToken
    token: ExternalToken
    at: float
    reference: str


@dataclass(frozen=True, slots=True)
class Deleted:
    """Slack has forgotten what was named."""

    request: DeleteTokens
    reference: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The person may not do this."""

    decision: Decision
    reference: str


@dataclass(frozen=True, slots=True)
class Failed:
    """It was allowed and did not succeed. `purpose` says what a fetch was for; a delete has none."""

    request: GetToken | DeleteTokens
    error: ExternalAuthError
    reference: str
    purpose: Purpose | None = None


@dataclass(frozen=True, slots=True)
class Unrecorded:
    """The audit record could not be written. `happened` says that Slack was asked all the same, before it failed."""

    request: GetToken | DeleteTokens
    happened: bool
    reference: str


Outcome = Fetched | Deleted | Refused | Failed | Unrecorded


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Some of the audit record, newest first. `is_last` says that there is nothing older."""

    entries: Sequence[Entry]
    is_last: bool
    reference: str


class Service:
    """What a person can do, checked and carried out.

    `allow` has a list for each action. `api_token` is the token for the two methods, where the workspace's own bot
    token may not use them. `announce` is told of every ending, and must not wait or fail.
    """

    def __init__(
        self,
        client: ExternalAuthClient,
        directory: Directory,
        allow: Mapping[Action, AllowList],
        api_token: SecretStr | None,
        audit: Audit,
        announce: Callable[[Event, Ending], None],
        clock: Clock,
    ) -> None:
        self._client = client
        self._directory = directory
        self._allow = allow
        self._api_token = api_token
        self._audit = audit
        self._announce = announce
        self._clock = clock

    async def permissions(self, actor: Actor) -> Mapping[Action, Decision]:
        """What this person may do at this moment."""
        groups = frozenset[str]().union(*(allow.groups for allow in self._allow.values()))
        standing = await self._directory.standing(actor, groups)
        return {action: decide(standing, action, allow) for action, allow in self._allow.items()}

    async def enter(self, actor: Actor, actions: Sequence[Action]) -> Mapping[Action, Decision] | Refused:
        """What this person may do, for a dialog about `actions`; a recorded refusal where they may do none of them."""
        permissions = await self.permissions(actor)
        if any(permissions[action].allowed for action in actions):
            return permissions
        return await self._refuse(actor, _event(actor, actions[0].value, {}), permissions[actions[0]])

    async def get(self, actor: Actor, request: GetToken, purpose: Purpose, on_wait: OnWait) -> Outcome:
        """Fetch a token for this person."""

        async def fetch() -> Fetched:
            token = await self._client.get(self._token_for(actor), request, on_wait)
            return Fetched(request, token, self._clock.now(), actor.reference)

        return await self._admit(actor, Action.GET, request, purpose, fetch)

    async def delete(self, actor: Actor, request: DeleteTokens, on_wait: OnWait) -> Outcome:
        """Delete tokens for this person."""

        async def forget() -> Deleted:
            await self._client.delete(self._token_for(actor), request, on_wait)
            return Deleted(request, actor.reference)

        return await self._admit(actor, Action.DELETE, request, None, forget)

    def _token_for(self, actor: Actor) -> SecretStr:
        return self._api_token or actor.bot_token

    async def history(self, actor: Actor, count: int, before: int | None) -> HistoryPage | Refused:
        """The newest entries of the record of this person's workspace, before an entry's number if one is given.

        Raises AuditUnavailable.
        """
        event = _event(actor, Action.HISTORY.value, {})
        decision = (await self.permissions(actor))[Action.HISTORY]
        if not decision.allowed:
            return await self._refuse(actor, event, decision)
        found = await self._audit.newest(count + 1, Filters(team_id=actor.team_id, before=before))
        return HistoryPage(found[:count], len(found) <= count, actor.reference)

    async def _admit(
        self,
        actor: Actor,
        action: Action,
        request: GetToken | DeleteTokens,
        purpose: Purpose | None,
        work: Callable[[], Awaitable[Fetched | Deleted]],
    ) -> Outcome:
        """Check, record the attempt, do it, record its ending. What cannot be recorded is not done, nor handed out."""
        event = _event(actor, (purpose or action).value, request.arguments())
        decision = (await self.permissions(actor))[action]
        if not decision.allowed:
            return await self._refuse(actor, event, decision)
        try:
            attempt = await self._audit.attempt(event)
        except AuditUnavailable as error:
            log.error("the attempt could not be recorded, so nothing was done", extra={"why": str(error)})
            return Unrecorded(request, False, actor.reference)
        log.info("attempt", extra={"action": event.action, "user_id": actor.user_id, "team_id": actor.team_id})
        started = self._clock.now()
        outcome: Fetched | Deleted | Failed
        try:
            outcome = await work()
        except ExternalAuthError as error:
            outcome = Failed(request, error, actor.reference, purpose)
        ending = _ending(outcome, round((self._clock.now() - started) * 1000))
        log.info("outcome", extra={"action": event.action, "outcome": ending.outcome, "code": ending.code})
        try:
            await self._audit.ending(attempt, event, ending)
        except AuditUnavailable as error:
            log.error("the ending could not be recorded, so nothing is handed out", extra={"why": str(error)})
            return Unrecorded(request, True, actor.reference)
        finally:
            self._announce(event, ending)
        return outcome

    async def _refuse(self, actor: Actor, event: Event, decision: Decision) -> Refused:
        """Record a refusal. It stands even if the record cannot be written."""
        log.warning("refused", extra={"action": event.action, "reason": decision.reason.value})
        try:
            await self._audit.denied(event, decision.reason.value)
        except AuditUnavailable as error:
            log.error("a refusal could not be recorded", extra={"why": str(error)})
        self._announce(event, Ending("denied", decision.reason.value, 0))
        return Refused(decision, actor.reference)


def _event(actor: Actor, action: str, parameters: Mapping[str, str | bool]) -> Event:
    return Event(actor.reference, actor.team_id, actor.enterprise_id, actor.user_id, action, parameters)


def _ending(outcome: Fetched | Deleted | Failed, milliseconds: int) -> Ending:
    match outcome:
        case Fetched():
            return Ending("fetched", None, milliseconds, outcome.token.token)
        case Deleted():
            return Ending("deleted", None, milliseconds)
        case Failed():
            return Ending("failed", outcome.error.code[:255], milliseconds)
