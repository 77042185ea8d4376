"""The simulated Slack as a server on loopback, with its workspace."""

from collections.abc import Mapping
from email.utils import formatdate
from types import TracebackType

from aiohttp import web

from bot.clock import Clock, SystemClock
from bot.sandbox.slack import seed
from bot.sandbox.slack.delivery import SocketMode
from bot.sandbox.slack.oauth import OAuth
from bot.sandbox.slack.state import State
from bot.sandbox.slack.web_api import WebApi
from bot.sandbox.slack.workspace import SimulatedWorkspace


class SimulatedSlack:
    """A Slack that `async with` starts. Processes reach it at `api_url`, and people act through `workspace`.

    A page can add its routes to `server` before the start. The start raises OSError if the port is in use.
    """

    def __init__(self, clock: Clock | None = None, port: int = 0) -> None:
        self.state = State(clock or SystemClock())
        self.socket_mode = SocketMode(self.state)
        self.oauth = OAuth(self.state.clock)
        self.web_api = WebApi(self.state, self._socket_url, self.oauth)
        self.more: dict[str, SimulatedWorkspace] = {}
        """The other workspaces that the app can be installed in, by their IDs."""
        self._port = port
        self.server = web.Application()
        self.server.on_response_prepare.append(self._date)
        self.web_api.add_to(self.server)
        self.socket_mode.add_to(self.server)
        self.oauth.add_to(self.server)
        self._runner = web.AppRunner(self.server, access_log=None, shutdown_timeout=1.0)
        self._site: web.TCPSite | None = None
        self.base_url = ""
        self.clock_ahead = 0.0
        self.workspace = SimulatedWorkspace(self.state, "")

    @property
    def api_url(self) -> str:
        """The value for SLACK_API_URL."""
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
        self.workspace = SimulatedWorkspace(self.state, self.base_url)
        self.workspace.delivery = self.socket_mode
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.state.over.set()
        await self.socket_mode.drop()
        await self._runner.cleanup()

    def add_workspace(self, team_id: str, name: str, enterprise_id: str | None = None) -> SimulatedWorkspace:
        """Add a workspace in which the app isn't installed yet, with its own people, providers, and tokens.

        Its payloads reach Extauth in the same way as the first workspace's. Call it only after the start.
        """
        state = State(self.state.clock, team_id, name)
        state.app_token, state.signing_secret = self.state.app_token, self.state.signing_secret
        state.enterprise_id = enterprise_id
        seed.plant(state)
        for person in state.people.values():
            person.team_id = team_id
            if enterprise_id is not None:
                person.enterprise_user = {"enterprise_id": enterprise_id, "teams": [team_id]}
        api = WebApi(state, self._socket_url)
        self.web_api.workspaces.append(api)
        api.workspaces = self.web_api.workspaces
        self.more[team_id] = workspace = SimulatedWorkspace(state, self.base_url)
        workspace.delivery = self.workspace.delivery
        self.oauth.add(team_id, name, [state])
        return workspace

    def add_organization(self, enterprise_id: str, name: str, teams: Mapping[str, str]) -> list[SimulatedWorkspace]:
        """Add an organization that can install the app as a whole, with workspaces by ID and name."""
        added = [self.add_workspace(team_id, team, enterprise_id) for team_id, team in teams.items()]
        for workspace in added:
            for person in workspace.state.people.values():
                person.enterprise_user = {"enterprise_id": enterprise_id, "teams": [*teams]}
        self.oauth.add(enterprise_id, name, [one.state for one in added], is_organization=True)
        return added

    async def uninstall(self, place_id: str) -> bool:
        """Remove the app from a workspace or an organization, and return whether Extauth acknowledged the events."""
        place = self.oauth.places[place_id]
        for state in place.workspaces:
            for token in [
                one for one, grant in state.grants.items() if grant.is_of_organization == place.is_organization
            ]:
                del state.grants[token]
                state.refusals[token] = "account_inactive"
        return await self.more[place.workspaces[0].team_id].tell_uninstalled()

    async def listen(self) -> None:
        """Accept connections, also again after `stop_listening`. Raises OSError if the port is in use."""
        self._site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await self._site.start()

    async def stop_listening(self) -> None:
        """Refuse new connections, and close the open ones."""
        if self._site is not None:
            await self._site.stop()
        server = self._runner.server
        for connection in server.connections if server is not None else []:
            connection.force_close()
            if connection.transport is not None:
                connection.transport.close()

    async def _date(self, _: web.Request, response: web.StreamResponse) -> None:
        """Tell the time by Slack's own clock, as every answer does."""
        response.headers["Date"] = formatdate(self.state.clock.now() + self.clock_ahead, usegmt=True)

    def _socket_url(self) -> str:
        return f"{self.base_url.replace('http', 'ws')}/link/?ticket={self.socket_mode.new_ticket()}&app_id=A0SANDBOX"
