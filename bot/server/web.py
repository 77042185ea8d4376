"""The web server, built on aiohttp, with limits on connections, sizes, and times. See also docs/operating/proxy.md."""

import asyncio
import logging
import os
from collections.abc import Iterable
from typing import cast

from aiohttp import web, web_response
from aiohttp.typedefs import Handler

from bot.server import StartError
from bot.server.rejections import Rejections

log = logging.getLogger(__name__)

# aiohttp's default `Server` header reveals its version and Python's, even in responses to requests that aren't HTTP.
web_response.SERVER_SOFTWARE = "Extauth"  # type: ignore[attr-defined]

MAX_BODY = 256 * 1024
"""The largest body to accept, in bytes: ten times the largest that Extauth's own screens cause."""
MOST_CONNECTIONS = 1000
"""The maximum number of open connections. A proxy opens at most one for each of Slack's concurrent requests."""
_BUFFER = 8 * 1024
"""The maximum number of bytes of a body taken in before a handler reads it."""
_MAX_HEAD = 32 * 1024
"""The maximum size of a request's headers, in bytes."""
_HEAD_SECONDS = 10.0
"""Seconds that a request's headers may take to arrive."""
_MOST_AHEAD = 8
"""The maximum number of requests that may wait on a connection while another is being handled."""
_STOP_SECONDS = 3.0
"""Seconds a request may continue once the server stops. Slack waits no longer than that for a response."""
_KEEP_ALIVE_SECONDS = 75.0
"""Seconds to keep an idle connection: longer than proxies do, so that none sends over a connection being closed."""
_REASONS = {404: "wrong path", 405: "wrong method", 413: "body too large"}


class WebServer:
    """A server of routes on a port. `variable` is the name of the environment variable that sets the port."""

    def __init__(
        self, routes: Iterable[web.RouteDef], host: str, port: int, variable: str, rejections: Rejections
    ) -> None:
        app = web.Application(middlewares=[self._guard], client_max_size=MAX_BODY)
        app.add_routes(routes)
        app.on_response_prepare.append(_prepare)
        parser_log = logging.Logger("bot.server.parser")
        parser_log.addFilter(self._count_unparsed)
        self._runner = web.AppRunner(
            app,
            access_log=None,
            logger=parser_log,
            keepalive_timeout=_KEEP_ALIVE_SECONDS,
            shutdown_timeout=_STOP_SECONDS,
            lingering_time=0,
            read_bufsize=_BUFFER,
            auto_decompress=False,
        )
        self._listening: asyncio.Server | None = None
        self._host = host
        self._port = port
        self._variable = variable
        self._rejections = rejections

    @property
    def port(self) -> int | None:
        """The port that the server listens on, even if the system chose it; None while it isn't listening."""
        return next((one.getsockname()[1] for one in (self._listening.sockets if self._listening else ())), None)

    async def start(self) -> None:
        """Start listening. Raises StartError when the port is taken."""
        await self._runner.setup()
        try:
            self._listening = await asyncio.get_running_loop().create_server(self._connected, self._host, self._port)
        except OSError as error:
            why = os.strerror(error.errno or 0)
            raise StartError(
                f"Can't listen on {self._host}:{self._port} ({why}). Set {self._variable} to another one."
            ) from None

    async def stop(self) -> None:
        """Stop listening, and return once requests in progress are answered or `_STOP_SECONDS` have passed."""
        if self._listening is not None:
            self._listening.close()
        await self._runner.cleanup()

    def _count_unparsed(self, record: logging.LogRecord) -> bool:
        """Count a request that isn't HTTP, and keep aiohttp's traceback for it out of the log."""
        self._rejections.count("not HTTP")
        return False

    def _connected(self) -> asyncio.BaseProtocol:
        server = self._runner.server
        if server is None or len(server.connections) >= MOST_CONNECTIONS:
            self._rejections.count("too many connections")
            return _Refused()
        return _BoundedRequest(server(), self._rejections)

    def reject(self, status: int, reason: str) -> web.Response:
        """Count a rejected request, and return the response to it."""
        self._rejections.count(reason)
        return web.Response(status=status)

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException as error:
            self._rejections.count(_REASONS[error.status])
            raise
        except Exception:
            log.exception("a request couldn't be answered")
            return web.Response(status=500)


class _BoundedRequest(asyncio.BufferedProtocol):
    """A connection that is closed if a request's headers are too large or too slow, or too many requests are waiting.

    aiohttp itself would let each connection hold a megabyte of headers and any number of requests in memory.
    All connections receive into one shared buffer, because its content is passed on at once.
    """

    _received = memoryview(bytearray(_BUFFER * 2))

    def __init__(self, inner: web.RequestHandler, rejections: Rejections) -> None:
        self._inner = inner
        self._rejections = rejections
        self._transport: asyncio.Transport | None = None
        self._head = 0
        self._has_come = False
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's class isn't a subclass
        self._inner.connection_made(transport)
        self._deadline = asyncio.get_running_loop().call_later(_HEAD_SECONDS, self._end_unless_complete)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._received

    def buffer_updated(self, nbytes: int) -> None:
        """Pass on the received bytes, and count those that don't form a complete request head yet."""
        self._head += nbytes
        self._inner.data_received(bytes(self._received[:nbytes]))
        if self._has_request():
            self._head, self._has_come = 0, True
        elif self._deadline is None:
            self._deadline = asyncio.get_running_loop().call_later(_HEAD_SECONDS, self._end_unless_complete)
        if self._head > _MAX_HEAD or len(self._inner._messages) > _MOST_AHEAD:
            self._end()

    def eof_received(self) -> None:
        self._inner.eof_received()

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._inner.connection_lost(exc)

    def _has_request(self) -> bool:
        # aiohttp has no public API for this. tests/server/test_ops.py fails if these attributes are renamed.
        return self._inner._current_request is not None or bool(self._inner._messages)

    def _end_unless_complete(self) -> None:
        self._deadline = None
        if (self._head or not self._has_come) and not self._has_request():
            self._end()

    def _end(self) -> None:
        self._rejections.count("head too large or too slow")
        if self._transport is not None:
            self._transport.abort()


class _Refused(asyncio.Protocol):
    """A connection that is closed as soon as it opens."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).abort()


async def _prepare(request: web.Request, response: web.StreamResponse) -> None:
    if request.can_read_body:
        # The rest of the body stays unread, so the proxy must not send another request over this connection.
        response.force_close()
        response.headers["Connection"] = "close"
