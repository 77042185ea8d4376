"""From a payload to Bolt's answer, the same for both transports."""

import asyncio
import hashlib
import json

from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot import logs
from bot.actor import new_reference
from bot.cache import Cache
from bot.clock import Clock
from bot.server.payloads import parse_payload

KEPT_SECONDS = 600.0
"""How long an answer is given again to the same payload. Slack's own repetitions come within minutes."""
_MOST_ANSWERS = 5000


class Dispatcher:
    """Hands verified payloads to Bolt, each once: what is delivered again gets the same answer.

    Across processes, an act is done once because its interaction is in the audit log.
    """

    def __init__(self, app: AsyncApp, clock: Clock) -> None:
        self._app = app
        self._answers: Cache[str, BoltResponse] = Cache(clock, KEPT_SECONDS, _MOST_ANSWERS)

    async def dispatch(self, payload: object) -> BoltResponse:
        """Return Bolt's answer to a payload. Raises MalformedPayload."""
        parsed = parse_payload(payload)
        # The same for every delivery of a payload, over either transport and to any process.
        text = json.dumps(parsed, sort_keys=True, separators=(",", ":"))
        key = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

        async def ask_bolt() -> BoltResponse:
            # The person and the log both get it.
            reference = new_reference()
            logs.reference.set(reference)
            context = {"interaction": key, "reference": reference}
            # Bolt calls a payload that comes as a dict one of Socket Mode's, and neither parses nor verifies it again.
            return await self._app.async_dispatch(AsyncBoltRequest(mode="socket_mode", body=parsed, context=context))

        if parsed.get("type") == "block_suggestion":  # what is typed twice in a menu is the same payload
            return await asyncio.ensure_future(ask_bolt())
        return await self._answers.get(key, ask_bolt)
