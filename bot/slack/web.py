"""Makes Slack clients that share one HTTP session, one base address and one proxy, and log no bodies."""

from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp
from pydantic import SecretStr
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.clock import Clock
from bot.logs import sdk_logger
from bot.slack import compat
from bot.slack.retries import RateLimitRetry, broken_connection_retry

_RATE_LIMIT_BUDGET = 10.0


@dataclass(frozen=True, slots=True)
class ClientFactory:
    """Makes Slack clients. They are cheap and made for each use, so a retry handler can belong to one call."""

    session: aiohttp.ClientSession
    base_url: str
    proxy: str | None
    clock: Clock

    def web(self, token: SecretStr | None, retry_handlers: Sequence[AsyncRetryHandler] | None = None) -> AsyncWebClient:
        """Make a Web API client that speaks with `token`. By default it retries a broken connection and a 429."""
        client = AsyncWebClient(
            token=token.get_secret_value() if token else None,
            base_url=self.base_url,
            session=self.session,
            logger=sdk_logger,
            retry_handlers=list(self._retries() if retry_handlers is None else retry_handlers),
        )
        compat.set_proxy(client, self.proxy)
        return client

    def webhook(self, url: str) -> AsyncWebhookClient:
        """Make a client that posts to a `response_url`."""
        webhook = AsyncWebhookClient(url, session=self.session, logger=sdk_logger, retry_handlers=list(self._retries()))
        compat.set_proxy(webhook, self.proxy)
        return webhook

    def _retries(self) -> Sequence[AsyncRetryHandler]:
        return broken_connection_retry(), RateLimitRetry(self.clock, _RATE_LIMIT_BUDGET)
