"""Takes Slack's requests in over HTTP: raw bytes, signature, UTF-8, the payload's form, then Bolt.

Until its signature is verified, nothing looks at a request but its size.
"""

import asyncio
import json
import logging
import socket
from urllib.parse import parse_qsl

from aiohttp import StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage
from pydantic import SecretStr
from slack_bolt.async_app import AsyncApp

from bot.listeners.runtime import Shared
from bot.metrics import ACKNOWLEDGED
from bot.server import oauth_pages
from bot.server.connections import ACCEPTED_AT_ONCE, REQUEST_SECONDS, WAITING, Connection, Connections, connection_limit
from bot.server.dispatch import dispatch
from bot.server.listening import listen
from bot.server.oauth import OAuthPages
from bot.server.ops import PATHS, Ops
from bot.server.payloads import MalformedPayload
from bot.server.rejections import ParserLog, Rejections
from bot.server.signature import check_signature

log = logging.getLogger(__name__)

PATH = "/slack/events"
MAX_BODY = 1024 * 1024
"""The largest body taken, in bytes. Slack's are far smaller."""
_ACKNOWLEDGE_SECONDS = 3.0
_KEEP_ALIVE_SECONDS = 75.0
_MAX_FIELDS = 100
_KEEPS_OPEN = {400, 401}
"""After these the body has been read, and the connection, which may be a proxy's, can be used again."""


class HttpReceiver:
    """A web server for Slack's requests, and for the browsers of people who install the app where `oauth` is given."""

    def __init__(
        self,
        app: AsyncApp,
        signing_secret: SecretStr,
        host: str,
        port: int,
        shared: Shared,
        ops: Ops,
        oauth: OAuthPages | None = None,
        listening: socket.socket | None = None,
    ) -> None:
        self._app = app
        self._signing_secret = signing_secret
        self._host = host
        self._port = port
        self._shared = shared
        self._ops = ops
        self._oauth = oauth
        self._given = listening
        self._listening: asyncio.Server | None = None
        self._server: web.Server | None = None
        self.rejections = Rejections(shared.clock, shared.metrics)

    @property
    def problem(self) -> str | None:
        """Why no request can come in; None once it listens, for then it's Slack's turn."""
        return None if self._listening is not None else "not listening"

    @property
    def port(self) -> int:
        """The port it listens on, also when the settings leave the choice to the system."""
        if self._listening is None:
            raise RuntimeError("The receiver isn't listening.")
        return int(self._listening.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Listen. Raises StartError when the port is taken."""
        self._server = web.Server(
            self._answer,
            access_log=None,
            logger=ParserLog(self.rejections),
            keepalive_timeout=_KEEP_ALIVE_SECONDS,
            lingering_time=0,
            auto_decompress=False,
            request_factory=_request,
        )
        self._connections = Connections(self._server, connection_limit(), self.rejections.count)
        loop = asyncio.get_running_loop()
        listening = self._given or listen(self._host, self._port, "PORT")
        self._listening = await loop.create_server(self._connections.new, sock=listening, backlog=ACCEPTED_AT_ONCE)
        # The event loop takes its backlog for both numbers; the kernel's may be changed afterwards.
        listening.listen(WAITING)

    async def stop(self) -> None:
        """Stop listening, and return when every request that was taken has its answer."""
        if self._listening is None or self._server is None:
            return
        self._listening.close()
        self._server.pre_shutdown()
        await self._server.shutdown(_ACKNOWLEDGE_SECONDS)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = self._connections.of(request)
        if connection is not None:
            connection.begin()
        try:
            response = await self._route(request, connection)
            response.headers["Server"] = "Extauth"  # not the versions that aiohttp would tell
            return response
        finally:
            if connection is not None:
                connection.end()

    async def _route(self, request: web.BaseRequest, connection: Connection | None) -> web.StreamResponse:
        if request.path in PATHS:
            return await self._ops.answer(request) if request.method == "GET" else self._reject(405, "wrong method")
        if self._oauth is not None and request.path in oauth_pages.PATHS:
            return await self._oauth.answer(request)
        if request.path != PATH:
            return self._reject(404, "wrong path")
        if request.method != "POST":
            return self._reject(405, "wrong method")
        came_at = self._shared.clock.monotonic()
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return self._reject(413, "body too large")
        except TimeoutError:
            return self._reject(408, "body took too long")
        except (web.RequestPayloadError, ConnectionError):
            return self._reject(400, "body broke off")
        timestamp, signature = (
            request.headers.get(name, "") for name in ("X-Slack-Request-Timestamp", "X-Slack-Signature")
        )
        rejection = check_signature(self._signing_secret, timestamp, signature, body, self._shared.clock.now())
        if rejection is not None:
            return self._reject(401, rejection.value)
        if connection is not None:
            connection.verified()
        self._shared.slack.heard()
        response = await self._verified(body)
        if response.status == 200:
            self._shared.metrics.observe(ACKNOWLEDGED, self._shared.clock.monotonic() - came_at)
        return response

    async def _verified(self, body: bytes) -> web.StreamResponse:
        try:
            answer = await dispatch(self._app, parse_body(body))
        except MalformedPayload as error:
            return self._reject(400, str(error))
        except Exception:
            log.exception("a request couldn't be dispatched")
            return web.Response(status=500)
        content_type = next(iter(answer.headers.get("content-type", [])), "text/plain").split(";")[0]
        return web.Response(status=answer.status, text=answer.body or "", content_type=content_type)

    def _reject(self, status: int, reason: str) -> web.Response:
        self.rejections.count(reason)
        response = web.Response(status=status)
        if status not in _KEEPS_OPEN:
            response.force_close()
        return response


def parse_body(body: bytes) -> object:
    """Return the payload in a body: JSON, a form, or JSON in a form's `payload`. Raises MalformedPayload.

    The text is UTF-8 whatever charset its sender names.
    """
    try:
        text = body.decode("utf-8")
        if text.startswith("{"):
            return json.loads(text)
        fields = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_MAX_FIELDS))
        return json.loads(fields["payload"]) if "payload" in fields else fields
    except (ValueError, RecursionError) as error:
        raise MalformedPayload(f"the body can't be read: {type(error).__name__}") from None


def _request(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: web.RequestHandler,
    writer: AbstractStreamWriter,
    task: "asyncio.Task[None]",
) -> web.BaseRequest:
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=MAX_BODY)
