"""The Procfile, run as it is: both kinds of process come up beside each other, pass the image's check, and end well."""

import asyncio
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest

from bot.server.ops import READY_PATH
from tests.bot_process import ROOT, Output, environment, simulated_slack

APART = 100
"""What honcho, as foreman, adds to PORT for each next line of a Procfile."""
PATIENT = "import honcho.manager as manager, honcho.command as command; manager.KILL_WAIT = 60; command.main()"
"""honcho, which otherwise kills after five seconds, on a machine that may be busy."""


def two_free_ports() -> int:
    """Return a free port whose next is free too, below those that the system gives to outgoing connections."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as first, socket.socket() as second:
            try:
                first.bind(("127.0.0.1", port))
                second.bind(("127.0.0.1", port + APART))
            except OSError:
                continue
            return port


async def until_ready(port: int) -> None:
    async with aiohttp.ClientSession() as probe, asyncio.timeout(60):
        while True:
            async with probe.get(f"http://127.0.0.1:{port}{READY_PATH}") as response:
                if response.status == 200:
                    return
            await asyncio.sleep(0.1)


@pytest.mark.process
async def test_the_procfile_serves_both_ways_and_each_process_stops_with_0(tmp_path: Path) -> None:
    port = two_free_ports()
    async with simulated_slack() as slack:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", PATIENT, "-f", ROOT / "Procfile", "-d", tmp_path, "start", "--no-prefix"),
            cwd=tmp_path,
            env=environment(
                slack,
                PORT=str(port),
                LOG_FORMAT="json",
                PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                DATABASE_URL=f"sqlite:///{tmp_path}/extauth.db",
            ),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        output = Output(process.stdout, process.stderr)
        try:
            await output.until_said('"transport": "socket"')
            await output.until_said('"transport": "http"')
            await asyncio.gather(until_ready(port), until_ready(port + APART))
            (health_check,) = re.findall(
                r"^HEALTHCHECK .*CMD (\[.*\])$", (ROOT / "Dockerfile").read_text(), re.MULTILINE
            )
            asked = await asyncio.create_subprocess_exec(
                sys.executable, *json.loads(health_check)[1:], env={**os.environ, "PORT": str(port)}
            )
            assert await asked.wait() == 0
        finally:
            with suppress(ProcessLookupError):  # then the output says why it ended
                process.send_signal(signal.SIGTERM)
            await process.wait()
            await output.until_over()
    ended = dict(re.findall(r"(\w+)\.1 stopped \(rc=(-?\d+)\)", output.text))
    assert ended == {"web": "0", "worker": "0"}, output.text
