"""A bot for many workspaces as an operator runs it: two processes over HTTP, two over Socket Mode, one PostgreSQL."""

import asyncio
import json
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import aiohttp

from bot import settings
from bot.clock import SystemClock
from bot.sandbox.run import variables_of_many
from bot.sandbox.slack.delivery import Delivery, SignedHttp
from bot.sandbox.slack.server import SimulatedSlack
from bot.server.http import PATH
from bot.server.oauth_pages import REDIRECT_PATH
from tests.bot_process import BotProcess, environment, start_bot
from tests.databases import new_database
from tests.forked import run
from tests.harness import ADMIN
from tests.installing import BLUE, ONE, ORGANIZATION, RED, TWO, Many, free_port
from tests.manual_clock import ManualClock

WEBS, WORKERS = ("web 1", "web 2"), ("worker 1", "worker 2")
PROCESSES = len(WEBS) + len(WORKERS)
KEY = "the-first-key-of-the-fleet-" * 2


class InTurn:
    """Slack's requests go over one way, then over the next."""

    def __init__(self, *ways: Delivery) -> None:
        self._ways: Iterator[Delivery] = cycle(ways)

    async def deliver(self, kind: str, payload: dict[str, Any]) -> dict[str, Any]:
        return await next(self._ways).deliver(kind, payload)


class LoadBalancer:
    """One address for several ports: each connection goes to the next that takes it."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._count = len(ports)
        self._next = cycle(ports)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one connection on, both ways."""
        for port in islice(self._next, self._count):
            with suppress(OSError):
                from_bot, to_bot = await asyncio.open_connection("127.0.0.1", port)
                await asyncio.gather(_pass_on(reader, to_bot), _pass_on(from_bot, writer))
                return
        writer.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
    writer.close()


class Fleet:
    """The processes: two over HTTP, behind a proxy at `proxy_port`, and two over Socket Mode.

    All of them have the same `key`.
    """

    def __init__(
        self,
        slack: SimulatedSlack,
        session: aiohttp.ClientSession,
        database_url: str,
        ports: Sequence[int],
        proxy_port: int,
    ) -> None:
        self.slack = slack
        self.database_url = database_url
        self.key = KEY
        self.printed: list[str] = []
        self._ports = dict(zip(WEBS, ports, strict=True))
        url = f"http://127.0.0.1:{proxy_port}"
        slack.oauth.redirect_urls = [url + REDIRECT_PATH]
        configured = settings.read({**variables_of_many(slack, url), "DATABASE_URL": database_url})
        # Nobody turns this clock: processes are on the machine's.
        self.many = Many(slack, ManualClock(), "http", configured, session)
        self.http = SignedHttp(slack.state, session, url + PATH)
        self.running: dict[str, BotProcess] = {}

    def environment(self, **more: str) -> dict[str, str]:
        """The settings of each process, with `more` beside them or in their place."""
        ours = {
            **variables_of_many(self.slack, self.many.url),
            "DATABASE_URL": self.database_url,
            "EXTAUTH_SECRET_KEY": self.key,
            "EXTAUTH_SOCKET_CONNECTIONS": "1",  # so that the two take turns
            "LOG_FORMAT": "json",
        }
        return environment(self.slack, **{**ours, **more})

    async def start(self, name: str) -> None:
        """Start one, and wait until it serves."""
        if name in WEBS:
            bot = await start_bot(["http"], self.environment(PORT=str(self._ports[name])))
        else:
            bot = await start_bot(["socket"], self.environment())
        self.running[name] = bot
        await bot.until_said('"serving"')

    async def stop(self, name: str, signum: int = signal.SIGTERM) -> int:
        """End one. Returns its exit status."""
        bot = self.running.pop(name)
        code = await bot.stop(signum)
        self.printed.append(bot.output)
        return code

    async def start_all(self) -> None:
        await asyncio.gather(*(self.start(name) for name in (*WEBS, *WORKERS)))
        await self.slack.state.until(lambda: self.slack.socket_mode.open_connections == len(WORKERS))

    async def stop_all(self, signum: int = signal.SIGTERM) -> list[int]:
        return await asyncio.gather(*(self.stop(name, signum) for name in list(self.running)))

    async def command(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run one of the bot's commands, and return its output once it has ended."""
        return await asyncio.to_thread(run, words, self.environment(**more))

    async def asks(self, team_id: str, line: str, user: str = ADMIN, count: int = 2 * PROCESSES) -> list[str]:
        """Type the same command several times at once. Returns what is answered."""
        people = self.many.people_of(team_id)
        before = len(people.workspace.messages(user))
        commands = (people.workspace.command(user, line) for _ in range(count))
        assert all(await asyncio.gather(*commands))
        await people.state.until(lambda: len(people.workspace.messages(user)) >= before + count)
        return [people.read(message) for message in people.workspace.messages(user)[before:]]

    def last_answers(self, team_id: str) -> dict[str, str]:
        """Return the outcome of a workspace's last command in each process that served it, by their logs."""
        last = {}
        for name, bot in self.running.items():
            for line in bot.output.splitlines():
                if '"outcome"' in line or '"denied"' in line:
                    said = json.loads(line)
                    if said.get("team_id") == team_id:
                        last[name] = str(said.get("outcome", said["message"]))
        return last

    async def until_all_answer(self, team_id: str, line: str, user: str, outcome: str, seconds: float) -> None:
        """Type until every process has answered with this outcome the last time."""
        answers: dict[str, str] = {}
        async with asyncio.timeout(seconds):
            while [*answers.values()] != [outcome] * PROCESSES:
                await self.asks(team_id, line, user)
                answers = self.last_answers(team_id)


@asynccontextmanager
async def open_fleet(folder: Path) -> AsyncIterator[Fleet]:
    """Run it until the block ends, with two workspaces and an organization that can install it."""
    async with AsyncExitStack() as stack:
        database_url = await stack.enter_async_context(new_database("postgresql", folder))
        slack = await stack.enter_async_context(SimulatedSlack(SystemClock()))
        # A connection for each request, so that the processes share them.
        connector = aiohttp.TCPConnector(force_close=True)
        cookies = aiohttp.DummyCookieJar()
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector, cookie_jar=cookies))
        ports = [free_port() for _ in WEBS]
        proxy = await asyncio.start_server(LoadBalancer(ports).serve, "127.0.0.1", 0)
        stack.callback(proxy.close)
        fleet = Fleet(slack, session, database_url, ports, proxy.sockets[0].getsockname()[1])
        slack.workspace.delivery = InTurn(fleet.http, slack.socket_mode)
        slack.add_workspace(ONE, "One")
        slack.add_workspace(TWO, "Two")
        slack.add_organization(ORGANIZATION, "Big", {RED: "Red", BLUE: "Blue"})
        for api in slack.web_api.workspaces:
            api.rate_limits.is_on = False
        try:
            await fleet.start_all()
            yield fleet
        finally:
            await fleet.stop_all(signal.SIGKILL)
