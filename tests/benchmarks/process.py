"""A contender as a process of its own: started, measured from outside, stopped."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.settings import Transport
from tests.benchmarks.fake_slack import VARIABLES, FakeSlack
from tests.bot_process import ROOT

_TICK = os.sysconf("SC_CLK_TCK")
_PATIENCE = 60.0
_NOT_INHERITED = ("SLACK_", "EXTAUTH_", "PYTHON")


@dataclass(frozen=True)
class Contender:
    """Something that does the job: `key` on the command line, `title` in tables, and the module that is run."""

    key: str
    title: str
    module: str
    database: str = ""
    """The kind of database, of those that have one."""


CONTENDERS = (
    Contender("extauth-sqlite", "Extauth on SQLite", "bot", "sqlite"),
    Contender("extauth-postgresql", "Extauth on PostgreSQL", "bot", "postgresql"),
    Contender("guide", "Bolt's guide", "tests.benchmarks.contenders.guide"),
    Contender("bare", "bare aiohttp", "tests.benchmarks.contenders.bare"),
)


DESIGNS = (
    Contender("chain-each", "A chain for each", "tests.benchmarks.workspaces", "postgresql"),
    Contender("one-chain", "One chain for all", "tests.benchmarks.workspaces", "postgresql"),
)
"""Two ways to keep the audit log of many workspaces."""


@dataclass(frozen=True)
class Running:
    """A contender that takes commands. `started` is when it was executed, by `time.perf_counter`."""

    pid: int
    port: int
    started: float

    def cpu_seconds(self) -> float:
        """What it has used so far, in user and system, with children that have ended."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(int(field) for field in fields[11:15]) / _TICK

    def waited_seconds(self) -> float:
        """How long its main thread could have run so far while something else did."""
        return int(Path(f"/proc/{self.pid}/schedstat").read_text().split()[1]) / 1e9

    def megabytes(self) -> float:
        """Its resident memory, in MiB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) / 1024


@asynccontextmanager
async def running(
    contender: Contender, transport: Transport, slack: FakeSlack, url: str, folder: Path, *options: str
) -> AsyncIterator[Running]:
    """Run a contender until the block ends, with its database at `url`, in `folder`. `options` are Python's own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    # Nor what makes Python itself another one, as PYTHONDONTWRITEBYTECODE does to every start.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)}
    more = {"SLACK_API_URL": f"{slack.base_url}/api/", "HOST": "127.0.0.1", "PORT": str(port), "PYTHONPATH": str(ROOT)}
    output = folder / "output.txt"
    with output.open("ab") as out:
        started = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *options, "-m", contender.module, transport),
            env={**inherited, **VARIABLES, **more, **({"DATABASE_URL": url} if url else {})},
            cwd=folder,
            stdout=out,
            stderr=out,
        )
    try:
        ready: asyncio.Future[object] = asyncio.ensure_future(_takes_commands(transport, slack, port))
        ended: asyncio.Future[object] = asyncio.ensure_future(process.wait())
        await asyncio.wait({ready, ended}, timeout=_PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        has_started = ready.done()
        for waiting in (ready, ended):
            waiting.cancel()
        if not has_started:
            raise RuntimeError(f"{contender.key} didn't start:\n{output.read_text()}")
        yield Running(process.pid, port, started)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(_PATIENCE):
            await process.wait()
        slack.connected.clear()


async def _takes_commands(transport: Transport, slack: FakeSlack, port: int) -> None:
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
