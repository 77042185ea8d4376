"""A client for the external token methods, for which slack_sdk's AsyncWebClient has no functions."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from bot.ids import TypedText
from bot.slack.calls import Attempts, release
from bot.slack.client import ClientFactory
from bot.slack.external_auth.accounts import AccountList, read_accounts
from bot.slack.external_auth.errors import (
    ExternalAuthError,
    RateLimitedError,
    TransportCode,
    UnconfirmedError,
    from_answer,
    from_exception,
)
from bot.slack.external_auth.models import (
    Arguments,
    CheckToken,
    DeleteTokens,
    ExternalToken,
    GetToken,
    ListAccounts,
)
from bot.slack.rate_limit import DELETE, GET, LIST, Busy, Caller, LimitedCall, RateLimiter

SEND_SECONDS = 90.0
"""Seconds from the wait for a free connection to the answer, with one retry. The wait for its turn isn't included."""


@dataclass(frozen=True, slots=True)
class ExternalAuthClient:
    """A client for Slack's external auth, for any token that may use it. Rate-limited calls wait for their turn."""

    clients: ClientFactory
    limiter: RateLimiter

    async def get(self, api_token: SecretStr, request: GetToken | CheckToken, caller: Caller) -> ExternalToken:
        """Fetch a token, refreshed by Slack if it has expired or the request forces it.

        Raises ExternalAuthError, and Stopping before anything was changed.
        """
        answer = await self._call(api_token, GET, request.arguments(), caller, once=request.mutates)
        token = answer.get("external_token")
        if not isinstance(token, str) or not token:
            raise UnconfirmedError(TransportCode.ANSWER_WITHOUT_TOKEN, GET)
        extras = answer.get("token_response_extras")
        return ExternalToken(SecretStr(token), dict(extras) if isinstance(extras, Mapping) else {})

    async def test(self, api_token: SecretStr, request: CheckToken, caller: Caller) -> None:
        """Fetch a token and drop it. Raises the same errors as `get`."""
        await self.get(api_token, request, caller)

    async def delete(self, api_token: SecretStr, request: DeleteTokens, caller: Caller) -> None:
        """Delete tokens at Slack, which doesn't tell the provider. Raises the same errors as `get`."""
        await self._call(api_token, DELETE, request.arguments(), caller, once=True)

    async def list(self, api_token: SecretStr, request: ListAccounts, caller: Caller) -> AccountList:
        """Return an app's connected accounts. Slack may refuse: the method isn't public. Raises the same errors as
        `get`."""
        arguments: Arguments = {"include_workflows": True}
        if request.app_id is not None:
            arguments["app_id"] = request.app_id
        accounts = read_accounts(await self._call(api_token, LIST, arguments, caller, once=False))
        if accounts is None:
            raise UnconfirmedError(TransportCode.ANSWER_WITHOUT_LIST, LIST)
        return accounts

    async def _call(
        self, api_token: SecretStr, method: str, request: Arguments, caller: Caller, *, once: bool
    ) -> Mapping[str, object]:
        """Send a request, and wait if Slack's limits reject it. With `once`, a broken connection isn't retried."""
        call = LimitedCall(self.limiter, method, caller, self.limiter.clock.monotonic() + caller.patience)
        answer: Mapping[str, object] | ExternalAuthError
        while True:
            try:
                await call.turn()
            except Busy as busy:
                answer, again = RateLimitedError(method, busy.seconds), False
            else:
                answer = await self._send(api_token, method, request, once=once)
                again = isinstance(answer, RateLimitedError) and call.rejected(answer.retry_after)
            if not isinstance(answer, ExternalAuthError):
                return answer
            if not again:
                raise answer

    async def _send(
        self, api_token: SecretStr, method: str, request: Arguments, *, once: bool
    ) -> Mapping[str, object] | ExternalAuthError:
        """Send the request. Failures are returned, so that the slack_sdk exception isn't their context: it holds the
        whole response."""
        sent = {name: value.reveal() if isinstance(value, TypedText) else value for name, value in request.items()}
        attempts = Attempts(self.clients.clock, self.clients.calls, reconnects=not once, budget=0)
        try:
            async with asyncio.timeout(SEND_SECONDS):
                response = await self.clients.web(api_token, attempts).api_call(method, json=sent)
        except Exception as error:
            failure = from_exception(method, error)
            release(error)
        else:
            data: object = response.data
            # Strict, because slack_sdk takes any value of `ok` that isn't false, empty, or 0 for a success.
            if isinstance(data, Mapping) and data.get("ok") is True:
                return data
        return failure if attempts.answer is None else from_answer(method, attempts.answer, sent)
