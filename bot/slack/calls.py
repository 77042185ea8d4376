"""What comes back from Slack: each answer is counted, and when Slack was heard from last is kept."""

from collections.abc import Collection, Mapping

import aiohttp
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState

from bot.clock import Clock
from bot.metrics import RATE_LIMIT_WAITS, SLACK_CALLS, Metrics, one_of
from bot.slack.retries import MAX_RETRIES

RESPONSE_URL = "response_url"
METHODS = frozenset(
    {
        *("apps.auth.external.delete", "apps.auth.external.get", "apps.auth.external.list", "apps.connections.open"),
        *("api.test", "auth.test", "chat.postEphemeral", "chat.postMessage", "chat.update", "conversations.open"),
        *("files.completeUploadExternal", "files.getUploadURLExternal", "oauth.v2.access"),
        *("usergroups.users.list", "users.info"),
        *("views.open", "views.publish", "views.update"),
    }
)
"""What the bot calls, beside response URLs."""
OURS = frozenset({"ok", "ratelimited", "http_error", "not_json", "timeout", "connection_failed"})
"""How a call ends, beside with a code of Slack's."""
_OTHER_TOKENS = "apps."
"""How the methods begin that aren't called with the bot's token."""
REFUSALS = frozenset({"account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked"})
"""Slack's codes for a token that it accepts for nothing."""


class Contact:
    """When Slack was last heard from, and whether it refuses the bot's token.

    `heard_at` is by the clock that is never set back; `refusal` is Slack's code. Where there are many workspaces, one
    whose token is refused says nothing of the others, so there `has_one_token` is false and no refusal is noted.
    """

    def __init__(self, clock: Clock, *, has_one_token: bool = True) -> None:
        self._clock = clock
        self._has_one_token = has_one_token
        self.heard_at = float("-inf")
        self.refusal: str | None = None

    def heard(self) -> None:
        """Note that Slack answered with a success, or sent something that was verified."""
        self.heard_at = self._clock.monotonic()

    def called(self, method: str, code: str) -> None:
        """Note how a call ended."""
        if code == "ok":
            self.heard()
        if method != RESPONSE_URL and not method.startswith(_OTHER_TOKENS):
            if code == "ok":
                self.refusal = None
            elif code in REFUSALS and self._has_one_token:
                self.refusal = code


class Calls(AsyncRetryHandler):
    """Is shown every answer, as slack_sdk's retry handlers are, and never retries. `codes` are those that are known."""

    def __init__(self, base_url: str, metrics: Metrics, contact: Contact, codes: Collection[str]) -> None:
        super().__init__(max_retry_count=MAX_RETRIES + 1)
        self._base_url = base_url
        self._metrics = metrics
        self._codes = frozenset(codes) | OURS
        self.contact = contact

    def waited(self, method: str, seconds: float) -> None:
        """Note how long a call of a method was held back."""
        self._metrics.observe(RATE_LIMIT_WAITS, seconds, one_of(method, METHODS))

    def waited_for(self, url: str, seconds: float) -> None:
        """Note how long a call of an address was held back."""
        self._metrics.observe(RATE_LIMIT_WAITS, seconds, self._method(url))

    def posted(self, status: int) -> None:
        """Note the answer to a message at a response URL."""
        self._note(RESPONSE_URL, {200: "ok", 429: "ratelimited"}.get(status, "http_error"))

    def failed(self, error: Exception) -> None:
        """Note that a message at a response URL got no answer."""
        self._note(RESPONSE_URL, _code_of_error(error))

    def _note(self, method: str, code: str) -> None:
        self.contact.called(method, code)
        self._metrics.count(SLACK_CALLS, method, one_of(code, self._codes))

    def _method(self, url: str) -> str:
        """Name what is at an address, of which a response URL is a secret."""
        if not url.startswith(self._base_url):
            return RESPONSE_URL
        return one_of(url[len(self._base_url) :], METHODS)

    async def _can_retry_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        method = self._method(request.url)
        self._note(method, _code_of_error(error) if error is not None or response is None else _code_of(response))
        return False


def _code_of_error(error: Exception | None) -> str:
    if isinstance(error, TimeoutError):
        return "timeout"
    return "connection_failed" if isinstance(error, aiohttp.ClientError | OSError) else "not_json"


def _code_of(response: HttpResponse) -> str:
    if response.status_code == 429:
        return "ratelimited"
    body: object = response.body
    if isinstance(body, Mapping):
        code = body.get("error")
        return "ok" if body.get("ok") is True else code if isinstance(code, str) else "not_json"
    return "not_json" if response.status_code == 200 else "http_error"
