"""The path from a payload to Bolt's response, the same for both transports."""

import asyncio
import hashlib
import json
import logging
from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot import logs
from bot.actor import new_reference
from bot.cache import Cache
from bot.listeners.errors import tell_unserved
from bot.server.payloads import parse_payload
from bot.views.notices import no_database_screen
from bot.workspaces.runtime import Shared

log = logging.getLogger(__name__)

KEPT_SECONDS = 600.0
"""Seconds to keep a response for repeated deliveries of its payload. Slack retries within minutes."""
_MOST_ANSWERS = 5000
_ANSWERED = frozenset({"view_submission", "url_verification"})
"""The payloads whose acknowledgement has content."""


class Dispatcher:
    """A dispatcher that passes each verified payload to Bolt once. A repeated payload gets the same response.

    A payload whose acknowledgement is always empty is acknowledged before Bolt looks up the workspace, perhaps in a
    slow database. Across processes, the audit log's record of an interaction keeps a request from running twice.
    """

    def __init__(self, app: AsyncApp, shared: Shared) -> None:
        self._app = app
        self._shared = shared
        self._answers: Cache[str, BoltResponse] = Cache(shared.clock, KEPT_SECONDS, _MOST_ANSWERS)

    async def dispatch(self, payload: object) -> BoltResponse:
        """Return Bolt's response to a payload. Raises MalformedPayload."""
        parsed = parse_payload(payload)
        if parsed is None:
            log.info("Slack sent a kind of payload that Extauth has no use for")
            return BoltResponse(status=200)
        # Every delivery of a payload has the same key, over either transport and to any process.
        text = json.dumps(parsed, sort_keys=True, separators=(",", ":"))
        key = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

        asking = partial(self._ask_bolt, parsed, key)
        kind = parsed.get("type")
        if kind == "block_suggestion":  # typing the same text twice sends the same payload
            return await asyncio.ensure_future(asking())
        if kind in _ANSWERED:
            return await self._answers.get(key, asking)
        if self._answers.find(key) is None:
            self._answers.put(key, BoltResponse(status=200))
            self._shared.tasks.start(asking())
        return BoltResponse(status=200)

    async def _ask_bolt(self, payload: dict[str, Any], key: str) -> BoltResponse:
        # Messages to the person and lines in the log share this reference, so that one leads to the other.
        reference = new_reference()
        logs.reference.set(reference)
        context = {"interaction": key, "reference": reference, "app_id": payload.get("api_app_id")}
        try:
            # In this mode Bolt accepts a dict, and neither parses nor verifies the payload again.
            request = AsyncBoltRequest(mode="socket_mode", body=payload, context=context)
            return await self._app.async_dispatch(request)
        except asyncio.CancelledError:
            log.warning("interrupted by shutdown")
            await tell_unserved(self._shared, no_database_screen(reference, None), payload)
            raise
        except Exception:
            log.exception("a request couldn't be handled")
            return BoltResponse(status=500)
