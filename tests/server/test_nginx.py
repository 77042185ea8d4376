"""The configuration in docs/operating/proxy.md, run by nginx in front of the bot."""

import asyncio
import datetime
import io
import ipaddress
import os
import re
import shutil
import ssl
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bot.sandbox.slack.delivery import SignedHttp
from bot.server.http import PATH
from bot.server.web import MAX_BODY
from tests.bot_process import ROOT
from tests.harness import Harness, open_harness
from tests.installing import free_port
from tests.server.test_http import command, port_of, signed

pytestmark = pytest.mark.process

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
PAGE = (ROOT / "docs" / "operating" / "proxy.md").read_text()
SITE, MAIN = re.findall(r"^```nginx\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
AROUND = """
daemon off;
user {user};
pid {folder}/nginx.pid;
{main}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    scgi_temp_path {folder}/scgi;
    uwsgi_temp_path {folder}/uwsgi;
    include {folder}/extauth.conf;
}}
"""
"""What Debian's nginx.conf has around the page's parts, in a folder of the test's."""
DEADLINE_SECONDS = 5
LIMIT = 100
STRANGER = "127.0.0.2"
HALF_HEADERS = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Le".encode()
HALF_BODY = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc".encode()

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def write_certificate(folder: Path) -> ssl.SSLContext:
    """Write a certificate for 127.0.0.1 and its key, and return what trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Extauth")]), datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    written = certificate.public_bytes(serialization.Encoding.PEM)
    (folder / "extauth.pem").write_bytes(written)
    (folder / "extauth.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return ssl.create_default_context(cadata=written.decode())


@dataclass
class Proxied:
    """A bot behind nginx. Slack's requests go through it."""

    harness: Harness
    session: aiohttp.ClientSession
    port: int
    tls: ssl.SSLContext

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    async def stranger(self, sent: bytes | None) -> Stream:
        """Connect from another address than Slack's, and send this; None for not even a TLS handshake."""
        tls = self.tls if sent is not None else None
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=tls, local_addr=(STRANGER, 0))
        writer.write(sent or b"")
        return reader, writer

    async def post(self, body: bytes) -> int:
        """Post a body that Slack has signed."""
        headers = signed(self.harness, body)
        async with self.session.post(self.url + PATH, data=io.BytesIO(body), headers=headers) as response:
            return response.status


@asynccontextmanager
async def running(folder: Path, port: int, bot_port: int) -> AsyncIterator[None]:
    """Run nginx with what the page says; only ports, and where files are, differ."""
    assert NGINX is not None
    site = SITE
    for there, here in {
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "/etc/ssl/extauth.pem": f"{folder}/extauth.pem",
        "/etc/ssl/extauth.key": f"{folder}/extauth.key",
        "http://127.0.0.1:3000": f"http://127.0.0.1:{bot_port}",
    }.items():
        assert site.count(there) == 1, there
        site = site.replace(there, here)
    (folder / "extauth.conf").write_text(site)
    user = "root" if os.geteuid() == 0 else "nobody"
    (folder / "nginx.conf").write_text(AROUND.format(folder=folder, main=MAIN, user=user))
    process = await asyncio.create_subprocess_exec(
        *(NGINX, "-e", "stderr", "-p", folder, "-c", folder / "nginx.conf"), stderr=subprocess.PIPE
    )
    try:
        await until_listening(process, port)
        yield
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.communicate()


async def until_listening(process: asyncio.subprocess.Process, port: int) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                (await asyncio.open_connection("127.0.0.1", port))[1].close()
            except ConnectionError:
                assert process.returncode is None, await process.communicate()
                await asyncio.sleep(0.02)
            else:
                return


@pytest.fixture
async def proxied(tmp_path: Path) -> AsyncIterator[Proxied]:
    if NGINX is None:
        pytest.skip("no nginx here: install Debian's package nginx-light")
    port, tls = free_port(), write_certificate(tmp_path)
    async with (
        open_harness("http") as harness,
        running(tmp_path, port, port_of(harness)),
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as session,
    ):
        it = Proxied(harness, session, port, tls)
        harness.workspace.delivery = SignedHttp(harness.state, session, it.url + PATH)
        yield it


async def until_closed(stream: Stream) -> bytes:
    """Wait until a connection is closed from the other side. Returns what was said before."""
    said = b""
    with suppress(ConnectionError):
        while more := await stream[0].read(1000):
            said += more
    stream[1].close()
    return said


async def test_what_slack_signs_passes_and_nothing_but_slacks_paths(proxied: Proxied) -> None:
    assert "[Show token]" in proxied.harness.read(await proxied.harness.types("/extauth get EtGoogle0001"))
    body = urlencode(command(proxied.harness, text="help", user_name="é & = + %20")).encode()
    assert await proxied.post(body) == 200
    assert await proxied.post(body + b"&") == 200
    forged = signed(proxied.harness, body)
    async with proxied.session.post(proxied.url + PATH, data=body + b" ", headers=forged) as response:
        assert response.status == 401
    for path in ("/", "/health", "/metrics", "/slack/install"):
        async with proxied.session.get(proxied.url + path) as response:
            assert response.status == 404, path


async def test_a_body_that_is_too_long_gets_413_from_nginx(proxied: Proxied) -> None:
    assert await proxied.post(b"x" * MAX_BODY) == 400
    with suppress(aiohttp.ClientError):  # which nginx may break off before it's all sent
        assert await proxied.post(b"x" * (MAX_BODY + 1)) == 413
    reader, writer = await proxied.stranger(
        f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {MAX_BODY + 1}\r\n\r\n".encode()
    )
    async with asyncio.timeout(10):
        assert (await reader.readline()).startswith(b"HTTP/1.1 413")
    writer.close()


async def test_half_open_connections_are_closed_at_the_deadline_and_keep_nobody_out(proxied: Proxied) -> None:
    started = time.monotonic()
    kinds = [None] * 200 + [HALF_HEADERS] * 200 + [HALF_BODY] * (LIMIT + 20)
    half = [await proxied.stranger(sent) for sent in kinds]
    closing = asyncio.gather(*(until_closed(stream) for stream in half))
    commands = 0
    while not closing.done():
        assert "[Show token]" in proxied.harness.read(await proxied.harness.types("/extauth get EtGoogle0001"))
        commands += 1
        await asyncio.sleep(0.1)
        assert time.monotonic() - started < 3 * DEADLINE_SECONDS
    assert max(proxied.harness.workspace.acknowledged) < 1
    said = await closing
    assert time.monotonic() - started >= DEADLINE_SECONDS
    assert commands > 10
    assert sum(answer.startswith(b"HTTP/1.1 503") for answer in said) == 20
