"""A client for the external token methods, for which slack_sdk's AsyncWebClient has no functions."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from bot.ids import TypedText
from bot.slack.calls import Attempts, release
from bot.slack.client import ClientFactory
from bot.slack.external_auth.errors import ExternalAuthError, RateLimitedError, from_answer, from_exception
from bot.slack.external_auth.models import Arguments, TokenRequest
from bot.slack.rate_limit import Busy, Caller, LimitedCall, RateLimiter

SEND_SECONDS = 90.0
"""Seconds a call may take, including a wait for a free connection and one retry, but not waits for Slack's limits."""


@dataclass(frozen=True, slots=True)
class ExternalAuthClient:
    """A client for Slack's external-auth methods, with any token. Rate-limited calls wait for their turn."""

    clients: ClientFactory
    limiter: RateLimiter

    async def call(self, api_token: SecretStr, request: TokenRequest, caller: Caller) -> Mapping[str, object]:
        """Send a request, repeat it after each wait while Slack's limits reject it, and return Slack's response.

        The response may hold a token, so the caller must not keep it. Raises ExternalAuthError, and if the request
        wasn't sent ShuttingDown, NoLongerWanted, and the errors of the caller's `recheck`.
        """
        method = request.method
        call = LimitedCall(self.limiter, method, caller, self.limiter.clock.monotonic() + caller.patience)
        answer: Mapping[str, object] | ExternalAuthError
        while True:
            try:
                await call.turn()
            except Busy as busy:
                answer, again = RateLimitedError(method, busy.seconds), False
            else:
                answer = await self._send(api_token, method, request.sent(), once=request.mutates)
                again = isinstance(answer, RateLimitedError) and call.rejected(answer.retry_after)
            if not isinstance(answer, ExternalAuthError):
                return answer
            if not again:
                raise answer

    async def _send(
        self, api_token: SecretStr, method: str, request: Arguments, *, once: bool
    ) -> Mapping[str, object] | ExternalAuthError:
        """Send the request, and send it again after a broken connection unless `once` is set.

        Failures are returned, not raised, because slack_sdk's exception as their context would hold the whole response.
        """
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
            # Checked strictly, because slack_sdk counts any truthy value of `ok` as a success.
            if isinstance(data, Mapping) and data.get("ok") is True:
                return data
        return failure if attempts.answer is None else from_answer(method, attempts.answer, sent)
