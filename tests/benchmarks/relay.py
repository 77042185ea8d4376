"""A network between the contender and Slack: TLS, at so many milliseconds.

As a command, `python -m tests.benchmarks.relay PORT`, it's the process that holds back what passes through.
"""

import asyncio
import contextlib
import selectors
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from subprocess import PIPE

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.benchmarks.fake_slack import FakeSlack
from tests.bot_process import ROOT

ROUND_TRIP = 0.025
"""The seconds to Slack and back."""


@asynccontextmanager
async def far_away(slack: FakeSlack, folder: Path) -> AsyncIterator[Path]:
    """Move Slack's address to the other end of the network until the block ends. Yields the certificate to trust."""
    certificate = make_certificate(folder)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    port = await slack.listen(tls)
    relay = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.benchmarks.relay", str(port)), cwd=ROOT, stdout=PIPE
    )
    near = slack.base_url
    try:
        assert relay.stdout
        slack.base_url = f"https://127.0.0.1:{int(await relay.stdout.readline())}"
        yield certificate
    finally:
        slack.base_url = near
        relay.kill()
        await relay.wait()


def make_certificate(folder: Path) -> Path:
    """Write a certificate for 127.0.0.1, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Benchmark")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = folder / "certificate.pem"
    path.write_bytes(private + made.public_bytes(Encoding.PEM))
    return path


async def _relay(port: int) -> None:
    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_slack, from_slack = asyncio.get_running_loop().time() + ROUND_TRIP, 0.0
        there, back = await asyncio.open_connection("127.0.0.1", port)
        # A client sends nothing until TCP's handshake has gone there and back.
        await asyncio.gather(_hold_back(reader, back, to_slack), _hold_back(there, writer, from_slack))

    server = await asyncio.start_server(connect, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def _hold_back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, leaves: float) -> None:
    """Pass on each chunk, and then the end, half a round trip later. Nothing leaves before `leaves`."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(ConnectionResetError):  # an end as well
        while chunk := await reader.read(65536):
            # Timers that are due at the same moment may run in any order.
            leaves = max(loop.time(), leaves + 1e-6)
            loop.call_at(leaves + ROUND_TRIP / 2, writer.write, chunk)
    loop.call_at(max(loop.time(), leaves + 1e-6) + ROUND_TRIP / 2, writer.close)


if __name__ == "__main__":
    # epoll would round each delay up to a whole millisecond.
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())) as runner:
        runner.run(_relay(int(sys.argv[1])))
