"""Calls the two methods through slack-sdk's AsyncWebClient, which has no functions of its own for them."""

from collections.abc import Callable, Mapping

from pydantic import SecretStr
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.builtin_async_handlers import AsyncConnectionErrorRetryHandler

from bot.external_auth.errors import (
    ANSWER_NOT_OBJECT,
    ANSWER_WITHOUT_TOKEN,
    ExternalAuthError,
    from_exception,
)
from bot.external_auth.models import DeleteTokens, ExternalToken, GetToken
from bot.slack_connection import RateLimitRetry, SlackConnection

GET = "apps.auth.external.get"
DELETE = "apps.auth.external.delete"
RATE_LIMIT_BUDGET = 60.0
"""How long, in seconds, one call waits in all because Slack said 429."""


class ExternalAuthClient:
    """Slack's external auth, for any token that may use it."""

    def __init__(self, connection: SlackConnection) -> None:
        self._connection = connection

    async def get(
        self, api_token: SecretStr, request: GetToken, on_wait: Callable[[int], None] | None = None
    ) -> ExternalToken:
        """Fetch a token, refreshed by Slack when it has expired or when the request forces it.

        `on_wait` is told the seconds of each wait that Slack asks for. Raises ExternalAuthError.
        """
        forced = bool(request.force_refresh)
        answer = await self._call(api_token, GET, request.arguments(), changes=forced, on_wait=on_wait)
        token = answer.get("external_token")
        if not isinstance(token, str) or not token:
            raise ExternalAuthError(ANSWER_WITHOUT_TOKEN, GET, may_have_happened=forced)
        extras = answer.get("token_response_extras")
        return ExternalToken(SecretStr(token), dict(extras) if isinstance(extras, Mapping) else {})

    async def delete(
        self, api_token: SecretStr, request: DeleteTokens, on_wait: Callable[[int], None] | None = None
    ) -> None:
        """Make Slack forget tokens. The provider is not told. Raises ExternalAuthError."""
        await self._call(api_token, DELETE, request.arguments(), changes=True, on_wait=on_wait)

    async def _call(
        self,
        api_token: SecretStr,
        method: str,
        arguments: Mapping[str, str | bool],
        *,
        changes: bool,
        on_wait: Callable[[int], None] | None,
    ) -> Mapping[str, object]:
        retries: list[AsyncRetryHandler] = [RateLimitRetry(self._connection.clock, RATE_LIMIT_BUDGET, on_wait)]
        if not changes:
            retries.append(AsyncConnectionErrorRetryHandler(max_retry_count=1))
        client = self._connection.client(api_token, retries)
        try:
            response = await client.api_call(method, json=dict(arguments))
        except Exception as error:
            failure = from_exception(method, error, changes=changes)
        else:
            data: object = response.data
            if isinstance(data, Mapping):
                return data
            failure = ExternalAuthError(ANSWER_NOT_OBJECT, method, may_have_happened=changes)
        # Raised out here, the slack_sdk exception, which holds the response, is not even the context.
        raise failure
