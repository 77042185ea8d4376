"""The simulated Slack as a server on loopback, with its workspace."""

from types import TracebackType

from aiohttp import web

from bot.clock import Clock, SystemClock
from bot.sandbox.slack.delivery import SocketMode
from bot.sandbox.slack.state import State
from bot.sandbox.slack.web_api import WebApi
from bot.sandbox.slack.workspace import Workspace


class SimulatedSlack:
    """Start it with `async with`; bots reach it at `api_url`, people act through `workspace`.

    A page can add its routes to `server` before the start. Entering raises OSError when the port is taken.
    """

    def __init__(self, clock: Clock | None = None, port: int = 0) -> None:
        self.state = State(clock or SystemClock())
        self.socket_mode = SocketMode(self.state)
        self.web_api = WebApi(self.state, self._socket_url)
        self._port = port
        self.server = web.Application()
        self.web_api.add_to(self.server)
        self.socket_mode.add_to(self.server)
        self._runner = web.AppRunner(self.server, access_log=None, shutdown_timeout=1.0)
        self._site: web.TCPSite | None = None
        self.base_url = ""
        self.workspace = Workspace(self.state, "")

    @property
    def api_url(self) -> str:
        """What SLACK_API_URL has to be."""
        return f"{self.base_url}/api/"

    async def __aenter__(self) -> "SimulatedSlack":
        await self._runner.setup()
        try:
            await self.listen()
        except OSError:
            await self._runner.cleanup()
            raise
        self._port = self._runner.addresses[0][1]
        self.base_url = f"http://127.0.0.1:{self._port}"
        self.web_api.files.base_url = self.base_url
        self.workspace = Workspace(self.state, self.base_url)
        self.workspace.delivery = self.socket_mode
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.state.over.set()
        await self.socket_mode.drop()
        await self._runner.cleanup()

    async def listen(self) -> None:
        """Accept connections, also again after `stop_listening`. Raises OSError when the port is taken."""
        self._site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await self._site.start()

    async def stop_listening(self) -> None:
        """Refuse connections, and close those that are open."""
        if self._site is not None:
            await self._site.stop()
        server = self._runner.server
        for connection in server.connections if server is not None else []:
            connection.force_close()
            if connection.transport is not None:
                connection.transport.close()

    def _socket_url(self) -> str:
        return f"{self.base_url.replace('http', 'ws')}/link/?ticket={self.socket_mode.new_ticket()}&app_id=A0SANDBOX"
