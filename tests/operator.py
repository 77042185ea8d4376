"""What an operator's tools see of a bot in a harness: its probes and its numbers."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from bot.sandbox.slack.delivery import SignedHttp
from bot.settings import Transport
from tests.harness import Harness, open_harness


class Operator:
    """Asks the bot's port."""

    def __init__(self, harness: Harness, session: aiohttp.ClientSession, base: str) -> None:
        self.harness = harness
        self.base = base
        self._session = session

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        async with self._session.get(self.base + path, headers=headers) as response:
            return response.status, await response.text()

    async def problems(self) -> dict[str, str]:
        """Return the problems that /health/ready names."""
        async with self._session.get(f"{self.base}/health/ready") as response:
            said = await response.json()
        problems = {name: says for name, says in said["checks"].items() if says != "ok"}
        assert (said["ok"], response.status) == ((False, 503) if problems else (True, 200))
        return problems

    async def until_ready(self) -> None:
        """Ask until all is well: an answer to a ping is on its way for a moment."""
        while await self.problems():
            pass

    async def numbers(self) -> dict[str, float]:
        """Return the numbers of /metrics, without the buckets of histograms."""
        status, text = await self.get("/metrics")
        assert status == 200
        found = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name.startswith("extauth_") and not sample.name.endswith("_bucket"):
                    labels = ",".join(sample.labels[name] for name in sorted(sample.labels))
                    found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
        return found


@asynccontextmanager
async def open_operator(transport: Transport, **more: str) -> AsyncIterator[Operator]:
    """Serve the bot until the block ends: over HTTP the receiver's own port answers, over Socket Mode another one."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
    ops = {} if transport == "http" else {"EXTAUTH_HEALTH_PORT": str(port)}
    async with open_harness(transport, **ops, **more) as harness, aiohttp.ClientSession() as session:
        if isinstance(harness.workspace.delivery, SignedHttp):
            port = int(harness.workspace.delivery.url.split(":")[2].split("/")[0])
        yield Operator(harness, session, f"http://127.0.0.1:{port}")
