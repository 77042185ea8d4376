"""What comes back from Slack: when a call is sent again, how answers are counted, when Slack was heard from last.

https://docs.slack.dev/tools/python-slack-sdk/web#retryhandler
"""

import traceback
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.builtin_async_handlers import AsyncConnectionErrorRetryHandler
from slack_sdk.http_retry.builtin_interval_calculators import FixedValueRetryIntervalCalculator
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState

from bot.clock import Clock
from bot.logs import slack_code
from bot.metrics import RATE_LIMIT_WAITS, SLACK_CALLS, Metrics, one_of

PASSING_CODES = frozenset({"ratelimited", "internal_error", "fatal_error", "service_unavailable", "unknown"})
"""Slack's codes for trouble that passes; `unknown` is an answer without a code, such as an error page."""
MAX_RETRIES = 60
"""More than any call is sent again."""
RATE_LIMIT_BUDGET = 10.0
"""How long one call waits in all, in seconds, because Slack says that it comes too soon."""
RECONNECT_SECONDS = 0.1
"""Most connections break because they were idle: a new one works at once."""


def header(headers: Mapping[str, object], name: str) -> str | None:
    """Return a response header by its lowercase name; None when it is missing. slack_sdk may give lists of values."""
    for found, value in headers.items():
        if str(found).lower() == name:
            return str(value[0] if isinstance(value, list) and value else value).strip()
    return None


def retry_after(headers: Mapping[str, object]) -> int | None:
    """Read `Retry-After`, whole seconds, at least 1; None when it is missing or isn't a number.

    https://docs.slack.dev/apis/web-api/rate-limits/
    """
    text = header(headers, "retry-after") or ""
    return max(int(text), 1) if text.isascii() and text.isdigit() and len(text) < 6 else None


def passes(error: BaseException) -> bool:
    """Return whether what a call raised is trouble that passes: Slack's own, or on the way there."""
    return not isinstance(error, SlackApiError) or slack_code(error) in PASSING_CODES


def broken_connection_retry() -> AsyncRetryHandler:
    """Send once more what met a broken connection. slack_sdk's default waits longer, and repeats what timed out."""
    return AsyncConnectionErrorRetryHandler(
        max_retry_count=1,
        interval_calculator=FixedValueRetryIntervalCalculator(RECONNECT_SECONDS),
        error_types=[aiohttp.ServerDisconnectedError, aiohttp.ClientOSError],
    )


def ignore_wait(url: str, seconds: float) -> None:
    """Note nothing."""


class RateLimitRetry(AsyncRetryHandler):
    """Wait as long as Slack's 429 says, while the waits of one call stay within a budget of seconds.

    slack_sdk's own handler waits however long it is told. One object serves one call. `waited` is told of each wait:
    the address that was called, and the seconds.
    """

    def __init__(self, clock: Clock, budget: float, waited: Callable[[str, float], None] = ignore_wait) -> None:
        super().__init__(max_retry_count=MAX_RETRIES)
        self._clock = clock
        self._left = budget
        self._waited = waited
        self._seconds = 0

    async def _can_retry_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        if response is None or error is not None or response.status_code != 429:
            return False
        self._seconds = retry_after(response.headers) or 0
        return 0 < self._seconds <= self._left

    async def prepare_for_next_attempt_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> None:
        """Wait."""
        self._left -= self._seconds
        await self._clock.sleep(self._seconds)
        self._waited(request.url, self._seconds)
        state.next_attempt_requested = True
        state.increment_current_attempt()


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer as it came. `body` is None where it wasn't JSON that could be read, or was `null`."""

    status: int
    headers: Mapping[str, object]
    body: object


class AnswerRecorder(AsyncRetryHandler):
    """Keep the last answer of one call, and never retry.

    slack_sdk raises on an answer it doesn't expect, with exceptions that differ by what was wrong; a retry handler is
    shown every answer first.
    """

    def __init__(self) -> None:
        super().__init__(max_retry_count=MAX_RETRIES + 1)
        self.answer: Answer | None = None

    async def _can_retry_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        self.answer = None if response is None else Answer(response.status_code, response.headers, response.body)
        raw = error.response if isinstance(error, SlackApiError) else None
        if isinstance(raw, aiohttp.ClientResponse) and raw.status != 200:
            # JSON that breaks off comes as an error. Its status still tells a 429 from an outage.
            self.answer = Answer(raw.status, raw.headers, None)
        return False


def release(error: BaseException) -> None:
    """Let go of what a failed call holds, as soon as nobody needs it.

    The function that sends a request keeps its last error, whose traceback leads back to it: a cycle that keeps an
    answer that couldn't be read, and whatever token is in it, until Python happens to look for cycles.
    """
    found: BaseException | None = error
    while found is not None:
        traceback.clear_frames(found.__traceback__)
        found = found.__context__


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
        """Note the answer to a message at a response URL, unless it's a 429: that's shown like any other answer."""
        self._note(RESPONSE_URL, "ok" if status == 200 else "http_error")

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
