"""A contender as a process of its own, with its database: started, measured from outside, stopped."""

import asyncio
import os
import secrets
import signal
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from tests.benchmarks.fake_slack import VARIABLES, FakeSlack
from tests.bot_process import ROOT
from tests.databases import POSTGRES

_PATIENCE = 60.0
_NOT_INHERITED = ("SLACK_", "EXTAUTH_", "PYTHON")
_SECRET_KEY = secrets.token_hex(32)


@dataclass(frozen=True)
class Contender:
    """Something that does the job: `key` on the command line, `title` in tables, and the module that is run."""

    key: str
    title: str
    module: str
    database: str = ""
    """`sqlite` or `postgresql`, of those that have one."""


SQLITE = Contender("extauth-sqlite", "Extauth on SQLite", "bot", "sqlite")
POSTGRESQL = Contender("extauth-postgresql", "Extauth on PostgreSQL", "bot", "postgresql")
GUIDE = Contender("guide", "Bolt's guide", "tests.benchmarks.contenders.guide")
BEST = Contender("best", "best on Bolt", "tests.benchmarks.contenders.best")
BARE = Contender("bare", "bare aiohttp", "tests.benchmarks.contenders.bare")
CONTENDERS = (SQLITE, POSTGRESQL, GUIDE, BEST, BARE)


@dataclass(frozen=True)
class Trial:
    """One contender, for one run of one scenario. `url` is its database's, empty where it has none."""

    contender: Contender
    slack: FakeSlack
    url: str
    folder: Path


@asynccontextmanager
async def open_trial(contender: Contender) -> AsyncIterator[Trial]:
    """Give a contender a Slack and an empty database, as a new one is: the tests' own don't wait for the disk."""
    with tempfile.TemporaryDirectory(prefix="extauth-bench-") as folder:
        async with FakeSlack() as slack:
            if contender.database != "postgresql":
                url = f"sqlite:///{folder}/audit.db" if contender.database else ""
                yield Trial(contender, slack, url, Path(folder))
                return
            name = f"extauth_{secrets.token_hex(6)}"
            server = await asyncpg.connect(POSTGRES)
            await server.execute(f"CREATE DATABASE {name}")
            try:
                yield Trial(contender, slack, POSTGRES.rsplit("/", 1)[0] + f"/{name}", Path(folder))
            finally:
                await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
                await server.close()


@dataclass(frozen=True)
class Running:
    """A contender that takes commands. `started` is when it was executed, by `time.perf_counter`."""

    pid: int
    port: int
    started: float

    def megabytes(self) -> float:
        """Its resident memory, in MiB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) / 1024


@asynccontextmanager
async def running(trial: Trial, transport: str, *options: str, **more: str) -> AsyncIterator[Running]:
    """Run a contender until the block ends. `options` are Python's own, `more` variables of the environment."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    # Nor what makes Python itself another one, as PYTHONDONTWRITEBYTECODE does to every start.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)}
    own = {"SLACK_API_URL": f"{trial.slack.base_url}/api/", "HOST": "127.0.0.1", "PORT": str(port)}
    database = {"DATABASE_URL": trial.url, "EXTAUTH_SECRET_KEY": _SECRET_KEY} if trial.url else {}
    output = trial.folder / "output.txt"
    with output.open("ab") as out:
        started = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *options, "-m", trial.contender.module, transport),
            env={**inherited, **VARIABLES, **own, **database, "PYTHONPATH": str(ROOT), **more},
            cwd=trial.folder,
            stdout=out,
            stderr=out,
        )
    try:
        ready: asyncio.Future[object] = asyncio.ensure_future(_takes_commands(transport, trial.slack, port))
        ended: asyncio.Future[object] = asyncio.ensure_future(process.wait())
        await asyncio.wait({ready, ended}, timeout=_PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        has_started = ready.done()
        for waiting in (ready, ended):
            waiting.cancel()
        if not has_started:
            raise RuntimeError(f"{trial.contender.key} didn't start:\n{output.read_text()}")
        yield Running(process.pid, port, started)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(_PATIENCE):
            await process.wait()
        trial.slack.connected.clear()


async def _takes_commands(transport: str, slack: FakeSlack, port: int) -> None:
    if transport == "socket":
        await slack.connected.wait()
        return
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.005)
        else:
            writer.close()
            return
