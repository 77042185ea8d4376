"""Takes Slack's requests in over HTTP, by Bolt's aiohttp adapter."""

import os

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp

from bot.server.errors import StartError

PATH = "/slack/events"
HEALTH = "/health"
_ACKNOWLEDGE_SECONDS = 3.0


class HttpReceiver:
    """A web server for Slack's requests; Bolt checks their signatures."""

    def __init__(self, app: AsyncApp, host: str, port: int) -> None:
        self._app = app
        self._host = host
        self._port = port
        server = web.Application()
        server.router.add_post(PATH, self._request)
        server.router.add_get(HEALTH, self._health)
        self._runner = web.AppRunner(server, access_log=None, shutdown_timeout=_ACKNOWLEDGE_SECONDS)

    @property
    def port(self) -> int:
        """The port it listens on, also when the settings leave the choice to the system."""
        return int(self._runner.addresses[0][1])

    async def start(self) -> None:
        """Listen. Raises StartError when the port is taken."""
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            await self._runner.cleanup()
            why = os.strerror(error.errno or 0)
            raise StartError(f"Cannot listen on {self._host}:{self._port} ({why}). Set PORT to another one.") from None

    async def stop(self) -> None:
        """Stop listening, and return when every request that was taken has its answer."""
        await self._runner.cleanup()

    async def _request(self, request: web.Request) -> web.Response:
        try:
            bolt_request = await to_bolt_request(request)
        except (UnicodeDecodeError, LookupError):
            raise web.HTTPBadRequest(text="The body is not text in UTF-8.") from None
        return await to_aiohttp_response(await self._app.async_dispatch(bolt_request))

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"ok": True})
