"""Makes Slack clients that share one HTTP session, one base address and one proxy, and log no bodies."""

from collections.abc import Sequence
from copy import copy
from urllib.parse import urlsplit

import aiohttp
from pydantic import SecretStr
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import Clock
from bot.logs import sdk_logger
from bot.slack import compat
from bot.slack.calls import Calls
from bot.slack.response_url import Poster
from bot.slack.retries import RATE_LIMIT_BUDGET, RateLimitRetry, broken_connection_retry, ignore_wait

_WEBHOOKS = "https://hooks.slack.com/"
_SLACK_HOSTS = ("slack.com", "slack-gov.com")


class UntrustedAddress(ValueError):
    """An address to post to that isn't Slack's. The message doesn't quote it."""


def is_slack_address(url: str, base_url: str) -> bool:
    """Return whether an address is on Slack's own hosts, or on that of the Web API in use."""
    # Nearly all are one of these, and taking an address apart takes much longer.
    if url.startswith((_WEBHOOKS, f"{'/'.join(base_url.split('/', 3)[:3])}/")):
        return True
    try:
        found, api = urlsplit(url), urlsplit(base_url)
        if (found.scheme, found.hostname, found.port) == (api.scheme, api.hostname, api.port):
            return found.username is None
        is_slack = any(found.hostname == host or str(found.hostname).endswith(f".{host}") for host in _SLACK_HOSTS)
        return found.scheme == "https" and found.port in (None, 443) and found.username is None and is_slack
    except ValueError:
        return False


class ClientFactory:
    """Makes Slack clients. They are made for each use, so a retry handler can belong to one call.

    Each is a copy of the first one: the constructors read the environment and build headers, which takes ten times as
    long. `calls` is shown every answer; without one, nobody counts them.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        proxy: str | None,
        clock: Clock,
        calls: Calls | None = None,
    ) -> None:
        self.session = session
        self.base_url = base_url
        self.proxy = proxy
        self.clock = clock
        self._shown: Sequence[AsyncRetryHandler] = () if calls is None else (calls,)
        self._waited = ignore_wait if calls is None else calls.waited_for
        self._web = AsyncWebClient(base_url=base_url, session=session, logger=sdk_logger)
        compat.set_proxy(self._web, proxy)
        headers = {**self._web.headers, "Content-Type": "application/json;charset=utf-8"}
        self.poster = Poster(session, proxy, headers, clock, calls)
        """Posts to response URLs that `check_address` lets through."""

    def web(self, token: SecretStr | None, retry_handlers: Sequence[AsyncRetryHandler] | None = None) -> AsyncWebClient:
        """Make a Web API client that speaks with `token`. By default it retries a broken connection and a 429."""
        client = copy(self._web)
        client.token = token.get_secret_value() if token else None
        client.retry_handlers = [*self._shown, *(self._retries() if retry_handlers is None else retry_handlers)]
        return client

    def check_address(self, url: str) -> None:
        """Raise UntrustedAddress for a `response_url` that isn't an address of Slack's."""
        if not is_slack_address(url, self.base_url):
            raise UntrustedAddress("A response_url isn't an address of Slack's.")

    def _retries(self) -> Sequence[AsyncRetryHandler]:
        return broken_connection_retry(), RateLimitRetry(self.clock, RATE_LIMIT_BUDGET, self._waited)
