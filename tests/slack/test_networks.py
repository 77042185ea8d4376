"""The networks that Extauth reaches Slack through: TLS of a private authority, and proxies that refuse."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import pytest

from bot import settings
from bot.check import examine
from bot.check.finding import Finding
from bot.clock import SystemClock
from bot.sandbox.run import variables
from bot.sandbox.slack.server import SimulatedSlack
from bot.sandbox.slack.workspace import SimulatedWorkspace
from bot.slack.external_auth.errors import UnreachableError, from_exception
from tests.bot_process import bot_process, environment, simulated_slack
from tests.forked import run
from tests.harness import ADMIN
from tests.installing import free_port
from tests.server.test_nginx import AROUND, NGINX, write_certificate

pytestmark = pytest.mark.process

TLS = """
server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {folder}/extauth.pem;
    ssl_certificate_key {folder}/extauth.key;
    location / {{ proxy_pass {slack}; }}
}}
"""


@asynccontextmanager
async def behind_tls(slack: SimulatedSlack, folder: Path) -> AsyncIterator[str]:
    """The address of Slack's Web API behind a proxy with a certificate of its own authority."""
    if NGINX is None:
        pytest.skip("needs Debian's nginx-light")
    port = free_port()
    write_certificate(folder)
    (folder / "extauth.conf").write_text(TLS.format(port=port, folder=folder, slack=slack.base_url))
    around = AROUND.format(user="root" if os.geteuid() == 0 else "nobody", folder=folder, main="events {}")
    (folder / "nginx.conf").write_text(around)
    process = subprocess.Popen([NGINX, "-c", str(folder / "nginx.conf"), "-e", "stderr"], stderr=subprocess.DEVNULL)  # noqa: ASYNC220
    try:
        async with asyncio.timeout(10):
            while True:
                with suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    break
                await asyncio.sleep(0.02)
        yield f"https://127.0.0.1:{port}/api/"
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait)


async def first_finding(slack: SimulatedSlack, **more: str) -> Finding:
    async for finding in examine(settings.read({**variables(slack), **more}), SystemClock()):
        return finding
    raise AssertionError("Nothing was found.")


async def test_a_private_authority_is_named_until_its_file_is_set(tmp_path: Path) -> None:
    async with simulated_slack() as slack, behind_tls(slack, tmp_path) as address:
        host = address.split("/")[2]
        untrusted = await first_finding(slack, SLACK_API_URL=address)
        assert untrusted.says == f"The certificate of {host} isn't from an authority that this machine trusts."
        assert "SSL_CERT_FILE" in untrusted.fix
        trusted = {"SLACK_API_URL": address, "SSL_CERT_FILE": str(tmp_path / "extauth.pem")}
        assert (await first_finding(slack, **trusted)).says == f"Slack answers at {host}."
        slack.workspace = SimulatedWorkspace(slack.state, f"https://{host}")
        slack.workspace.delivery = slack.socket_mode
        async with bot_process("socket", slack, **trusted):
            assert await slack.workspace.command(ADMIN, "/extauth get EtGoogle0001")
            await slack.state.until(lambda: len(slack.workspace.messages(ADMIN)) == 1)
        without = {name: value for name, value in environment(slack).items() if name != "SSL_CERT_FILE"}
        ran = await asyncio.to_thread(run, ["check"], {**without, "SLACK_API_URL": address})
        assert f"problem      SLACK_API_URL: {untrusted.says}" in ran.stdout


async def _refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
    await writer.drain()
    writer.close()


async def test_a_proxy_that_refuses_its_password_is_named_without_it() -> None:
    async with simulated_slack() as slack, await asyncio.start_server(_refuse, "127.0.0.1", 0) as proxy:
        port = proxy.sockets[0].getsockname()[1]
        refused = await first_finding(
            slack, SLACK_API_URL="https://slack.invalid/api/", HTTPS_PROXY=f"http://extauth:canary@127.0.0.1:{port}"
        )
    assert refused.says == "The proxy in HTTPS_PROXY refuses its user or password (HTTP 407)."
    assert "canary" not in str(refused)


async def test_a_certificate_and_a_proxy_that_refuse_change_nothing_at_slack() -> None:
    refused = aiohttp.ClientHttpProxyError(None, (), status=407)  # type: ignore[arg-type]
    assert isinstance(from_exception("apps.auth.external.delete", refused), UnreachableError)
