"""What goes wrong around the bot: at Slack, on the way there, and at its database."""

import asyncio
import contextlib
import os
import random
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import asyncpg

from bot.sandbox.slack.server import SimulatedSlack

RESTART = os.environ.get("EXTAUTH_TEST_POSTGRES_RESTART")
"""A command that restarts the PostgreSQL server. Without it, the bot's connections are broken as a restart does."""

_ANSWERS = ("429-1", "429-2", "429", "500-text", "503", "disconnect", "html", "broken-json", "internal_error")
_FAILURES: Sequence[tuple[str, Sequence[str]]] = (
    ("apps.auth.external.get", (*_ANSWERS, "timeout")),
    ("apps.auth.external.delete", (*_ANSWERS, "timeout")),
    ("users.info", _ANSWERS),
    ("views.open", ("internal_error", "503", "disconnect")),
    ("chat.postMessage", ("429-1", "503", "channel_not_found")),
)
_BUSY_SECONDS = 2.0


class Faults:
    """Switches faults on and off, each of them at some time."""

    def __init__(self, slack: SimulatedSlack, url: str, chance: random.Random) -> None:
        self._slack = slack
        self._url = url
        self._chance = chance
        self.count = 0

    @contextlib.asynccontextmanager
    async def around(self, pause: float, *, database: bool = True) -> AsyncIterator[None]:
        """One fault after the other while the block runs, with pauses of about so many seconds; none afterwards."""
        kinds = [self._slack_fails, self._slack_fails, self._answers_fail, self._slack_is_slow, self._socket]
        going_wrong = asyncio.ensure_future(self._go_wrong(pause, [*kinds, self._database] if database else kinds))
        try:
            yield
        finally:
            going_wrong.cancel()
            await asyncio.wait({going_wrong})
            self._stop()
        if not going_wrong.cancelled():
            going_wrong.result()

    async def _go_wrong(self, pause: float, kinds: Sequence[Callable[[], Awaitable[None]]]) -> None:
        while True:
            for kind in self._chance.sample(kinds, len(kinds)):
                self.count += 1
                await kind()
                await asyncio.sleep(self._chance.uniform(0, 2 * pause))
                self._stop()
                await asyncio.sleep(self._chance.uniform(0, pause))

    def _stop(self) -> None:
        self._slack.web_api.failures.clear()
        self._slack.web_api.response_failures.clear()
        self._slack.web_api.latency = 0.0

    async def _slack_fails(self) -> None:
        method, failures = self._chance.choice(_FAILURES)
        self._slack.web_api.failures[method] = self._chance.choice(failures)

    async def _answers_fail(self) -> None:
        self._slack.web_api.response_failures += [self._chance.choice((500, 503)) for _ in range(20)]

    async def _slack_is_slow(self) -> None:
        self._slack.web_api.latency = self._chance.uniform(0.1, 1.0)

    async def _socket(self) -> None:
        await self._chance.choice((self._slack.socket_mode.refresh, self._slack.socket_mode.drop))()

    async def _database(self) -> None:
        if self._url.startswith("sqlite"):
            await self._lock_sqlite()
        elif RESTART:
            await (await asyncio.create_subprocess_shell(RESTART)).wait()
        else:
            await self._break_connections()

    async def _lock_sqlite(self) -> None:
        """Hold the file's write lock, as another program may that looks into it."""
        with contextlib.closing(sqlite3.connect(self._url.removeprefix("sqlite:///"), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            await asyncio.sleep(_BUSY_SECONDS)
            other.execute("ROLLBACK")

    async def _break_connections(self) -> None:
        server = await asyncpg.connect(self._url)
        try:
            await server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        finally:
            await server.close()
