"""When a call to Slack is sent again, and what came back last.

https://docs.slack.dev/tools/python-slack-sdk/web#retryhandler
"""

from collections.abc import Callable, Mapping
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

PASSING_CODES = frozenset({"ratelimited", "internal_error", "fatal_error", "service_unavailable", "unknown"})
"""Slack's codes for trouble that passes; `unknown` is an answer without a code, such as an error page."""
MAX_RETRIES = 60
"""More than any call is sent again."""
RATE_LIMIT_BUDGET = 10.0
"""How long one call waits in all, in seconds, because Slack says that it comes too soon."""
RECONNECT_SECONDS = 0.1
"""Most connections break because they were idle: a new one works at once."""
BROKEN_CONNECTION = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)
"""What a request raises whose connection broke."""


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


def broken_connection_retry() -> AsyncRetryHandler:
    """Send once more what met a broken connection. slack_sdk's default waits longer, and repeats what timed out."""
    return AsyncConnectionErrorRetryHandler(
        max_retry_count=1,
        interval_calculator=FixedValueRetryIntervalCalculator(RECONNECT_SECONDS),
        error_types=[*BROKEN_CONNECTION],
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
