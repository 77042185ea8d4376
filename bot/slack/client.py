"""The HTTP session, and the Slack clients that share it, with one base URL, one proxy, and no bodies in logs."""

import asyncio
import ssl
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
"""Seconds Slack may take to accept a connection, and to send each next byte of a response."""
MAX_CONNECTIONS = 200
"""Maximum number of requests to Slack at a time. With half as many, a burst would wait while the CPU is idle."""
MAX_ANSWER = 2 * 1024 * 1024
"""The largest response to read, in bytes, which is several times the size of a list of 2,500 accounts."""
_WEBHOOKS = "https://hooks.slack.com/"
_SLACK_HOSTS = ("slack.com", "slack-gov.com")


class UntrustedAddress(ValueError):
    """An address that isn't Slack's, or that redirects. The message quotes at most its host."""


def is_slack_address(url: str, base_url: str) -> bool:
    """Return whether an address is on Slack's own hosts, or on the host of the Web API in use."""
    # This check accepts nearly all addresses, and is much faster than parsing.
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


def host_of(url: str) -> str:
    """Return an address's host and port, without the rest, which may be a secret."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2][:100]
    except ValueError:
        return "an address that can't be read"


def open_session(read_seconds: float = READ_SECONDS, ca_file: str | None = None) -> aiohttp.ClientSession:
    """Open the HTTP session that every Slack client shares. The caller must close it.

    `ca_file` has the certificate authorities to trust, in place of the system's.

    The session keeps no cookies, follows no redirects, decompresses nothing, and ignores the environment's proxies. In
    a burst, a wait for a free connection doesn't count against `read_seconds`, but the whole request may take only
    three times that long.
    """
    tracing = aiohttp.TraceConfig()
    tracing.on_request_redirect.append(_refuse_redirect)
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=3 * read_seconds, sock_connect=read_seconds, sock_read=read_seconds),
        connector=aiohttp.TCPConnector(
            limit=MAX_CONNECTIONS, ssl=ssl.create_default_context(cafile=ca_file) if ca_file is not None else True
        ),
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
    """Refuse to follow a redirect. The session does this because slack_sdk has no setting for redirects."""
    redirect.response.close()
    raise aiohttp.ClientError("Slack's address leads to another one.")


@dataclass(frozen=True, slots=True)
class ClientFactory:
    """A factory for Slack clients. Each call gets a new client, because a retry handler belongs to one call.

    `calls` counts the results of calls. If it's None, they aren't counted.
    """

    session: aiohttp.ClientSession
    base_url: str
    proxy: str | None = field(repr=False)  # may contain a password
    clock: Clock
    calls: SlackHealth | None = None

    def web(self, token: SecretStr | None, attempts: Attempts | None = None, *, once: bool = False) -> AsyncWebClient:
        """Return a Web API client that uses `token`.

        Without `attempts`, the client retries after a broken connection or a 429, unless it must send `once`.
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
        client.proxy = self.proxy  # the constructor would read the environment in place of None
        return client

    async def post(self, response_url: str, message: Mapping[str, Any]) -> WebhookResponse:
        """Post a message to a Slack `response_url`, with the same retries as `web`.

        Raises aiohttp.ClientError, OSError, and for a response that isn't text UnicodeError.
        """
        attempts = Attempts(self.clock, self.calls, reconnects=True, budget=RATE_LIMIT_BUDGET)
        client = AsyncWebhookClient(response_url, session=self.session, logger=sdk_logger, retry_handlers=[attempts])
        client.proxy = self.proxy
        answer = await client.send_dict(dict(message))
        if self.calls is not None and answer.status_code != 429:  # the retry handler has counted each 429
            self.calls.ended(response_url, "ok" if answer.status_code == 200 else "http_error")
        return answer


async def send_file(clients: ClientFactory, bot_token: SecretStr, user_id: str, name: str, text: str) -> None:
    """Send a person a text file as a direct message. Needs the scopes `im:write` and `files:write`.

    slack_sdk's `files_upload_v2` makes the same calls, but would send the file to any address in the response. Raises
    SlackApiError, aiohttp.ClientError, UntrustedAddress, and the errors that a malformed response causes.
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
