"""The bot's two processes, seen from outside: how much they hold, and what they printed before they ended."""

import asyncio
import os
import signal
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import aiohttp

from bot.metrics import TASKS
from bot.sandbox.slack.channels import AUDIT_CHANNEL
from bot.sandbox.slack.server import SimulatedSlack
from bot.settings import Transport
from tests.bot_process import BotProcess, bot_process, free_port

TRANSPORTS: tuple[Transport, ...] = ("socket", "http")


@dataclass(frozen=True)
class Holding:
    """What a process holds: memory in MiB, files and connections, threads."""

    megabytes: float
    files: int
    threads: int


class Processes:
    """One process for each transport, on one database. `printed` is everything that those said which have ended."""

    def __init__(self, slack: SimulatedSlack, url: str) -> None:
        self.printed: list[str] = []
        self._slack = slack
        self._url = url
        self._running: dict[Transport, tuple[BotProcess, AsyncExitStack]] = {}
        self._health_ports: dict[Transport, int] = {}

    async def __aenter__(self) -> "Processes":
        for transport in TRANSPORTS:
            await self.start(transport)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for transport in list(self._running):
            await self.stop(transport, signal.SIGKILL)

    async def start(self, transport: Transport) -> None:
        stack = AsyncExitStack()
        port = self._health_ports[transport] = free_port()
        running = bot_process(
            transport,
            self._slack,
            DATABASE_URL=self._url,
            EXTAUTH_AUDIT_CHANNEL=AUDIT_CHANNEL,
            EXTAUTH_HEALTH_PORT=str(port),
        )
        self._running[transport] = (await stack.enter_async_context(running), stack)
        if transport == "socket":
            await self._slack.state.until(lambda: self._slack.socket_mode.open_connections > 0)

    async def stop(self, transport: Transport, signum: int) -> tuple[int, float]:
        """End one. Its exit status, and how long it took."""
        bot, stack = self._running.pop(transport)
        started = time.monotonic()
        code = await bot.stop(signum)
        seconds = time.monotonic() - started
        if transport == "http":
            self._slack.workspace.delivery = None
        await stack.aclose()
        self.printed.append(bot.output)
        return code, seconds

    async def until_idle(self) -> None:
        """Wait until no process has a task in flight, such as an answer that waits for its next retry."""
        async with aiohttp.ClientSession() as session:
            for transport, port in self._health_ports.items():
                if transport not in self._running:
                    continue
                while True:
                    async with session.get(f"http://127.0.0.1:{port}/metrics") as response:
                        if f"{TASKS.name} 0" in await response.text():
                            break
                    await asyncio.sleep(0.2)

    def holding(self, transport: Transport) -> Holding:
        """What one holds now."""
        process = Path(f"/proc/{self._running[transport][0].process.pid}")
        status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
        megabytes = int(status["VmRSS"].split()[0]) / 1024
        return Holding(megabytes, len(os.listdir(process / "fd")), int(status["Threads"]))
