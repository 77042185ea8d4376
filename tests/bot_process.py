"""The bot as an operator runs it: a process of its own, whose every line of output is kept."""

import asyncio
import os
import signal
import socket
from codecs import getincrementaldecoder
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from bot.clock import Clock
from bot.sandbox.run import variables
from bot.sandbox.slack import seed
from bot.sandbox.slack.delivery import SignedHttp
from bot.sandbox.slack.server import SimulatedSlack
from bot.server.http import PATH
from bot.settings import Transport
from tests.forked import Forked

ROOT = Path(__file__).parents[1]


class Output:
    """All that a process has written."""

    def __init__(self, *streams: asyncio.StreamReader | None) -> None:
        self._pieces: list[str] = []
        self._more = asyncio.Event()
        self._readers = [asyncio.ensure_future(self._read(stream)) for stream in streams]

    @property
    def text(self) -> str:
        """Everything it has written so far."""
        return "".join(self._pieces)

    async def _read(self, stream: asyncio.StreamReader | None) -> None:
        assert stream is not None
        decoder = getincrementaldecoder("utf-8")()
        while chunk := await stream.read(65536):
            self._pieces.append(decoder.decode(chunk))
            self._more.set()
        self._more.set()

    async def until_said(self, text: str, times: int = 1) -> None:
        """Wait until this is written so many times. Fails when the process ends without it."""
        async with asyncio.timeout(60):
            while self.text.count(text) < times:
                assert not all(reader.done() for reader in self._readers), self.text
                self._more.clear()
                await self._more.wait()

    async def until_over(self) -> None:
        """Wait until the process writes no more."""
        await asyncio.gather(*self._readers)


class BotProcess:
    """The bot in a process of its own."""

    def __init__(self, process: Forked, output: Output) -> None:
        self.process = process
        self._output = output

    @property
    def output(self) -> str:
        """All that it has written."""
        return self._output.text

    async def until_said(self, text: str, times: int = 1) -> None:
        """Wait until this is written so many times. Fails when the bot ends without it."""
        await self._output.until_said(text, times)

    async def stop(self, signum: int = signal.SIGTERM) -> int:
        """Send the signal; the exit status."""
        self.process.send_signal(signum)
        async with asyncio.timeout(60):
            code = await self.process.ended()
            await self._output.until_over()
        return code


def environment(slack: SimulatedSlack, **more: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("SLACK_", "EXTAUTH_"))}
    return {**inherited, **variables(slack), "PYTHONPATH": str(ROOT), **more}


async def start_bot(words: Sequence[str], environment: Mapping[str, str]) -> BotProcess:
    """Run a command of the bot's that goes on until it's stopped."""
    (stdout, their_stdout), (stderr, their_stderr) = os.pipe(), os.pipe()
    nothing = os.open(os.devnull, os.O_RDONLY)
    process = Forked(words, environment, [nothing, their_stdout, their_stderr])
    for descriptor in (nothing, their_stdout, their_stderr):
        os.close(descriptor)
    return BotProcess(process, Output(await _reader(stdout), await _reader(stderr)))


async def _reader(descriptor: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    pipe = open(descriptor, "rb", buffering=0)  # noqa: ASYNC230, SIM115 (the transport closes it)
    await asyncio.get_running_loop().connect_read_pipe(lambda: _ClosedAtEnd(reader), pipe)
    return reader


class _ClosedAtEnd(asyncio.StreamReaderProtocol):
    """Closes its pipe when nobody writes to it any more; asyncio's own event loop would do so by itself."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._pipe = transport

    def eof_received(self) -> bool:
        super().eof_received()
        self._pipe.close()
        return False


@asynccontextmanager
async def bot_process(transport: Transport, slack: SimulatedSlack, **more: str) -> AsyncIterator[BotProcess]:
    """Run the bot against a simulated Slack until the block ends."""
    async with aiohttp.ClientSession() as session, aiohttp.ClientSession() as probe:
        port = free_port()
        listens = {"PORT": str(port)} if transport == "http" else {}
        bot = await start_bot([transport], environment(slack, LOG_FORMAT="json", **listens, **more))
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
async def simulated_slack(clock: Clock | None = None) -> AsyncIterator[SimulatedSlack]:
    """A workspace with people and tokens, on the machine's clock unless another is given."""
    async with SimulatedSlack(clock) as slack:
        seed.plant(slack.state)
        yield slack


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
