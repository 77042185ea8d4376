"""`extauth sandbox` as a process: its address, its end, a taken port."""

import asyncio
import platform
import re
import signal
import socket

import aiohttp

from tests.bot_process import ROOT, start_bot
from tests.forked import run

SANDBOX = ["sandbox", "--no-browser"]
VARIABLES = {"PATH": "/usr/bin:/bin"}


async def test_it_prints_one_address_and_ctrl_c_ends_all_of_it_cleanly() -> None:
    bot = await start_bot([*SANDBOX, "--port", "0", "--http", "--seed", str(ROOT / "docs" / "seed.yml")], VARIABLES)
    await bot.until_said("\n")
    line = bot.output
    address = next(word for word in line.split() if word.startswith("http"))
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{address}page/socket") as page:
        told = [await page.receive_json(), await page.receive_json()]
        assert [person["name"] for person in told[1]["people"]] == ["Rosa", "Tom"]
        assert await bot.stop(signal.SIGINT) == 0
    assert bot.output == line


async def test_without_a_display_it_says_how_to_reach_the_page() -> None:
    bot = await start_bot(["sandbox", "--port", "0"], VARIABLES)
    await bot.until_said("\n", 2)
    assert await bot.stop(signal.SIGINT) == 0
    found = re.search(r"is at http://127.0.0.1:(\d+)/", bot.output)
    assert found
    tunnel = f"{found[1]}:127.0.0.1:{found[1]}"
    assert bot.output.splitlines()[1] == f"From your own machine, first: ssh -N -L {tunnel} {platform.node()}"


async def test_a_taken_port_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ran = await asyncio.to_thread(run, [*SANDBOX, "--port", port], VARIABLES)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.splitlines() == [
        f"extauth: Port {port} on 127.0.0.1 isn't free (Address already in use). Choose another with --port."
    ]


def test_an_unknown_log_level_is_a_usage_error() -> None:
    ran = run([*SANDBOX, "--log-level", "loud"], VARIABLES)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "'loud' is not one of 'debug', 'info', 'warning', 'error'" in ran.stderr
    assert "Traceback" not in ran.stderr
