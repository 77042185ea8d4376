"""A TCP proxy in front of PostgreSQL: it counts round trips, and can lose an answer on its way."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from bot.storage.address import database_url


async def _nothing() -> None:
    """Do nothing."""


class LossyProxy:
    """Passes bytes on, both ways. Set `loses_answer` to have the next answer lost with its connection, or
    `loses_answer_to` to have it lost once these have been asked, one after the other; `meanwhile` is what happens
    between both."""

    def __init__(self) -> None:
        self.meanwhile: Callable[[], Awaitable[None]] = _nothing
        self.round_trips = 0
        self.loses_answer = False
        self.loses_answer_to: list[bytes] = []
        self._spoke_last: dict[asyncio.StreamWriter, str] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int) -> None:
        to_server = await asyncio.open_connection(host, port)
        both = [
            asyncio.ensure_future(self._pass_on(reader, to_server[1], writer, "client")),
            asyncio.ensure_future(self._pass_on(to_server[0], writer, writer, "server")),
        ]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for one in both:
            one.cancel()
        for closing in (writer, to_server[1]):
            closing.close()

    async def _pass_on(
        self, reader: asyncio.StreamReader, to: asyncio.StreamWriter, connection: asyncio.StreamWriter, side: str
    ) -> None:
        while data := await reader.read(65536):
            if side == "client" and self.loses_answer_to and self.loses_answer_to[0] in data:
                del self.loses_answer_to[0]
                self.loses_answer = not self.loses_answer_to
            if side == "server" and self.loses_answer:
                self.loses_answer = False
                await self.meanwhile()
                return
            self.round_trips += side == "client" and self._spoke_last.get(connection) != "client"
            self._spoke_last[connection] = side
            to.write(data)
            await to.drain()


@asynccontextmanager
async def open_proxy(url: str) -> AsyncIterator[tuple[LossyProxy, str]]:
    """Yield a proxy, and the address of the same database behind it."""
    proxy, found = LossyProxy(), database_url(url)
    host, port = found.host or "127.0.0.1", found.port or 5432
    server = await asyncio.start_server(lambda r, w: proxy.serve(r, w, host, port), "127.0.0.1", 0)
    try:
        local = server.sockets[0].getsockname()[1]
        yield proxy, url.replace(f"{host}:{port}", f"127.0.0.1:{local}")
    finally:
        server.close()
