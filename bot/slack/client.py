"""The HTTP session, and Slack clients that share it: one base address, one proxy, and no bodies in logs."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from pydantic import SecretStr
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook import WebhookResponse
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.clock import Clock
from bot.logs import sdk_logger
from bot.slack.calls import RATE_LIMIT_BUDGET, Attempts, SlackHealth

READ_SECONDS = 10.0
"""Seconds Slack may take to accept a connection, and then to send the next byte of its answer."""
MAX_CONNECTIONS = 200
"""Maximum number of requests to Slack at once. With half as many, a burst waits for Slack while the CPU is idle."""
MAX_ANSWER = 2 * 1024 * 1024
"""The largest answer to read, in bytes: several times the size of a list of 2,500 accounts."""
_WEBHOOKS = "https://hooks.slack.com/"
_SLACK_HOSTS = ("slack.com", "slack-gov.com")


class UntrustedAddress(ValueError):
    """An address to post to that isn't Slack's. The message doesn't quote it."""


def is_slack_address(url: str, base_url: str) -> bool:
    """Return whether an address is on Slack's own hosts, or on the host of the Web API in use."""
    # Nearly all addresses match here, and parsing one takes much longer.
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


def open_session(read_seconds: float = READ_SECONDS) -> aiohttp.ClientSession:
    """Open the HTTP session that every Slack client shares. Close it at shutdown.

    It keeps no cookies, follows no redirects, decompresses nothing, and ignores the environment. In a burst, a wait for
    a free connection doesn't count against `read_seconds`; an answer that trickles in is cut off after three times as
    long.
    """
    tracing = aiohttp.TraceConfig()
    tracing.on_request_redirect.append(_refuse_redirect)
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=3 * read_seconds, sock_connect=read_seconds, sock_read=read_seconds),
        connector=aiohttp.TCPConnector(limit=MAX_CONNECTIONS),
        cookie_jar=aiohttp.DummyCookieJar(loop=asyncio.get_running_loop()),
        headers={"Accept-Encoding": "identity"},
        auto_decompress=False,
        response_class=_LimitedResponse,
        trust_env=False,
        trace_configs=[tracing],
    )


class _LimitedResponse(aiohttp.ClientResponse):
    """An HTTP response that reads at most `MAX_ANSWER` bytes of its body."""

    async def read(self) -> bytes:
        """Return the body. Raises ClientPayloadError if it is too large."""
        if self._body is None:
            body = bytearray()
            try:
                while chunk := await self.content.readany():
                    body += chunk
                    if len(body) > MAX_ANSWER:
                        raise aiohttp.ClientPayloadError(f"An answer had more than {MAX_ANSWER:,} bytes.")
            except BaseException:
                self.close()
                raise
            self._body = bytes(body)
        return await super().read()


async def _refuse_redirect(
    session: aiohttp.ClientSession, context: SimpleNamespace, redirect: aiohttp.TraceRequestRedirectParams
) -> None:
    """Refuse to follow a redirect. slack_sdk has no setting for this, so the session has it."""
    redirect.response.close()
    raise aiohttp.ClientError("Slack's address leads to another one.")


@dataclass(frozen=True, slots=True)
class ClientFactory:
    """A factory for Slack clients. Each use gets a new one, since its retry handler belongs to one call.

    `calls` counts call results; without it, they aren't counted.
    """

    session: aiohttp.ClientSession
    base_url: str
    proxy: str | None = field(repr=False)  # It can hold a password.
    clock: Clock
    calls: SlackHealth | None = None

    def web(self, token: SecretStr | None, attempts: Attempts | None = None, *, once: bool = False) -> AsyncWebClient:
        """Return a Web API client that uses `token`.

        Without `attempts`, it retries a broken connection and a 429, unless each request is to be sent `once`.
        """
        budget = 0.0 if once else RATE_LIMIT_BUDGET
        attempts = attempts or Attempts(self.clock, self.calls, reconnects=not once, budget=budget)
        client = AsyncWebClient(
            token.get_secret_value() if token else None,
            self.base_url,
            session=self.session,
            logger=sdk_logger,
            retry_handlers=[attempts],
        )
        client.proxy = self.proxy  # Given None, the constructor reads one from the environment.
        return client

    async def post(self, response_url: str, message: Mapping[str, Any]) -> WebhookResponse:
        """Post a message to a Slack `response_url`, with the same retries as `web`.

        Raises aiohttp.ClientError, OSError, and UnicodeError for an answer that isn't text.
        """
        attempts = Attempts(self.clock, self.calls, reconnects=True, budget=RATE_LIMIT_BUDGET)
        client = AsyncWebhookClient(response_url, session=self.session, logger=sdk_logger, retry_handlers=[attempts])
        client.proxy = self.proxy
        answer = await client.send_dict(dict(message))
        if self.calls is not None and answer.status_code != 429:  # the retry handler sees those
            self.calls.ended(response_url, "ok" if answer.status_code == 200 else "http_error")
        return answer


async def send_file(clients: ClientFactory, bot_token: SecretStr, user_id: str, name: str, text: str) -> None:
    """Send a person a text file as a direct message. Needs the scopes `im:write` and `files:write`.

    Makes the calls of slack_sdk's `files_upload_v2`, which would send the file to any address it is given. Raises
    SlackApiError, aiohttp.ClientError, UntrustedAddress, and the errors that a malformed answer causes.
    https://docs.slack.dev/messaging/working-with-files#uploading_files
    """
    client, content = clients.web(bot_token), text.encode()
    opened = await client.conversations_open(users=user_id)
    begun = await client.files_getUploadURLExternal(filename=name, length=len(content))
    address = str(begun["upload_url"])
    if not is_slack_address(address, clients.base_url):
        raise UntrustedAddress("An upload's address isn't Slack's.")
    async with clients.session.post(address, data=content, proxy=clients.proxy, allow_redirects=False) as answer:
        answer.raise_for_status()
        if answer.status != HTTPStatus.OK:
            raise UntrustedAddress("An upload was sent on to another address.")
    files: list[dict[str, str | None]] = [{"id": str(begun["file_id"]), "title": name}]
    await client.files_completeUploadExternal(files=files, channel_id=str(opened["channel"]["id"]))
