"""A stranger who keeps every connection busy keeps nobody out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from urllib.parse import urlencode

import pytest

from tests.harness import Harness, open_harness
from tests.server.test_http import command, port_of, signed

LIMIT = 5
Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]

ANSWERED = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
UNSIGNED = b"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
STALLED = b"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc"
HALF = b"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Le"


@asynccontextmanager
async def crowded(harness: Harness, sent: bytes) -> AsyncIterator[list[Stream]]:
    """As many connections as there may be, each of which has sent something."""
    async with AsyncExitStack() as stack:
        streams = []
        for _ in range(LIMIT):
            reader, writer = await asyncio.open_connection("127.0.0.1", port_of(harness))
            stack.callback(writer.close)
            writer.write(sent)
            if sent in (ANSWERED, UNSIGNED):
                await reader.readuntil(b"\r\n\r\n")
            streams.append((reader, writer))
        await asyncio.sleep(0.05)
        yield streams


@pytest.fixture
async def narrow(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Harness]:
    monkeypatch.setattr("bot.server.http.connection_limit", lambda: LIMIT)
    async with open_harness("http") as harness:
        yield harness


@pytest.mark.parametrize("sent", [b"", HALF, STALLED, ANSWERED, UNSIGNED], ids=lambda sent: sent[:6] + sent[-3:])
async def test_slack_gets_in_whatever_strangers_keep_open(narrow: Harness, sent: bytes) -> None:
    async with crowded(narrow, sent):
        for _ in range(LIMIT + 1):
            assert "[Show token]" in narrow.read(await narrow.types("/extauth get EtGoogle0001"))


@pytest.mark.parametrize("sent", [b"", STALLED, ANSWERED], ids=["idle", "stalled", "answered"])
async def test_a_stranger_displaces_the_oldest_stranger_and_not_slack(narrow: Harness, sent: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port_of(narrow))
    with closing(writer):
        await deliver(narrow, reader, writer)
        async with crowded(narrow, sent) as streams, crowded(narrow, sent):
            async with asyncio.timeout(5):
                assert await gone(streams[0][0])
            await deliver(narrow, reader, writer)


async def test_one_more_of_slacks_own_displaces_the_oldest_that_rests(narrow: Harness) -> None:
    async with AsyncExitStack() as stack:
        streams = [await asyncio.open_connection("127.0.0.1", port_of(narrow)) for _ in range(LIMIT)]
        for reader, writer in streams:
            stack.callback(writer.close)
            await deliver(narrow, reader, writer)
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(narrow))
        stack.callback(writer.close)
        await deliver(narrow, reader, writer)
        async with asyncio.timeout(5):
            assert await gone(streams[0][0])
        await deliver(narrow, *streams[1])


async def deliver(harness: Harness, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Deliver a command as Slack does, over a connection that stays open."""
    body = urlencode(command(harness)).encode()
    headers = {"Host": "x", "Content-Length": str(len(body)), **signed(harness, body)}
    lines = ["POST /slack/events HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    writer.write("\r\n".join(lines).encode() + body)
    async with asyncio.timeout(5):
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length"))
        await reader.readexactly(length)


async def gone(reader: asyncio.StreamReader) -> bool:
    """Wait until a connection has been closed from the other side."""
    try:
        while await reader.read(1000):
            continue
        return True
    except ConnectionError:
        return True
