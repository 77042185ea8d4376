"""A receiver of Slack's requests over HTTP, which checks the signature, then the encoding, then the payload's form.

Until the signature is verified, nothing else in a request but its size is examined.
https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

import asyncio
import hashlib
import hmac
import json
import re
from contextlib import nullcontext
from urllib.parse import parse_qsl

from aiohttp import web
from pydantic import SecretStr
from slack_bolt.async_app import AsyncApp

from bot.metrics import ACKNOWLEDGED
from bot.server.dispatch import Dispatcher
from bot.server.oauth import OAuthPages
from bot.server.ops import Ops
from bot.server.payloads import SURROGATE, MalformedPayload, without_surrogates
from bot.server.rejections import BAD_SIGNATURE, NOT_SIGNED, TOO_OLD, Rejections
from bot.server.web import WebServer
from bot.workspaces.runtime import Shared

PATH = "/slack/events"
BODY_SECONDS = 5.0
"""Seconds a body may take to arrive."""
SMALL_BODY = 64 * 1024
"""The largest body, in bytes, that is read without waiting. Commands and clicks in messages are smaller."""
MOST_LARGE_BODIES = 16
"""The maximum number of larger bodies read at a time, which limits the memory that strangers can fill."""
MAX_AGE_SECONDS = 300
"""The maximum age of a request, in seconds, as Slack recommends, because an older request may be a replay."""
_MAX_FIELDS = 100
_TIMESTAMP = re.compile(r"\d{1,12}", re.ASCII)
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}", re.ASCII)
_SSL_CHECK = re.compile(rb"(?:^|&)ssl_check=1(?:&|$)")
"""The form that Slack sends, unsigned, to see whether the address has a valid certificate.

https://docs.slack.dev/interactivity/implementing-slash-commands
"""


class HttpReceiver(WebServer):
    """A web server for Slack's requests and, if `oauth` is given, for the browsers of people who install the app."""

    def __init__(
        self,
        app: AsyncApp,
        signing_secret: SecretStr,
        host: str,
        port: int,
        shared: Shared,
        ops: Ops,
        oauth: OAuthPages | None = None,
    ) -> None:
        routes = [web.post(PATH, self._take), *ops.routes, *(oauth.routes if oauth is not None else ())]
        super().__init__(routes, host, port, "PORT", Rejections(shared.clock, shared.metrics))
        self._dispatcher = Dispatcher(app, shared)
        self._signing_secret = signing_secret
        self._large_bodies = asyncio.Semaphore(MOST_LARGE_BODIES)
        self._shared = shared

    @property
    def problem(self) -> str | None:
        """The reason no request can come in; None while the server is listening."""
        return None if self.port is not None else "not listening"

    async def _take(self, request: web.Request) -> web.Response:
        came_at = self._shared.clock.monotonic()
        is_small = request.content_length is not None and request.content_length <= SMALL_BODY
        try:
            async with asyncio.timeout(BODY_SECONDS), nullcontext() if is_small else self._large_bodies:
                body = await request.read()
        except TimeoutError:
            return self.reject(408, "body took too long")
        except (web.RequestPayloadError, ConnectionError):
            return self.reject(400, "body broke off")
        timestamp, signature = (
            request.headers.get(name, "") for name in ("X-Slack-Request-Timestamp", "X-Slack-Signature")
        )
        rejection = check_signature(self._signing_secret, timestamp, signature, body, self._shared.clock.now())
        if rejection in (NOT_SIGNED, None) and _SSL_CHECK.search(body):
            self.reject(200, "check of the certificate")
            return web.Response()
        if rejection is not None:
            return self.reject(401, rejection)
        self._shared.slack.heard_at = self._shared.clock.monotonic()
        try:
            answer = await self._dispatcher.dispatch(parse_body(body))
        except MalformedPayload as error:
            return self.reject(400, str(error))
        if answer.status == 200:
            self._shared.metrics[ACKNOWLEDGED].observe(self._shared.clock.monotonic() - came_at)
        content_type = next(iter(answer.headers.get("content-type", [])), "text/plain").split(";")[0]
        return web.Response(status=answer.status, text=answer.body or "", content_type=content_type)


def check_signature(secret: SecretStr, timestamp: str, signature: str, body: bytes, now: float) -> str | None:
    """Return the reason to reject a request, or None. `now` is in seconds since the epoch (UTC)."""
    if not _TIMESTAMP.fullmatch(timestamp) or not _SIGNATURE.fullmatch(signature):
        return NOT_SIGNED
    signed = b"v0:" + timestamp.encode() + b":" + body
    expected = hmac.new(secret.get_secret_value().encode(), signed, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(f"v0={expected}", signature):
        return BAD_SIGNATURE
    return TOO_OLD if abs(now - int(timestamp)) > MAX_AGE_SECONDS else None


def parse_body(body: bytes) -> object:
    """Return the payload in a body, which is JSON, a form, or JSON in a form's `payload`. Raises MalformedPayload.

    The body is decoded as UTF-8, regardless of the charset in its headers.
    """
    try:
        text = body.decode("utf-8")
        if not text.startswith("{"):
            fields = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_MAX_FIELDS))
            if "payload" not in fields:
                return fields
            text = fields["payload"]
        parsed: object = json.loads(text)
        return without_surrogates(parsed) if SURROGATE.search(text) else parsed
    except (ValueError, RecursionError) as error:
        raise MalformedPayload(f"the body can't be read: {type(error).__name__}") from None
