"""The pipeline that authorizes each request, records the attempt, runs it, records the result, and notifies observers.

No other module calls the external-auth client.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from pydantic import SecretStr

from bot.access import AllowList, ApprovalPolicy, Decision, Reason, decide, decide_settings, decide_unattended
from bot.actor import Actor
from bot.audit.chain import INTERRUPTED, chain_of
from bot.audit.entries import AuditResult, Entry, Event, Filters, ReadHistory
from bot.audit.log import Attempt, AuditLog, DuplicateInteraction
from bot.audit.reader import recent_token_ids
from bot.batch import Batch
from bot.clock import Clock
from bot.ids import TypedText, quote
from bot.operation import Operation, Permission, Request
from bot.outcomes import (
    AlreadyRun,
    ApprovalNeeded,
    Denied,
    Done,
    Failed,
    HistoryPage,
    HistoryUnavailable,
    Listed,
    NotRecorded,
    NotSent,
    Outcome,
    StepOutcome,
    success,
)
from bot.slack.external_auth.accounts import AccountList, AccountMemory, merge_lists
from bot.slack.external_auth.client import ExternalAuthClient
from bot.slack.external_auth.errors import ExternalAuthError, RefusedError
from bot.slack.external_auth.models import (
    CheckToken,
    ConnectAccount,
    DeleteTokens,
    GetToken,
    ListAccounts,
    TokenRequest,
)
from bot.slack.rate_limit import WAIT_SECONDS, Caller, IsWanted, NoLongerWanted, Progress, ShuttingDown, tells_nobody
from bot.slack.users import UserDirectory
from bot.storage.engine import DatabaseError

log = logging.getLogger(__name__)

_WRONG_APP = {"app_not_found", "invalid_arguments", "invalid_args"}
"""Slack's codes for an app ID that it doesn't accept."""
_LAST_SECONDS = 1.5
"""Seconds that recording an interruption may take during shutdown."""

Observer = Callable[[Event, AuditResult], None]
"""A function that is called with every outcome. It must not block or raise."""

Runnable = TokenRequest | ReadHistory


class _NoLongerAllowed(Exception):
    """The loss of the permission for a request while the request waited for Slack's limits."""

    def __init__(self, decision: Decision) -> None:
        super().__init__(decision.reason.value)
        self.decision = decision


class Service:
    """The service that runs requests.

    `allow` has a list for each permission, but for `APPROVE` only if the `policy` requires approvals. `api_token` is
    used for the external-auth methods in place of the bot token. `app_ids` are the apps whose accounts are listed,
    in place of the token's own. With `has_settings`, the workspace's admins can change
    its settings.
    """

    def __init__(
        self,
        client: ExternalAuthClient,
        users: UserDirectory,
        allow: Mapping[Permission, AllowList],
        api_token: SecretStr | None,
        audit_log: AuditLog,
        observers: Sequence[Observer],
        clock: Clock,
        policy: ApprovalPolicy = ApprovalPolicy.OFF,
        *,
        app_ids: Sequence[str] = (),
        has_settings: bool = False,
    ) -> None:
        self._app_ids = app_ids
        self._has_settings = has_settings
        self.policy = policy
        self._client = client
        self._users = users
        self._allow = allow
        self._api_token = api_token
        self._audit_log = audit_log
        self._observers = observers
        self._clock = clock
        self._accounts = AccountMemory(clock)
        self._groups = frozenset[str]().union(*(listed.groups for listed in allow.values()))

    async def authorize(self, actor: Actor, unattended: Operation | None = None) -> Mapping[Permission, Decision]:
        """Decide on every permission by the person's current standing in Slack.

        For an actor without a person, all are denied, except the permission of an allowed `unattended` operation.
        """
        if actor.unattended is not None:
            denied = {
                permission: Decision(False, Reason.UNATTENDED, permission, listed)
                for permission, listed in self._allow.items()
            }
            return denied if unattended is None else {**denied, unattended.permission: decide_unattended(unattended)}
        user = await self._users.find(actor, self._groups)
        decisions = {permission: decide(user, permission, listed) for permission, listed in self._allow.items()}
        return {**decisions, Permission.SETTINGS: decide_settings(user)} if self._has_settings else decisions

    async def admit(
        self, actor: Actor, requests: Sequence[Request]
    ) -> Mapping[Permission, Decision] | Denied | AlreadyRun:
        """Authorize a modal in which the person can make any of these requests.

        Returns the decisions on all permissions, or a denial of the first request if no request is allowed.
        """
        decisions = await self.authorize(actor)
        if any(decisions[request.operation.permission].allowed for request in requests):
            return decisions
        return await self._deny(actor, requests[0], decisions[requests[0].operation.permission])

    async def run(
        self,
        actor: Actor,
        request: Runnable,
        progress: Progress,
        is_wanted: IsWanted | None = None,
        batch: Batch | None = None,
        patience: float = WAIT_SECONDS,
    ) -> Outcome:
        """Run a request. `progress` is called when Slack's limits make the request wait.

        `is_wanted` is called during such a wait, and a request that is no longer wanted isn't sent. `batch` is the
        batch that the request belongs to, with any approval. `patience` is the maximum wait, in seconds.
        """
        decisions = await self.authorize(actor, request.operation)
        decision = decisions[request.operation.permission]
        if not decision.allowed:
            return await self._deny(actor, request, decision)
        if isinstance(request, ReadHistory):
            return await self._read_history(actor, request)
        if isinstance(request, DeleteTokens) and self._lacks_approval(actor, request, batch):
            return ApprovalNeeded(request, actor.reference)
        try:
            attempt = await self._audit_log.attempt(actor, request)
        except DuplicateInteraction:
            log.warning("an interaction came again and wasn't run again")
            return AlreadyRun(actor.reference)
        except DatabaseError as error:
            log.error("the attempt couldn't be recorded, so nothing was done", extra={"why": str(error)})
            self.notify(Event.of(actor, request), AuditResult("not recorded", None, 0))
            return NotRecorded(request, None, actor.reference)
        chain, recheck = chain_of(actor.team_id, actor.enterprise_id), partial(self._recheck, actor, request)
        # Only requests of a batch have an `is_wanted`, because only a batch can be stopped while it waits.
        caller = Caller(chain, progress, recheck, patience, is_wanted is not None, is_wanted)
        allowed = frozenset(permission for permission, decision in decisions.items() if decision.allowed)
        started = self._clock.monotonic()
        done: Done
        try:
            # No variable refers to the response, so that a tested account's token is dropped at once.
            done = success(
                request,
                await self._call_for_apps(actor, request, caller)
                if isinstance(request, ListAccounts | ConnectAccount)
                else await self._client.call(self._api_token or actor.bot_token, request, caller),
                self._clock.now(),
                allowed,
                actor.reference,
            )
        except ExternalAuthError as error:
            key = self._provider(actor, request)
            done = Failed(request, error, self._clock.now(), actor.reference, (), allowed, key)
        except _NoLongerAllowed as lost:
            return await self._give_up(attempt, Denied(request, lost.decision, actor.reference), started)
        except (ShuttingDown, NoLongerWanted):
            return await self._give_up(attempt, NotSent(request, actor.reference), started)
        except asyncio.CancelledError:
            await self._record_in_time(attempt, AuditResult(INTERRUPTED, None, self._milliseconds_since(started)))
            raise
        finally:
            # Even a failed deletion may have removed accounts, so the cached list is dropped.
            if request.operation.permission is Permission.DELETE:
                self._accounts.pop(self._app(actor))
        outcome = await self._finish(attempt, done, self._milliseconds_since(started))
        if isinstance(outcome, Listed | Failed) and isinstance(request, ListAccounts):
            return await self._listed(actor, request, outcome)
        return outcome

    def _lacks_approval(self, actor: Actor, request: DeleteTokens, batch: Batch | None) -> bool:
        is_bulk = request.is_bulk or (batch is not None and batch.is_bulk)
        is_approved = batch is not None and batch.approves(actor, request)
        return self.policy.covers(is_bulk=is_bulk) and not is_approved

    async def _call_for_apps(
        self, actor: Actor, request: ListAccounts | ConnectAccount, caller: Caller
    ) -> Mapping[str, object]:
        """Return Slack's response for the app in the request, or else for those in the settings, or for Extauth's own.

        Raises the errors of `ExternalAuthClient.call`.
        """
        token = self._api_token or actor.bot_token
        app_ids: Sequence[str | TypedText] = (request.app_id,) if request.app_id is not None else self._app_ids
        if isinstance(request, ConnectAccount):
            app_ids = app_ids[:1]  # a provider's page is for one app
        if app_ids:
            answers = []
            for one in app_ids:
                try:
                    answers.append(await self._client.call(token, replace(request, app_id=one), caller))
                except ExternalAuthError as error:
                    error.detail = (*error.detail, f"The app is {quote(one)}.")
                    raise
            return answers[0] if len(answers) == 1 else merge_lists(answers)
        # Slack's own command-line tool always names the app. Another app's token doesn't list Extauth's accounts.
        own = actor.app_id if self._api_token is None else None
        app_id = own or await self._users.app(token)
        if app_id is not None:
            try:
                return await self._client.call(token, replace(request, app_id=app_id), caller)
            except RefusedError as error:
                if error.code not in _WRONG_APP:
                    raise
        return await self._client.call(token, request, caller)

    def _provider(self, actor: Actor, request: TokenRequest) -> str | None:
        """Return the provider of a request's token by a recent list; None without one, or with several apps."""
        if len(self._app_ids) > 1:
            return None
        asked = self._accounts.find(self._app(actor))
        found = asked.answer.result() if asked is not None and asked.answer.done() else None
        token_id = request.external_token_id if isinstance(request, GetToken | CheckToken) else None
        accounts = found.accounts if found is not None else ()
        return next((one.provider_key for one in accounts if one.token_id == token_id), None)

    async def _listed(self, actor: Actor, request: ListAccounts, outcome: Listed | Failed) -> Listed | Failed:
        """Keep a list for forms, and add a person's recent token IDs to a refusal. Returns the outcome to show."""
        if request.app_id is None:
            # Forms offer the accounts of the token's own app, not of another one that a request named.
            self._accounts.put(self._app(actor), outcome.accounts if isinstance(outcome, Listed) else None)
        if isinstance(outcome, Listed):
            return outcome
        return replace(outcome, recent_ids=await recent_token_ids(self._audit_log, actor))

    async def step(self, actor: Actor, request: Request, act: Callable[[], Awaitable[AuditResult]]) -> StepOutcome:
        """Authorize and take a step toward a deletion or a change of settings, and record the attempt and the result.

        Raises DatabaseError if the step can't be recorded. If it was already taken, its result is recorded later.
        """
        decision = (await self.authorize(actor))[request.operation.permission]
        if not decision.allowed:
            return await self._deny(actor, request, decision)
        try:
            attempt = await self._audit_log.attempt(actor, request)
        except DuplicateInteraction:
            log.warning("an interaction came again and wasn't run again")
            return AlreadyRun(actor.reference)
        result = AuditResult(INTERRUPTED, None, 0)
        try:
            result = await act()
            await self._audit_log.finish(attempt, result)
        except asyncio.CancelledError:
            await self._record_in_time(attempt, result)
            raise
        except Exception:
            self._audit_log.finish_later(attempt, result)
            self.notify(attempt.event, result)
            raise
        self.notify(attempt.event, result)
        return result

    async def note(self, actor: Actor, request: Request, result: AuditResult) -> None:
        """Record an automatic result of a person's request, such as its expiry. Raises DatabaseError."""
        attempt = await self._audit_log.attempt(actor, request)
        await self._audit_log.finish(attempt, result)
        self.notify(attempt.event, result)

    async def now(self, asked: Batch) -> float:
        """Return the current time (seconds, UTC) for the expiry of a request for approval. Raises DatabaseError."""
        return await self._audit_log.now(chain_of(asked.team_id, asked.enterprise_id))

    async def is_decided(self, asked: Batch) -> bool:
        """Return whether the audit log has an approval or a decline of a request. Raises DatabaseError."""
        return bool(await self._audit_log.decisions(asked))

    async def own_entries(self, actor: Actor, count: int, operation: Operation | None = None) -> Sequence[Entry]:
        """Return the newest audit log entries of this actor, optionally of one operation only.

        No permission is needed, because the entries reveal nothing about others. Empty if the log can't be read.
        """
        if actor.team_id is None:
            return ()
        action = operation.action if operation is not None else None
        try:
            filters = Filters(user_id=actor.user_id, team_id=actor.team_id, action=action)
            return await self._audit_log.newest(count, filters)
        except DatabaseError as error:
            log.warning("the audit log couldn't be read", extra={"why": str(error)})
            return ()

    def can_expect_accounts(self, actor: Actor, decisions: Mapping[Permission, Decision]) -> bool:
        """Return whether the person may list accounts, and Slack hasn't recently refused to list them or been slow."""
        return decisions[Permission.LIST].allowed and self._accounts.is_promising(self._app(actor))

    async def accounts(self, actor: Actor) -> AccountList | None:
        """Return the connected accounts that a form can offer this person; None if there are none to offer.

        The accounts are cached briefly. Each request to Slack runs, and is recorded, as the request of the person who
        caused it, and doesn't wait for Slack's limits.
        """
        if not (await self.authorize(actor))[Permission.LIST].allowed:
            return None

        async def ask() -> AccountList | None:
            # Typing the same text twice sends identical payloads, which must still count as two requests.
            asking = replace(actor, interaction=f"form {actor.reference}")
            outcome = await self.run(asking, ListAccounts(), tells_nobody, patience=0)
            return outcome.accounts if isinstance(outcome, Listed) else None

        return await self._accounts.look_up(self._app(actor), ask)

    async def recent_ids(self, actor: Actor) -> Sequence[str]:
        """Return the IDs of tokens that this person fetched recently, for a form to offer."""
        decisions = await self.authorize(actor)
        uses = (Permission.GET, Permission.TEST, Permission.DELETE)
        if not any(decisions[permission].allowed for permission in uses):
            return ()
        return await recent_token_ids(self._audit_log, actor)

    def _app(self, actor: Actor) -> Hashable:
        """Return the key by which one app's accounts in one workspace are cached."""
        return actor.team_id or actor.enterprise_id, self._api_token or actor.bot_token

    async def _recheck(self, actor: Actor, request: TokenRequest) -> None:
        """Authorize a request again after it waited. Raises _NoLongerAllowed."""
        decision = (await self.authorize(actor, request.operation))[request.operation.permission]
        if not decision.allowed:
            raise _NoLongerAllowed(decision)

    async def _finish(self, attempt: Attempt, done: Done, milliseconds: int) -> Outcome:
        """Record the result, and return it, or NotRecorded if recording fails."""
        code = done.error.code if isinstance(done, Failed) else None
        result = AuditResult(done.word, code, milliseconds, done.token.token if done.token is not None else None)
        event = attempt.event
        told = {"action": event.action, "user_id": event.user_id, "team_id": event.team_id}
        log.info("outcome", extra={**told, "outcome": result.outcome, "code": result.code})
        true_result = replace(result, outcome="withheld", token=None) if done.is_withheld else result
        try:
            await self._audit_log.finish(attempt, result)
        except asyncio.CancelledError:
            await self._record_in_time(attempt, true_result)
            raise
        except DatabaseError as error:
            log.error("the result couldn't be recorded, so it is withheld", extra={"why": str(error)})
            self._audit_log.finish_later(attempt, true_result)
            self.notify(attempt.event, true_result)
            return NotRecorded(done.request, done, done.reference)
        self.notify(attempt.event, result)
        return done

    async def _give_up(self, attempt: Attempt, outcome: Denied | NotSent, started: float) -> Denied | NotSent:
        """Record that a waiting request was never sent. Returns the outcome even if recording fails."""
        denial = outcome.decision.reason.value if isinstance(outcome, Denied) else None
        ended, milliseconds = "denied" if denial else "not done", self._milliseconds_since(started)
        log.warning("not sent", extra={"action": attempt.event.action, "outcome": ended, "reason": denial})
        result = AuditResult(ended, denial, milliseconds)
        try:
            await self._audit_log.finish(attempt, result)
        except DatabaseError as error:
            log.error("a result couldn't be recorded", extra={"why": str(error)})
            self._audit_log.finish_later(attempt, result)
        self.notify(attempt.event, result)
        return outcome

    async def _record_in_time(self, attempt: Attempt, result: AuditResult) -> None:
        """Record a result during shutdown, unless recording takes longer than `_LAST_SECONDS`."""
        recording = asyncio.ensure_future(self._audit_log.finish(attempt, result))
        await asyncio.wait({recording}, timeout=_LAST_SECONDS)
        if not recording.cancel() and recording.exception() is None:
            self.notify(attempt.event, result)
        else:
            log.warning("an interruption couldn't be recorded yet")

    def _milliseconds_since(self, started: float) -> int:
        return round((self._clock.monotonic() - started) * 1000)

    async def _read_history(self, actor: Actor, request: ReadHistory) -> Outcome:
        """Read the audit log and notify the observers. The log itself doesn't record reads."""
        started = self._clock.monotonic()
        outcome = await self._read_page(actor, request)
        word = "read" if isinstance(outcome, HistoryPage) else "not read"
        self.notify(Event.of(actor, request), AuditResult(word, None, self._milliseconds_since(started)))
        return outcome

    async def _read_page(self, actor: Actor, request: ReadHistory) -> HistoryPage | HistoryUnavailable:
        if actor.team_id is None:
            # Without a workspace, the filter would match every workspace's entries.
            log.error("the audit log was asked for without a workspace")
            return HistoryUnavailable(request, actor.reference)
        count = request.count
        try:
            found = await self._audit_log.newest(count + 1, request.filters(actor.team_id))
            if request.after is not None and len(found) <= count:
                # This page reaches the newest entry, so the first page is shown, which isn't cut short.
                request = replace(request, after=None)
                found = await self._audit_log.newest(count + 1, request.filters(actor.team_id))
        except DatabaseError as error:
            log.error("the audit log couldn't be read", extra={"why": str(error)})
            return HistoryUnavailable(request, actor.reference)
        is_cut = len(found) > count
        if request.after is not None:
            return HistoryPage(request, found[-count:], True, is_cut, actor.reference)
        return HistoryPage(request, found[:count], is_cut, request.before is not None, actor.reference)

    async def _deny(self, actor: Actor, request: Request, decision: Decision) -> Denied | AlreadyRun:
        """Record a denial, which stands even if it can't be recorded."""
        reason = decision.reason.value
        told = {"action": request.operation.action, "user_id": actor.user_id, "team_id": actor.team_id}
        log.warning("denied", extra={**told, "reason": reason})
        try:
            await self._audit_log.deny(actor, request, reason)
        except DuplicateInteraction:
            log.warning("an interaction came again and wasn't denied again")
            return AlreadyRun(actor.reference)
        except DatabaseError as error:
            log.error("a denial couldn't be recorded", extra={"why": str(error)})
        self.notify(Event.of(actor, request), AuditResult("denied", reason, 0))
        return Denied(request, decision, actor.reference)

    def notify(self, event: Event, result: AuditResult) -> None:
        for observer in self._observers:
            observer(event, result)
