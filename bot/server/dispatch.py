"""From a payload to Bolt's answer, the same for both transports."""

import hashlib
import json

from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot import logs
from bot.actor import new_reference
from bot.server.payloads import parse_payload


async def dispatch(app: AsyncApp, payload: object) -> BoltResponse:
    """Hand a verified payload to Bolt. Raises MalformedPayload.

    Bolt calls a payload that comes as a dict one of Socket Mode's, and so neither parses nor verifies it again.
    """
    parsed = parse_payload(payload)
    # The same for every delivery of a payload, over either transport and to any process.
    text = json.dumps(parsed, sort_keys=True, separators=(",", ":"))
    key = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    # The person and the log both get it.
    reference = new_reference()
    context = {"interaction": key, "reference": reference}
    before = logs.reference.set(reference)
    try:
        return await app.async_dispatch(AsyncBoltRequest(mode="socket_mode", body=parsed, context=context))
    finally:
        logs.reference.reset(before)
