"""Slack's requests over Socket Mode, by Bolt's aiohttp adapter.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

import asyncio
import logging
import time
from collections import OrderedDict

from pydantic import SecretStr
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app, send_async_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.logs import slack_code
from bot.runners.start_error import StartError
from bot.slack_connection import SlackConnection, quiet_logger

log = logging.getLogger(__name__)

_REMEMBERED = 5000
_RECOVERY_SECONDS = 10.0
_ACKNOWLEDGE_SECONDS = 3.0
_FINAL_CODES = {
    "invalid_auth",
    "not_authed",
    "not_allowed_token_type",
    "missing_scope",
    "account_inactive",
    "token_revoked",
}


class _Handler(AsyncSocketModeHandler):
    """Bolt's handler, which executes each envelope once and can stop taking new ones.

    Slack repeats an envelope whose acknowledgement it did not see; it then gets the same answer again.
    """

    def __init__(self, app: AsyncApp, app_token: SecretStr, connection: SlackConnection) -> None:
        super().__init__(
            app,
            app_token.get_secret_value(),
            logger=quiet_logger,
            web_client=connection.client(None),
            proxy=connection.proxy,
        )
        # Given no proxy, slack_sdk takes one from the environment; settings.py has decided.
        self.client.proxy = connection.proxy
        self._answers: OrderedDict[str, asyncio.Future[BoltResponse]] = OrderedDict()
        self.under_way: set[asyncio.Task[None]] = set()
        self.is_closing = False

    async def handle(self, client: SocketModeClient, req: SocketModeRequest) -> None:  # type: ignore[override]
        """Answer one envelope."""
        if self.is_closing:
            return  # Without an acknowledgement Slack gives it to another connection.
        task = asyncio.current_task()
        assert task is not None
        self.under_way.add(task)
        try:
            await send_async_response(client, req, await self._answer(req), time.time())
        finally:
            self.under_way.discard(task)

    async def _answer(self, req: SocketModeRequest) -> BoltResponse:
        known = self._answers.get(req.envelope_id)
        if known is not None:
            log.info("an envelope came again", extra={"envelope_id": req.envelope_id})
            return await asyncio.shield(known)
        answer: asyncio.Future[BoltResponse] = asyncio.ensure_future(run_async_bolt_app(self.app, req))
        self._answers[req.envelope_id] = answer
        if len(self._answers) > _REMEMBERED:
            self._answers.popitem(last=False)
        return await answer


class SocketModeListener:
    """One WebSocket to Slack, kept open and renewed."""

    def __init__(self, app: AsyncApp, app_token: SecretStr, connection: SlackConnection) -> None:
        self._app = app
        self._app_token = app_token
        self._connection = connection
        self._handler: _Handler | None = None
        self._recovery: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect. Raises StartError when Slack refuses the token; anything else is tried until it works."""
        self._handler = _Handler(self._app, self._app_token, self._connection)
        client = self._handler.client
        client.wss_uri = await self._first_address()
        self._recovery = asyncio.ensure_future(self._recover(client))
        await client.connect()  # type: ignore[no-untyped-call]

    async def stop(self) -> None:
        """Take no more envelopes, finish acknowledging those under way, and disconnect."""
        if self._recovery is not None:
            self._recovery.cancel()
        if self._handler is None:
            return
        self._handler.is_closing = True
        if self._handler.under_way:
            await asyncio.wait(set(self._handler.under_way), timeout=_ACKNOWLEDGE_SECONDS)
        await self._handler.close_async()  # type: ignore[no-untyped-call]

    async def _first_address(self) -> str | None:
        try:
            answer = await self._connection.client(None).apps_connections_open(
                app_token=self._app_token.get_secret_value()
            )
        except SlackApiError as error:
            code = slack_code(error)
            if code in _FINAL_CODES:
                raise StartError(
                    f"Slack does not accept SLACK_APP_TOKEN for Socket Mode ({code}): it needs an app-level token "
                    "(xapp-…) with the scope connections:write."
                ) from None
            log.warning("Socket Mode cannot be opened yet", extra={"code": code})
            return None
        except Exception as error:
            log.warning("Slack cannot be reached yet", extra={"error_type": type(error).__name__})
            return None
        return str(answer["url"])

    async def _recover(self, client: SocketModeClient) -> None:
        """slack_sdk tries an address until it works; one whose ticket ran out never will, so it is dropped."""
        while True:
            await asyncio.sleep(_RECOVERY_SECONDS)
            if not await client.is_connected():
                client.wss_uri = None
