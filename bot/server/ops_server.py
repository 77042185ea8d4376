"""A port of its own for what operators ask.

Over Socket Mode there is no other one; over HTTP it can be kept from the proxy.
"""

import asyncio
import socket

from aiohttp import web

from bot.clock import Clock
from bot.server.connections import Connections
from bot.server.listening import listen
from bot.server.ops import PATHS, Ops
from bot.server.rejections import ParserLog, Rejections

_MAX_CONNECTIONS = 100


class OpsServer:
    """A web server for `Ops`. `variable` is the setting that its port is from."""

    def __init__(
        self,
        ops: Ops,
        host: str,
        port: int,
        variable: str,
        clock: Clock,
        listening: socket.socket | None = None,
    ) -> None:
        self._ops = ops
        self._host = host
        self._port = port
        self._variable = variable
        self._given = listening
        self._rejections = Rejections(clock, ops.metrics)
        self._listening: asyncio.Server | None = None
        self._server = web.Server(self._answer, access_log=None, logger=ParserLog(self._rejections), lingering_time=0)
        self._connections = Connections(self._server, _MAX_CONNECTIONS, self._rejections.count)

    async def start(self) -> None:
        """Listen. Raises StartError when the port is taken."""
        listening = self._given or listen(self._host, self._port, self._variable)
        self._listening = await asyncio.get_running_loop().create_server(self._connections.new, sock=listening)

    async def stop(self) -> None:
        """Stop listening."""
        if self._listening is not None:
            self._listening.close()
            await self._server.shutdown(0)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = self._connections.of(request)
        if connection is not None:
            connection.begin()
        try:
            response = await self._ops.answer(request) if request.path in PATHS else self._not_found()
            response.headers["Server"] = "Extauth"  # not the versions that aiohttp would tell
            return response
        finally:
            if connection is not None:
                connection.end()

    def _not_found(self) -> web.Response:
        self._rejections.count("wrong path")
        return web.Response(status=404)
