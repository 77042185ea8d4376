"""The function that sends the simulated Slack's responses, including broken ones."""

import asyncio
from collections.abc import Mapping

from aiohttp import web

from bot.sandbox.slack.faults import Answer


async def send(request: web.Request, answer: Answer, headers: Mapping[str, str] | None = None) -> web.StreamResponse:
    """Send a response, with its delay and its faults."""
    if answer.delay:
        await asyncio.sleep(answer.delay)
    if answer.breaks and request.transport is not None:
        request.transport.close()
    whole = {**(headers or {}), **(answer.headers or {})}
    if answer.cuts or answer.drip:
        return await _send_slowly(request, answer, whole)
    return web.Response(status=answer.status, text=answer.body, content_type=answer.content_type, headers=whole)


async def _send_slowly(request: web.Request, answer: Answer, headers: Mapping[str, str]) -> web.StreamResponse:
    """Send the body in parts, and break the connection before its end."""
    length = {"Content-Length": str(2 * len(answer.body)), "Content-Type": answer.content_type}
    response = web.StreamResponse(status=answer.status, headers={**headers, **length})
    await response.prepare(request)
    try:
        for part in answer.body if answer.drip else [answer.body]:
            await response.write(part.encode())
            await asyncio.sleep(answer.drip)
    except ConnectionError:
        return response  # The client has stopped waiting for the response.
    if request.transport is not None:
        request.transport.abort()
    return response
