"""The one door: access, then Slack, then an outcome. Nothing else calls the external-auth client."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from pydantic import SecretStr

from bot.access import Action, AllowList, Decision, decide
from bot.actor import Actor
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


Outcome = Fetched | Deleted | Refused | Failed


class Service:
    """What a person can do, checked and carried out.

    `allow` has a list for each action. `api_token` is the token for the two methods, where the workspace's own bot
    token may not use them.
    """

    def __init__(
        self,
        client: ExternalAuthClient,
        directory: Directory,
        allow: Mapping[Action, AllowList],
        api_token: SecretStr | None,
        clock: Clock,
    ) -> None:
        self._client = client
        self._directory = directory
        self._allow = allow
        self._api_token = api_token
        self._clock = clock

    async def permissions(self, actor: Actor) -> Mapping[Action, Decision]:
        """What this person may do at this moment."""
        groups = frozenset[str]().union(*(allow.groups for allow in self._allow.values()))
        standing = await self._directory.standing(actor, groups)
        return {action: decide(standing, action, allow) for action, allow in self._allow.items()}

    async def get(self, actor: Actor, request: GetToken, purpose: Purpose, on_wait: OnWait) -> Outcome:
        """Fetch a token for this person."""

        async def fetch() -> Outcome:
            token = await self._client.get(self._token_for(actor), request, on_wait)
            return Fetched(request, token, self._clock.now(), actor.reference)

        return await self._admit(actor, Action.GET, request, purpose, fetch)

    async def delete(self, actor: Actor, request: DeleteTokens, on_wait: OnWait) -> Outcome:
        """Delete tokens for this person."""

        async def forget() -> Outcome:
            await self._client.delete(self._token_for(actor), request, on_wait)
            return Deleted(request, actor.reference)

        return await self._admit(actor, Action.DELETE, request, None, forget)

    def _token_for(self, actor: Actor) -> SecretStr:
        return self._api_token or actor.bot_token

    async def _admit(
        self,
        actor: Actor,
        action: Action,
        request: GetToken | DeleteTokens,
        purpose: Purpose | None,
        work: Callable[[], Awaitable[Outcome]],
    ) -> Outcome:
        """Check, record the attempt, do it, record the outcome.

        The two log lines are where the audit record is written; an attempt that cannot be recorded is not made.
        """
        facts = {
            "action": (purpose or action).value,
            "user_id": actor.user_id,
            "team_id": actor.team_id,
            "parameters": {name: _short(value) for name, value in request.arguments().items()},
        }
        decision = (await self.permissions(actor))[action]
        if not decision.allowed:
            log.warning("refused", extra={**facts, "reason": decision.reason.value})
            return Refused(decision, actor.reference)
        log.info("attempt", extra=facts)
        started = self._clock.now()
        try:
            outcome = await work()
        except ExternalAuthError as error:
            outcome = Failed(request, error, actor.reference, purpose)
        code = outcome.error.code if isinstance(outcome, Failed) else None
        milliseconds = round((self._clock.now() - started) * 1000)
        log.info(
            "outcome",
            extra={**facts, "outcome": type(outcome).__name__.lower(), "code": code, "milliseconds": milliseconds},
        )
        return outcome


def _short(value: str | bool) -> str | bool:
    """Somebody may paste a token where its id belongs: what is too long for an id is not logged whole."""
    return f"{value[:8]}… ({len(value)} characters)" if isinstance(value, str) and len(value) > 40 else value
