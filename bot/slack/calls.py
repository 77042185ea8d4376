"""What comes back from Slack: when a call is sent again, how answers are counted, when Slack was heard from last.

https://docs.slack.dev/tools/python-slack-sdk/web#retryhandler
"""

import asyncio
import traceback
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
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


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer as it came. `body` is None where it wasn't JSON that could be read, or was `null`."""

    status: int
    headers: Mapping[str, object]
    body: object


class Calls:
    """Counts how calls end, and knows when Slack was last heard from and whether it refuses the bot's token.

    `codes` are the codes that are known. `heard_at` is when Slack last answered with a success, or sent something that
    was verified, by the clock that is never set back; `refusal` is Slack's code. Where there are many workspaces, one
    whose token is refused says nothing of the others, so there `has_one_token` is false and no refusal is noted.
    """

    def __init__(
        self, base_url: str, metrics: Metrics, clock: Clock, codes: Collection[str], *, has_one_token: bool = True
    ) -> None:
        self._base_url = base_url
        self._metrics = metrics
        self._clock = clock
        self._codes = frozenset(codes) | OURS
        self._has_one_token = has_one_token
        self.heard_at = float("-inf")
        self.refusal: str | None = None

    def ended(self, url: str, code: str) -> str:
        """Note how a call of an address ended, and name what is there: a response URL is a secret."""
        method = RESPONSE_URL
        if url.startswith(self._base_url):
            method = one_of(url[len(self._base_url) :], METHODS)
        if code == "ok":
            self.heard_at = self._clock.monotonic()
        if method != RESPONSE_URL and not method.startswith(_OTHER_TOKENS):
            if code == "ok":
                self.refusal = None
            elif code in REFUSALS and self._has_one_token:
                self.refusal = code
        self._metrics[SLACK_CALLS].labels(method, one_of(code, self._codes)).inc()
        return method

    def waited(self, method: str, seconds: float) -> None:
        """Note how long a call was held back."""
        self._metrics[RATE_LIMIT_WAITS].labels(one_of(method, METHODS | {RESPONSE_URL})).observe(seconds)


class Attempts(AsyncRetryHandler):
    """Sees each answer to one call: tells `calls` of it, keeps the last failure, and says whether to send it again.

    slack_sdk raises on an answer it doesn't expect, with exceptions that differ by what was wrong; a retry handler is
    shown every answer first. Its own handlers wait however long they're told, and repeat what timed out. This one
    waits as long as a 429 says, at most `budget` seconds in all, and `reconnects` once after a broken connection.
    """

    def __init__(self, clock: Clock, calls: Calls | None, *, reconnects: bool, budget: float) -> None:
        super().__init__(max_retry_count=MAX_RETRIES)
        self._clock = clock
        self._calls = calls
        self._reconnects = reconnects
        self._left = budget
        self._method = ""
        self.answer: Answer | None = None

    async def _can_retry_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        code = _code(response, error)
        if self._calls is not None:
            self._method = self._calls.ended(request.url, code)
        self.answer = None
        if error is None and response is not None:
            if code != "ok" or response.status_code != 200:
                self.answer = Answer(response.status_code, response.headers, response.body)
            seconds = retry_after(response.headers) if response.status_code == 429 else None
            return seconds is not None and seconds <= self._left
        raw = error.response if isinstance(error, SlackApiError) else None
        if isinstance(raw, aiohttp.ClientResponse) and raw.status != 200:
            # JSON that breaks off comes as an error. Its status still tells a 429 from an outage.
            self.answer = Answer(raw.status, raw.headers, None)
        is_broken = isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientOSError)
        return is_broken and self._reconnects and state.current_attempt == 0

    async def prepare_for_next_attempt_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> None:
        """Wait."""
        seconds = retry_after(response.headers) if error is None and response is not None else None
        if seconds is None:
            await asyncio.sleep(RECONNECT_SECONDS)
        else:
            self._left -= seconds
            await self._clock.sleep(seconds)
            if self._calls is not None:
                self._calls.waited(self._method, seconds)
        state.next_attempt_requested = True
        state.increment_current_attempt()


def _code(response: HttpResponse | None, error: Exception | None) -> str:
    if error is not None or response is None:
        if isinstance(error, TimeoutError):
            return "timeout"
        return "connection_failed" if isinstance(error, aiohttp.ClientError | OSError) else "not_json"
    if response.status_code == 429:
        return "ratelimited"
    body: object = response.body
    if isinstance(body, Mapping):
        code = body.get("error")
        return "ok" if body.get("ok") is True else code if isinstance(code, str) else "not_json"
    return "not_json" if response.status_code == 200 else "http_error"


def release(error: BaseException) -> None:
    """Let go of what a failed call holds, as soon as nobody needs it.

    The function that sends a request keeps its last error, whose traceback leads back to it: a cycle that keeps an
    answer that couldn't be read, and whatever token is in it, until Python happens to look for cycles.
    """
    found: BaseException | None = error
    while found is not None:
        traceback.clear_frames(found.__traceback__)
        found = found.__context__
