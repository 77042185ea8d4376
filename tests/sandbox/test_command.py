"""`python -m bot sandbox` as a process: its address, its end, a taken port."""

import asyncio
import signal
import socket
import sys

import aiohttp

from tests.bot_process import ROOT


async def start(*options: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bot", "sandbox", "--no-browser", *options),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def test_it_prints_one_address_and_ctrl_c_ends_all_of_it_cleanly() -> None:
    process = await start("--port", "0", "--http", "--seed", "docs/seed.yml")
    assert process.stdout is not None
    line = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
    address = next(word for word in line.split() if word.startswith("http"))
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{address}page/socket") as page:
        told = [await page.receive_json(), await page.receive_json()]
        assert [person["name"] for person in told[1]["people"]] == ["Rosa", "Tom"]
        process.send_signal(signal.SIGINT)
        out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0
    assert (out, err) == (b"", b"")


async def test_a_taken_port_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        process = await start("--port", port)
        out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1
    assert out == b""
    assert err.decode().splitlines() == [
        f"extauth: Port {port} on 127.0.0.1 isn't free (Address already in use). Choose another with --port."
    ]


async def test_an_unknown_log_level_is_a_usage_error() -> None:
    process = await start("--log-level", "loud")
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert (process.returncode, out) == (2, b"")
    assert "'loud' is not one of 'debug', 'info', 'warning', 'error'" in err.decode()
    assert "Traceback" not in err.decode()
