"""The routes of the sandbox's page, for its files and for a WebSocket to each tab. A tab is one person at a time."""

import asyncio
import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import WSMsgType, web

from bot.sandbox.page.tab import Tab
from bot.sandbox.slack.workspace import SimulatedWorkspace

FILES = Path(__file__).parent / "static"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Page:
    """The page that shows a workspace in browsers on this machine and lets their users act as its people."""

    def __init__(self, workspace: Callable[[], SimulatedWorkspace]) -> None:
        self._workspace = workspace

    def add_to(self, server: web.Application) -> None:
        """Serve the page at `/`."""
        server.router.add_get("/", self._index)
        server.router.add_get("/page/socket", self._socket)
        server.router.add_get("/page/{name:[a-z_]+[.](?:js|css|svg)}", self._file)

    async def _index(self, request: web.Request) -> web.StreamResponse:
        return self._serve(request, "index.html")

    async def _file(self, request: web.Request) -> web.StreamResponse:
        return self._serve(request, request.match_info["name"])

    def _serve(self, request: web.Request, name: str) -> web.StreamResponse:
        _only_from_here(request)
        if not (FILES / name).is_file():
            raise web.HTTPNotFound
        headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        return web.FileResponse(FILES / name, headers=headers)

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        _only_from_here(request)
        socket = web.WebSocketResponse(heartbeat=20)
        await socket.prepare(request)
        tab = Tab(self._workspace(), socket)
        telling = asyncio.ensure_future(tab.tell_changes())
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await tab.act(json.loads(message.data))
        finally:
            telling.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                await telling
        return socket


def _only_from_here(request: web.Request) -> None:
    """Reject requests that another site makes a browser send, with its own origin or its own host name."""
    host = urlsplit(f"//{request.host}").hostname
    origin = request.headers.get("Origin")
    if host not in {"127.0.0.1", "localhost", "::1"} or (origin and urlsplit(origin).netloc != request.host):
        raise web.HTTPForbidden(text="This page is for this machine only.")
