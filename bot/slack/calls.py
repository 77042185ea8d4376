"""Retries of Slack calls, counts of their results, and the time of the last sign that Slack works.

https://docs.slack.dev/tools/python-slack-sdk/web#retryhandler
"""

import asyncio
import logging
import traceback
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState

from bot.clock import Clock
from bot.logs import slack_code
from bot.metrics import OTHER, RATE_LIMIT_WAITS, SLACK_CALLS, Metrics

log = logging.getLogger(__name__)

PASSING_CODES = frozenset({"ratelimited", "internal_error", "fatal_error", "service_unavailable", "unknown"})
"""Slack's codes for temporary errors. `unknown` stands for a response without a code, such as an error page."""
MAX_RETRIES = 60
"""A limit on retries that no call reaches, because `Attempts` limits the time instead."""
RATE_LIMIT_BUDGET = 10.0
"""Seconds that one call waits in total when Slack rate-limits it."""
RECONNECT_SECONDS = 0.1
"""Seconds before a reconnect: few, because most connections break from being idle, and a new one works at once."""
RESPONSE_URL = "response_url"
CLOCK_SECONDS = 60.0
"""Seconds that this machine's clock may differ from Slack's. Slack's requests are rejected after five minutes."""
NO_HEADERS: Mapping[str, object] = {}
METHODS = frozenset(
    {
        *("apps.auth.external.delete", "apps.auth.external.get", "apps.auth.external.list", "apps.auth.external.start"),
        "apps.connections.open",
        *("api.test", "auth.test", "chat.postEphemeral", "chat.postMessage", "chat.update", "conversations.open"),
        *("files.completeUploadExternal", "files.getUploadURLExternal", "oauth.v2.access"),
        *("usergroups.users.list", "users.info"),
        *("views.open", "views.publish", "views.update"),
    }
)
"""The Web API methods that Extauth calls."""
OURS = frozenset({"ok", "ratelimited", "http_error", "not_json", "timeout", "connection_failed"})
"""Extauth's codes for a call's result, and `ratelimited`, in addition to Slack's."""
_OTHER_TOKENS = "apps."
"""The prefix of methods that aren't called with a bot token."""
REFUSALS = frozenset({"account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked"})
"""Slack's codes for a token that it rejects for every call."""


def header(headers: Mapping[str, object], name: str) -> str | None:
    """Return a response header, or the first of a list of values, by its lowercase name; None if it is missing."""
    for found, value in headers.items():
        if str(found).lower() == name:
            return str(value[0] if isinstance(value, list) and value else value).strip()
    return None


def retry_after(headers: Mapping[str, object]) -> int | None:
    """Return `Retry-After` in whole seconds, at least 1; None if it is missing or isn't a number.

    https://docs.slack.dev/apis/web-api/rate-limits/
    """
    text = header(headers, "retry-after") or ""
    return max(int(text), 1) if text.isascii() and text.isdigit() and len(text) < 6 else None


def passes(error: BaseException) -> bool:
    """Return whether a call's error is temporary, such as an outage of Slack or a failed connection."""
    return not isinstance(error, SlackApiError) or slack_code(error) in PASSING_CODES


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An unprocessed HTTP response. `body` is None if it was `null` or wasn't readable JSON."""

    status: int
    headers: Mapping[str, object]
    body: object


class SlackHealth:
    """Counts of call results, the time of Slack's last success, and Slack's refusal of Extauth's token.

    `codes` are the known codes. `heard_at` is the monotonic time at which a call last succeeded or Slack last sent a
    valid request. `refusal` is Slack's code. With many workspaces, one refused token shows nothing about the others, so
    `has_one_token` is false and no refusal is noted. `clock_ahead` is the number of seconds that this machine's clock
    is ahead of Slack's, by the time in Slack's last response.
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
        self.clock_ahead = 0.0

    @property
    def clock_problem(self) -> str | None:
        """The problem with this machine's clock, by which the age of Slack's requests is judged; None if it's right."""
        if abs(self.clock_ahead) <= CLOCK_SECONDS:
            return None
        return f"{abs(self.clock_ahead):.0f} seconds {'ahead of' if self.clock_ahead > 0 else 'behind'} Slack's"

    def ended(self, url: str, code: str, headers: Mapping[str, object] = NO_HEADERS) -> str:
        """Count a call's result, and return its method, or `response_url` in place of such a URL, which is a secret."""
        for name, value in headers.items():
            if name.lower() == "date":
                before = self.clock_ahead
                with suppress(ValueError, TypeError, OverflowError):
                    said = parsedate_to_datetime(str(value[0] if isinstance(value, list) and value else value))
                    self.clock_ahead = self._clock.now() - said.timestamp()
                if abs(before) <= CLOCK_SECONDS < abs(self.clock_ahead):
                    log.warning("this machine's clock is wrong: %s", self.clock_problem)
        method = RESPONSE_URL
        if url.startswith(self._base_url):
            method = url[len(self._base_url) :]
            method = method if method in METHODS else OTHER
        if code == "ok":
            self.heard_at = self._clock.monotonic()
        if method != RESPONSE_URL and not method.startswith(_OTHER_TOKENS):
            if code == "ok":
                self.refusal = None
            elif code in REFUSALS and self._has_one_token:
                self.refusal = code
        self._metrics[SLACK_CALLS].labels(method, code if code in self._codes else OTHER).inc()
        return method

    def waited(self, method: str, seconds: float) -> None:
        """Record the length of a rate-limit wait."""
        self._metrics[RATE_LIMIT_WAITS].labels(method if method in METHODS | {RESPONSE_URL} else OTHER).observe(seconds)


@dataclass(eq=False, repr=False)  # the answer can hold a token
class Attempts(AsyncRetryHandler):
    """A retry handler that gets each response to one call, reports it to `calls`, and keeps the last failure.

    slack_sdk raises various exceptions for an unexpected response, but passes each response to a retry handler first.
    slack_sdk's own handlers wait without a limit, and repeat calls that timed out. This handler waits for the time that
    a 429 gives, at most `budget` seconds in total, and `reconnects` once after a broken connection.
    """

    clock: Clock
    calls: SlackHealth | None
    reconnects: bool = field(kw_only=True)
    budget: float = field(kw_only=True)
    answer: HttpAnswer | None = field(default=None, init=False)
    max_retry_count: int = field(default=MAX_RETRIES, init=False)
    _method: str = field(default="", init=False)

    async def _can_retry_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        code = "not_json"
        if error is not None or response is None:
            if isinstance(error, TimeoutError):
                code = "timeout"
            elif isinstance(error, aiohttp.ClientError | OSError):
                code = "connection_failed"
        elif response.status_code == 429:
            code = "ratelimited"
        elif isinstance(response.body, Mapping):
            said = response.body.get("error")
            code = "ok" if response.body.get("ok") is True else said if isinstance(said, str) else "not_json"
        elif response.status_code != 200:
            code = "http_error"
        if self.calls is not None:
            self._method = self.calls.ended(request.url, code, NO_HEADERS if response is None else response.headers)
        self.answer = None
        if error is None and response is not None:
            if code != "ok" or response.status_code != 200:
                self.answer = HttpAnswer(response.status_code, response.headers, response.body)
            seconds = retry_after(response.headers) if response.status_code == 429 else None
            return seconds is not None and seconds <= self.budget
        raw = error.response if isinstance(error, SlackApiError) else None
        if isinstance(raw, aiohttp.ClientResponse) and raw.status != 200:
            # slack_sdk raises for a body that isn't JSON, but the status still distinguishes a 429 from an outage.
            self.answer = HttpAnswer(raw.status, raw.headers, None)
        is_broken = isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientOSError)
        return is_broken and self.reconnects and state.current_attempt == 0

    async def prepare_for_next_attempt_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> None:
        """Wait for `Retry-After`, or briefly before a reconnect."""
        seconds = retry_after(response.headers) if error is None and response is not None else None
        if seconds is None:
            await asyncio.sleep(RECONNECT_SECONDS)
        else:
            self.budget -= seconds
            await self.clock.sleep(seconds)
            if self.calls is not None:
                self.calls.waited(self._method, seconds)
        state.next_attempt_requested = True
        state.increment_current_attempt()


def release(error: BaseException) -> None:
    """Release the objects that a failed call's error keeps alive.

    slack_sdk's sending function refers to its last error, whose traceback refers back to the function. Without this,
    that cycle keeps an unreadable response, and any token in it, in memory until Python next collects cycles.
    """
    found: BaseException | None = error
    while found is not None:
        traceback.clear_frames(found.__traceback__)
        found = found.__context__
