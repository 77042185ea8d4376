"""Bots that serve every workspace that installs them, and people who install them with a browser."""

import re
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from html import unescape

import aiohttp

from bot import settings
from bot.app import INSTALL_PATH
from bot.sandbox.run import serving, variables_of_many
from bot.sandbox.slack.delivery import SignedHttp
from bot.sandbox.slack.server import SimulatedSlack
from bot.sandbox.slack.web_api import WebApi
from bot.sandbox.slack.workspace import SimulatedWorkspace
from bot.server.http import PATH
from bot.server.oauth_pages import REDIRECT_PATH
from bot.settings import Settings, Transport
from tests.databases import is_new_file, start_file
from tests.harness import Harness
from tests.manual_clock import ManualClock

ONE, TWO, RED, BLUE, ORGANIZATION = "T0ONE", "T0TWO", "T0RED", "T0BLUE", "E0BIG"
SECRET_KEY = "a key of thirty-two characters.."
COOKIE = "slack-app-oauth-state"


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@dataclass
class LoadedPage:
    """A page that a browser got."""

    status: int
    text: str
    headers: dict[str, str] = field(default_factory=dict)


class InstallingBrowser:
    """Somebody's browser: it has its own cookies, and follows what it is told to follow."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self.cookie: str | None = None

    async def get(self, url: str) -> LoadedPage:
        # The cookie is for https, which only browsers themselves waive for 127.0.0.1.
        headers = {"Cookie": f"{COOKIE}={self.cookie}"} if self.cookie else {}
        async with self._session.get(url, headers=headers, allow_redirects=False) as response:
            for given in response.headers.getall("Set-Cookie", []):
                self.cookie = given.partition(";")[0].partition("=")[2]
            return LoadedPage(response.status, await response.text(), dict(response.headers))

    async def asks(self, url: str) -> LoadedPage:
        """Go from the installation page to Slack's."""
        page = await self.get(url + INSTALL_PATH)
        started = await self.get(url + link(page, "Add to Slack"))
        assert started.status == 302
        return await self.get(started.headers["Location"])

    async def answers(self, slack_url: str, asked: LoadedPage, label: str) -> str:
        """Press a button of Slack's page. Returns where Slack sends the browser then."""
        answered = await self.get(slack_url + link(asked, label))
        assert answered.status == 302
        return answered.headers["Location"]


def link(page: LoadedPage, label: str) -> str:
    """Return the address that a link leads to."""
    found = re.search(rf'href="([^"]+)">{re.escape(label)}<', page.text)
    assert found, page.text
    return unescape(found[1])


@dataclass
class Many:
    """The simulated Slack with several workspaces, and a bot for all of them."""

    slack: SimulatedSlack
    clock: ManualClock
    transport: Transport
    configured: Settings
    session: aiohttp.ClientSession

    @property
    def url(self) -> str:
        return str(self.configured.public_url)

    def browser(self) -> InstallingBrowser:
        return InstallingBrowser(self.session)

    def workspace(self, team_id: str) -> SimulatedWorkspace:
        return self.slack.more[team_id]

    def people_of(self, team_id: str) -> Harness:
        """Acts as people of one workspace."""
        harness = Harness(self.slack, self.clock, self.transport)
        harness.workspace, harness.state = self.workspace(team_id), self.workspace(team_id).state
        return harness

    def web_api_of(self, team_id: str) -> WebApi:
        """Slack's methods for the tokens of one workspace."""
        return self.slack.web_api.workspaces[1 + [*self.slack.more].index(team_id)]

    async def install(self, place_id: str) -> LoadedPage:
        """Install the app as a person does, and see the page after it."""
        browser = self.browser()
        label = f"Allow in {self.slack.oauth.places[place_id].name}"
        back = await browser.answers(self.slack.base_url, await browser.asks(self.url), label)
        return await browser.get(back)


@asynccontextmanager
async def open_many(transport: Transport, database_url: str, **more: str) -> AsyncIterator[Many]:
    """Serve the bot over HTTP, and over Socket Mode beside it where its requests are to come that way."""
    clock = ManualClock()
    async with AsyncExitStack() as stack:
        slack = await stack.enter_async_context(SimulatedSlack(clock))
        session = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()))
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        slack.oauth.redirect_urls = [url + REDIRECT_PATH]
        if is_new_file(database_url):
            await start_file(database_url, SECRET_KEY)
        database = {"DATABASE_URL": database_url, "EXTAUTH_SECRET_KEY": SECRET_KEY}
        variables = {**variables_of_many(slack, url), **database, **more}
        configured = settings.read({**variables, "PORT": str(port)})
        await stack.enter_async_context(serving(configured, "http", clock))
        if transport == "socket":
            # Their health has a port too where PORT is set.
            await stack.enter_async_context(serving(settings.read(variables), "socket", clock))
        else:
            slack.workspace.delivery = SignedHttp(slack.state, session, url + PATH)
        slack.add_workspace(ONE, "One")
        slack.add_workspace(TWO, "Two")
        slack.add_organization(ORGANIZATION, "Big", {RED: "Red", BLUE: "Blue"})
        yield Many(slack, clock, transport, configured, session)
