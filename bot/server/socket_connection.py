"""A WebSocket of Socket Mode, from opening to closing.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import aiohttp
from aiohttp import WSMsgType
from pydantic import SecretStr
from slack_sdk.errors import SlackApiError

from bot.clock import Clock
from bot.logs import slack_code
from bot.server.payloads import SURROGATE, without_surrogates
from bot.slack.client import ClientFactory
from bot.tasks import finishes_within

log = logging.getLogger(__name__)

PING_SECONDS = 6.0
"""Seconds between two pings to Slack."""
MAX_UNHEARD = 3
"""The number of pings in a row without a message from Slack after which the connection counts as silent."""
HELLO_SECONDS = 10.0
"""Seconds Slack may take to accept the connection with its `hello`."""
_CLOSE_SECONDS = 1.0
_FRAMES_AT_END = (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR)


class DisconnectReason(StrEnum):
    """The reasons a connection ends, both those in Slack's `disconnect` message and Extauth's own."""

    WARNING = "warning"
    REFRESH = "refresh_requested"
    TOO_MANY = "too_many_websockets"
    LINK_DISABLED = "link_disabled"
    OTHER = "other"
    SILENT = "silent"
    RECOUNT = "recount"
    CLOSED = "closed"


RENEWALS = frozenset(
    {DisconnectReason.WARNING, DisconnectReason.REFRESH, DisconnectReason.OTHER, DisconnectReason.RECOUNT}
)
"""The reasons after which Slack still uses the connection for some seconds, while Extauth opens another."""


class ConnectionRefused(Exception):
    """A failure to open a connection. `code` is Slack's, a `DisconnectReason`, or the name of an exception."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Envelope:
    """A delivery from Slack. `came_at` is in seconds of the monotonic clock."""

    id: str
    payload: object
    came_at: float


class Connection:
    """An open WebSocket. `heard_at` is the time of the last message, often Slack's reply to a ping.

    `total` is the number of the app's connections in Slack's `hello`, if it has one. `on_envelope` gets each envelope.
    `told` is set once Slack has asked to disconnect or the connection has ended.
    """

    def __init__(
        self,
        socket: aiohttp.ClientWebSocketResponse,
        clock: Clock,
        on_envelope: Callable[["Connection", Envelope], None],
    ) -> None:
        self._socket = socket
        self._clock = clock
        self._on_envelope = on_envelope
        self._unheard = 0
        self._hello: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.opened_at = self.heard_at = clock.monotonic()
        self.ending: DisconnectReason | None = None
        self.total: object = None
        self.told = asyncio.Event()
        self.over: asyncio.Future[None] = asyncio.ensure_future(self._serve())

    @property
    def is_open(self) -> bool:
        """True until the connection has ended or is known to be broken."""
        return not self.over.done()

    async def greeted(self) -> None:
        """Wait for Slack's `hello`. Raises ConnectionRefused if the connection ends first, or nothing comes in time."""
        if not await finishes_within(self._clock, self._hello, HELLO_SECONDS):
            self._end(DisconnectReason.SILENT)
        # Slack may send `disconnect` right after `hello`, but the connection was still accepted.
        if not await self._hello:
            await self.close()
            raise ConnectionRefused((self.ending or DisconnectReason.CLOSED).value)

    async def acknowledge(self, envelope_id: str, payload: object) -> None:
        """Acknowledge an envelope. Raises ConnectionError."""
        answer = {"envelope_id": envelope_id} if payload is None else {"envelope_id": envelope_id, "payload": payload}
        await self._socket.send_str(json.dumps(answer))

    async def close(self) -> None:
        """Close the connection, waiting at most a moment for Slack to confirm."""
        self._end(DisconnectReason.CLOSED)
        await self._socket.close()
        await asyncio.wait({self.over})

    def renew(self) -> None:
        """Have another connection opened in place of this one, which makes Slack count the app's connections again."""
        self._end(DisconnectReason.RECOUNT)

    def _end(self, ending: DisconnectReason) -> None:
        self.ending = self.ending or ending
        self.told.set()
        if not self._hello.done():
            self._hello.set_result(False)

    async def _serve(self) -> None:
        pinging = asyncio.ensure_future(self._ping())
        try:
            while (message := await self._socket.receive()).type not in _FRAMES_AT_END:
                self._unheard, self.heard_at = 0, self._clock.monotonic()
                if message.type is WSMsgType.PING:
                    await self._socket.pong(message.data)
                if message.type is not WSMsgType.TEXT:
                    continue
                try:
                    said = json.loads(message.data)
                    if SURROGATE.search(message.data):
                        said = without_surrogates(said)
                except (ValueError, RecursionError):
                    continue
                match said:
                    case {"type": "hello"}:
                        self.total = said.get("num_connections")
                        if not self._hello.done():
                            self._hello.set_result(True)
                    case {"type": "disconnect"}:
                        reason = said.get("reason")
                        known = isinstance(reason, str) and reason in frozenset(DisconnectReason)
                        self._end(DisconnectReason(str(reason)) if known else DisconnectReason.OTHER)
                    case {"envelope_id": str() as envelope_id} if envelope_id:
                        self._on_envelope(self, Envelope(envelope_id, said.get("payload"), self.heard_at))
        except (aiohttp.ClientError, OSError):
            self._end(DisconnectReason.CLOSED)
        except Exception:
            log.exception("a Socket Mode connection failed")
        finally:
            pinging.cancel()
            self._end(DisconnectReason.CLOSED)
            await self._socket.close()

    async def _ping(self) -> None:
        """Ping every few seconds, and count pings, not seconds, so that a paused process isn't taken for silence."""
        while self._unheard < MAX_UNHEARD:
            self._unheard += 1
            try:
                async with asyncio.timeout(PING_SECONDS):
                    await self._socket.ping()
            except (aiohttp.ClientError, OSError):
                break
            await self._clock.sleep(PING_SECONDS)
        self._end(DisconnectReason.SILENT)
        await self._socket.close()


async def open_connection(
    clients: ClientFactory, app_token: SecretStr, on_envelope: Callable[[Connection, Envelope], None]
) -> Connection:
    """Open a connection, at the address that Slack gives. Raises ConnectionRefused.

    https://docs.slack.dev/reference/methods/apps.connections.open
    """
    try:
        answer = await clients.web(None).apps_connections_open(app_token=app_token.get_secret_value())
        address = answer.get("url")
        if not isinstance(address, str):
            raise ConnectionRefused("answer_without_url")
        socket = await clients.session.ws_connect(
            address, proxy=clients.proxy, autoping=False, timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_SECONDS)
        )
    except ConnectionRefused:
        raise
    except SlackApiError as error:
        raise ConnectionRefused(slack_code(error)) from None
    except aiohttp.WSServerHandshakeError as error:
        raise ConnectionRefused(f"http_{error.status}") from None
    except Exception as error:
        # After any error, another attempt may succeed. The error's text holds the address, and so the secret ticket.
        raise ConnectionRefused(type(error).__name__) from None
    connection = Connection(socket, clients.clock, on_envelope)
    try:
        await connection.greeted()
    except asyncio.CancelledError:
        await connection.close()
        raise
    return connection
