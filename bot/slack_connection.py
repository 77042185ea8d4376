"""How the bot reaches Slack: one HTTP session, one base address, one proxy, and no body in any log."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import aiohttp
from pydantic import SecretStr
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
)
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.clock import Clock

ATTEMPT_SECONDS = 10.0
"""How long one HTTP attempt may take, from connecting to the last byte of the answer."""

REQUESTS_AT_A_TIME = 100

quiet_logger = logging.getLogger("bot.slack_sdk")
"""For slack_sdk and Bolt: they print whole bodies, and so tokens, when their logger's level is DEBUG."""
quiet_logger.setLevel(logging.INFO)


def retry_after_seconds(headers: object) -> int | None:
    """Read `Retry-After`, whole seconds, out of a response's headers; None when it is missing or odd.

    https://docs.slack.dev/apis/web-api/rate-limits/
    """
    if not hasattr(headers, "items"):
        return None
    for name, value in headers.items():
        if str(name).lower() == "retry-after":
            first = value[0] if isinstance(value, list) and value else value
            text = str(first).strip()
            return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else None
    return None


class RateLimitRetry(AsyncRateLimitErrorRetryHandler):
    """Wait as long as Slack's 429 says, while the waits of one call stay within a budget.

    slack_sdk's own handler waits however long it is told and tells nobody; one object serves one call.
    """

    def __init__(self, clock: Clock, budget: float, on_wait: Callable[[int], None] | None = None) -> None:
        super().__init__(max_retry_count=60)
        self._clock = clock
        self._left = budget
        self._on_wait = on_wait

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
        seconds = retry_after_seconds(response.headers)
        return seconds is not None and max(seconds, 1) <= self._left

    async def prepare_for_next_attempt_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> None:
        """Tell who wants to know, and wait."""
        assert response is not None
        seconds = max(retry_after_seconds(response.headers) or 1, 1)
        self._left -= seconds
        if self._on_wait is not None:
            self._on_wait(seconds)
        await self._clock.sleep(seconds)
        state.next_attempt_requested = True
        state.increment_current_attempt()


class PacedSession:
    """What slack_sdk uses as its session: so many requests at a time, and the others wait their turn.

    aiohttp's own limit would do the same, but it counts the wait for a connection against the request's deadline: in
    a burst, requests would time out that were never sent. A turn ends with the last byte of the answer, so that
    slack_sdk does not hold it while it sleeps over a 429.
    """

    def __init__(self, session: aiohttp.ClientSession, at_a_time: int = REQUESTS_AT_A_TIME) -> None:
        self._session = session
        self._turns = asyncio.Semaphore(at_a_time)

    @property
    def closed(self) -> bool:
        """Whether the session is closed; slack_sdk would then open one of its own."""
        return self._session.closed

    @asynccontextmanager
    async def request(self, method: str, url: str, **arguments: Any) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a request when it is its turn, and read the whole answer."""
        async with self._turns:
            response = await self._session.request(method, url, **arguments)
            try:
                await response.read()
            finally:
                response.release()
        yield response


@dataclass(frozen=True)
class SlackConnection:
    """Makes Slack clients that share one HTTP session.

    Clients are cheap and made for each use, so a retry handler can belong to one call.
    """

    session: aiohttp.ClientSession
    base_url: str
    proxy: str | None
    clock: Clock
    _paced: PacedSession = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_paced", PacedSession(self.session))

    def client(
        self, token: SecretStr | None, retry_handlers: Sequence[AsyncRetryHandler] | None = None
    ) -> AsyncWebClient:
        """A Web API client that speaks with `token`. By default it repeats on a broken connection and a 429."""
        client = AsyncWebClient(
            token=token.get_secret_value() if token else None,
            base_url=self.base_url,
            session=cast(aiohttp.ClientSession, self._paced),
            logger=quiet_logger,
            retry_handlers=list(self._retries() if retry_handlers is None else retry_handlers),
        )
        # The constructor takes a proxy from the environment when it is given none; settings.py has decided.
        client.proxy = self.proxy
        return client

    def webhook(self, url: str) -> AsyncWebhookClient:
        """A client that posts to a `response_url`."""
        webhook = AsyncWebhookClient(
            url,
            session=cast(aiohttp.ClientSession, self._paced),
            logger=quiet_logger,
            retry_handlers=list(self._retries()),
        )
        webhook.proxy = self.proxy
        return webhook

    def _retries(self) -> tuple[AsyncRetryHandler, ...]:
        return AsyncConnectionErrorRetryHandler(), RateLimitRetry(self.clock, budget=10)


def open_session(attempt_seconds: float = ATTEMPT_SECONDS) -> aiohttp.ClientSession:
    """The process's one HTTP session for Slack. Close it at shutdown.

    It keeps no cookies, does not read the environment, and gives each attempt so many seconds.
    """
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=attempt_seconds),
        connector=aiohttp.TCPConnector(limit=0),  # PacedSession limits
        cookie_jar=aiohttp.DummyCookieJar(loop=asyncio.get_running_loop()),
        trust_env=False,
    )
