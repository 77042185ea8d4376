"""Calls the two methods through slack_sdk's AsyncWebClient, which has no functions of its own for them."""

import asyncio
from collections.abc import Mapping

from pydantic import SecretStr
from slack_sdk.http_retry.async_handler import AsyncRetryHandler

from bot.slack.external_auth.errors import TransportCode, UnconfirmedError, from_answer, from_exception
from bot.slack.external_auth.models import DeleteTokens, ExternalToken, GetToken, TokenRequest
from bot.slack.retries import AnswerRecorder, Progress, RateLimitRetry, broken_connection_retry
from bot.slack.web import ClientFactory

GET = "apps.auth.external.get"
DELETE = "apps.auth.external.delete"
RATE_LIMIT_BUDGET = 60.0
"""How long, in seconds, one call waits in all because Slack said 429."""


CALL_SECONDS = 150.0
"""How long one call may take in all, with the waits and however slowly Slack says 429."""


class ExternalAuthClient:
    """Slack's external auth, for any token that may use it."""

    def __init__(self, clients: ClientFactory) -> None:
        self._clients = clients

    async def get(self, api_token: SecretStr, request: GetToken, progress: Progress | None = None) -> ExternalToken:
        """Fetch a token, refreshed by Slack when it has expired or when the request forces it.

        Raises ExternalAuthError.
        """
        answer = await self._call(api_token, GET, request, progress)
        token = answer.get("external_token")
        if not isinstance(token, str) or not token:
            raise UnconfirmedError(TransportCode.ANSWER_WITHOUT_TOKEN, GET)
        extras = answer.get("token_response_extras")
        return ExternalToken(SecretStr(token), dict(extras) if isinstance(extras, Mapping) else {})

    async def delete(self, api_token: SecretStr, request: DeleteTokens, progress: Progress | None = None) -> None:
        """Delete tokens on Slack's side. The provider isn't told. Raises ExternalAuthError."""
        await self._call(api_token, DELETE, request, progress)

    async def _call(
        self, api_token: SecretStr, method: str, request: TokenRequest, progress: Progress | None
    ) -> Mapping[str, object]:
        recorder = AnswerRecorder()
        retries: list[AsyncRetryHandler] = [recorder, RateLimitRetry(self._clients.clock, RATE_LIMIT_BUDGET, progress)]
        if not request.mutates:
            retries.append(broken_connection_retry())
        try:
            async with asyncio.timeout(CALL_SECONDS):
                response = await self._clients.web(api_token, retries).api_call(method, json=dict(request.arguments()))
        except Exception as error:
            failure = from_exception(method, error)
            if isinstance(error, TimeoutError):
                recorder.answer = None  # at best it is the 429 before the attempt that took too long
        else:
            data: object = response.data
            if isinstance(data, Mapping):
                return data
        # Raised out here, so that the slack_sdk exception, which holds the response, isn't even the context.
        raise failure if recorder.answer is None else from_answer(method, recorder.answer, request.arguments())
