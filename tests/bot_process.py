"""The bot as an operator runs it: a process of its own, whose every line of output is kept."""

import asyncio
import os
import signal
import socket
import sys
from codecs import getincrementaldecoder
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from bot.sandbox.run import variables
from bot.sandbox.slack import seed
from bot.sandbox.slack.delivery import SignedHttp
from bot.sandbox.slack.server import SimulatedSlack
from bot.server.http import PATH
from bot.settings import Transport

ROOT = Path(__file__).parents[1]


class BotProcess:
    """A running `python -m bot`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self._output: list[str] = []
        self._more = asyncio.Event()
        self._readers = [asyncio.ensure_future(self._read(stream)) for stream in (process.stdout, process.stderr)]

    @property
    def output(self) -> str:
        """Everything it has printed so far."""
        return "".join(self._output)

    async def _read(self, stream: asyncio.StreamReader | None) -> None:
        assert stream is not None
        decoder = getincrementaldecoder("utf-8")()
        while chunk := await stream.read(65536):
            self._output.append(decoder.decode(chunk))
            self._more.set()

    async def until_said(self, text: str) -> None:
        async with asyncio.timeout(60):
            while text not in self.output:
                if self.process.returncode is not None:
                    raise AssertionError(self.output)
                self._more.clear()
                await self._more.wait()

    async def stop(self, signum: int = signal.SIGTERM) -> int:
        """Send the signal; the exit status."""
        if self.process.returncode is None:
            self.process.send_signal(signum)
        async with asyncio.timeout(60):
            code = await self.process.wait()
            await asyncio.gather(*self._readers)
        return code


def environment(slack: SimulatedSlack, **more: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("SLACK_", "EXTAUTH_"))}
    return {**inherited, **variables(slack), "PYTHONPATH": str(ROOT), **more}


@asynccontextmanager
async def bot_process(
    transport: Transport, slack: SimulatedSlack, files: int | None = None, **more: str
) -> AsyncIterator[BotProcess]:
    """Run the bot against a simulated Slack until the block ends, with at most so many file descriptors."""
    async with aiohttp.ClientSession() as session, aiohttp.ClientSession() as probe:
        port = _free_port()
        limit = ["prlimit", f"--nofile={files}:{files}"] if files is not None else []
        process = await asyncio.create_subprocess_exec(
            *(*limit, sys.executable, "-m", "bot", transport),
            env=environment(slack, PORT=str(port), LOG_FORMAT="json", **more),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        bot = BotProcess(process)
        try:
            await bot.until_said('"serving"')
            if transport == "http":
                async with probe.get(f"http://127.0.0.1:{port}/health") as response:
                    assert await response.json() == {"ok": True}
                slack.workspace.delivery = SignedHttp(slack.state, session, f"http://127.0.0.1:{port}{PATH}")
            yield bot
        finally:
            await bot.stop()


@asynccontextmanager
async def simulated_slack() -> AsyncIterator[SimulatedSlack]:
    """A workspace with people and tokens, on the machine's clock."""
    async with SimulatedSlack() as slack:
        seed.plant(slack.state)
        yield slack


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
