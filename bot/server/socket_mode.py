"""Takes Slack's requests in over Socket Mode.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

import asyncio
import json
import logging
from collections import OrderedDict
from enum import StrEnum
from typing import Any

from pydantic import SecretStr
from slack_bolt.async_app import AsyncApp
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from bot.logs import slack_code
from bot.server.dispatch import dispatch
from bot.server.errors import StartError
from bot.server.payloads import MalformedPayload
from bot.server.rejections import Rejections
from bot.slack import compat
from bot.slack.web import ClientFactory
from bot.tasks import Tasks

log = logging.getLogger(__name__)
_silent_logger = logging.getLogger("bot.slack_sdk.socket_mode")
_silent_logger.setLevel(logging.CRITICAL)
"""For slack_sdk's client, which logs a traceback each time it fails to reconnect. `_watch` says what matters."""

_REMEMBERED_ENVELOPES = 5000
_WATCH_SECONDS = 1.0
_GONE_SECONDS = 3.0
_RECOVERY_SECONDS = 10.0
_REMIND_SECONDS = 60.0
_ACKNOWLEDGE_SECONDS = 3.0
_PING_SECONDS = 10.0


class _TokenRefusal(StrEnum):
    """Slack's codes for an app-level token that will never open Socket Mode."""

    INVALID_AUTH = "invalid_auth"
    NOT_AUTHED = "not_authed"
    NOT_ALLOWED_TOKEN_TYPE = "not_allowed_token_type"
    MISSING_SCOPE = "missing_scope"
    ACCOUNT_INACTIVE = "account_inactive"
    TOKEN_REVOKED = "token_revoked"


class SocketModeReceiver:
    """One WebSocket to Slack, kept open and renewed.

    Each envelope is run once. Slack repeats an envelope whose acknowledgement it didn't see; it then gets the same
    answer again.
    """

    def __init__(self, app: AsyncApp, app_token: SecretStr, clients: ClientFactory, tasks: Tasks) -> None:
        self._app = app
        self._app_token = app_token
        self._clients = clients
        self._tasks = tasks
        self._client: SocketModeClient | None = None
        self._watch: asyncio.Task[None] | None = None
        self._answers: OrderedDict[str, asyncio.Future[BoltResponse]] = OrderedDict()
        self._in_progress: set[asyncio.Task[Any]] = set()
        self._is_stopping = False
        self._rejections = Rejections(clients.clock)

    async def start(self) -> None:
        """Connect. Raises StartError when Slack refuses the token; anything else is tried until it works."""
        address = await self._first_address()
        client = self._client = SocketModeClient(
            app_token=self._app_token.get_secret_value(),
            logger=_silent_logger,
            web_client=self._clients.web(None),
            ping_interval=_PING_SECONDS,
        )
        compat.set_proxy(client, self._clients.proxy)
        compat.use_address(client, address)
        client.socket_mode_request_listeners.append(self._take)
        self._watch = asyncio.ensure_future(_watch(client))
        await client.connect()  # type: ignore[no-untyped-call]

    async def stop(self) -> None:
        """Take no more envelopes, finish acknowledging those in progress, and disconnect."""
        if self._watch is not None:
            self._watch.cancel()
        if self._client is None:
            return
        self._is_stopping = True
        if self._in_progress:
            await asyncio.wait(set(self._in_progress), timeout=_ACKNOWLEDGE_SECONDS)
        await self._client.close()  # type: ignore[no-untyped-call]

    async def _first_address(self) -> str | None:
        """Ask for a WebSocket address here, because slack_sdk retries over a refused token forever."""
        token = self._app_token.get_secret_value()
        try:
            answer = await self._clients.web(None).apps_connections_open(app_token=token)
        except SlackApiError as error:
            code = slack_code(error)
            if code in frozenset(_TokenRefusal):
                raise StartError(
                    f"Slack doesn't accept SLACK_APP_TOKEN for Socket Mode ({code}): it needs an app-level token "
                    "(xapp-…) with the scope connections:write."
                ) from None
            log.warning("Socket Mode can't be opened yet", extra={"code": code})
            return None
        except Exception as error:
            log.warning("Slack can't be reached yet", extra={"error_type": type(error).__name__})
            return None
        return str(answer["url"])

    async def _take(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        """Answer one envelope."""
        if self._is_stopping:
            return  # Without an acknowledgement Slack gives it to another connection.
        task = asyncio.current_task()
        if task is not None:
            self._in_progress.add(task)
            task.add_done_callback(self._in_progress.discard)
        try:
            with self._tasks.acknowledging():
                await _acknowledge(client, request, await self._answer(request))
        except MalformedPayload as error:
            self._rejections.count(str(error))
        except Exception:
            log.exception("an envelope couldn't be handled")

    async def _answer(self, request: SocketModeRequest) -> BoltResponse:
        known = self._answers.get(request.envelope_id)
        if known is not None:
            log.info("an envelope came again", extra={"envelope_id": request.envelope_id})
            return await asyncio.shield(known)
        answer: asyncio.Future[BoltResponse] = asyncio.ensure_future(dispatch(self._app, request.payload))
        self._answers[request.envelope_id] = answer
        if len(self._answers) > _REMEMBERED_ENVELOPES:
            self._answers.popitem(last=False)
        return await answer


async def _acknowledge(client: AsyncBaseSocketModeClient, request: SocketModeRequest, answer: BoltResponse) -> None:
    if answer.status != 200:
        log.warning("an envelope wasn't acknowledged", extra={"status": answer.status})
        return
    # Bolt gives the payload of an acknowledgement as the JSON body of an HTTP response.
    payload = json.loads(answer.body) if answer.body else None
    await client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id, payload=payload))


async def _watch(client: SocketModeClient) -> None:
    """Say in one line when the connection goes, one a minute while it is gone, and one when it is back."""
    loop = asyncio.get_running_loop()
    since, told_at, recovered_at = loop.time(), float("-inf"), loop.time()
    was_connected = False
    while True:
        await asyncio.sleep(_WATCH_SECONDS)
        now, is_connected = loop.time(), await client.is_connected()
        if is_connected:
            if told_at > float("-inf"):
                log.info("Socket Mode is connected again", extra={"seconds": round(now - since)})
            elif not was_connected:
                log.info("Socket Mode is connected")
            was_connected, since, told_at, recovered_at = True, now, float("-inf"), now
            continue
        # Slack renews a connection now and then: a gap of a moment is nothing to tell.
        if now - since >= _GONE_SECONDS and now - told_at >= _REMIND_SECONDS:
            log.warning("Socket Mode is disconnected; reconnecting", extra={"seconds": round(now - since)})
            told_at = now
        if now - recovered_at >= _RECOVERY_SECONDS:
            await compat.forget_stale_address(client)
            recovered_at = now
