"""Calls the methods for external tokens through slack_sdk's AsyncWebClient, which has no functions for them."""

import asyncio
from collections.abc import Mapping

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
    DeleteTokens,
    ExternalToken,
    GetToken,
    ListAccounts,
    TestToken,
)
from bot.slack.rate_limit import DELETE, GET, LIST, Busy, Caller, RateLimiter

SEND_SECONDS = 90.0
"""How long sending a request may take, from the wait for a free connection to the answer, with one repetition.
Waiting for its turn isn't part of it."""


class ExternalAuthClient:
    """Slack's external auth, for any token that may use it. Calls that Slack's limits reject wait for their turn."""

    def __init__(self, clients: ClientFactory, limiter: RateLimiter) -> None:
        self._clients = clients
        self._limiter = limiter

    async def get(self, api_token: SecretStr, request: GetToken | TestToken, caller: Caller) -> ExternalToken:
        """Fetch a token, refreshed by Slack when it has expired or when the request forces it.

        Raises ExternalAuthError, and Stopping before anything was changed.
        """
        answer = await self._call(api_token, GET, request.arguments(), caller, once=request.mutates)
        token = answer.get("external_token")
        if not isinstance(token, str) or not token:
            raise UnconfirmedError(TransportCode.ANSWER_WITHOUT_TOKEN, GET)
        extras = answer.get("token_response_extras")
        return ExternalToken(SecretStr(token), dict(extras) if isinstance(extras, Mapping) else {})

    async def test(self, api_token: SecretStr, request: TestToken, caller: Caller) -> None:
        """Fetch a token and drop it. Raises the same as `get`."""
        await self.get(api_token, request, caller)

    async def delete(self, api_token: SecretStr, request: DeleteTokens, caller: Caller) -> None:
        """Delete tokens on Slack's side. The provider isn't told. Raises the same as `get`."""
        await self._call(api_token, DELETE, request.arguments(), caller, once=True)

    async def list(self, api_token: SecretStr, request: ListAccounts, caller: Caller) -> AccountList:
        """Return all connected accounts of an app. Slack may refuse, for it isn't public. Raises the same as `get`."""
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
        """Send a request, after a wait where Slack's limits reject it. Over a broken connection `once`, or again."""
        call = self._limiter.call(method, caller)
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
        attempts = Attempts(self._clients.clock, self._clients.calls, reconnects=not once, budget=0)
        try:
            async with asyncio.timeout(SEND_SECONDS):
                response = await self._clients.web(api_token, attempts).api_call(method, json=sent)
        except Exception as error:
            failure = from_exception(method, error)
            release(error)
        else:
            data: object = response.data
            # Strictly: slack_sdk takes any value of `ok` that isn't false, empty or 0 for a success.
            if isinstance(data, Mapping) and data.get("ok") is True:
                return data
        return failure if attempts.answer is None else from_answer(method, attempts.answer, sent)
