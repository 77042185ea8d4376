"""A tested token outlives nothing: no object that is left holds it, not even until Python looks for cycles."""

import contextlib
import gc
import secrets
from collections.abc import AsyncIterator, Iterator

import pytest
from aiohttp import web
from pydantic import SecretStr

from bot.slack.client import ClientFactory, open_session
from bot.slack.external_auth.client import ExternalAuthClient
from bot.slack.external_auth.errors import ExternalAuthError
from bot.slack.external_auth.models import CheckToken, read_token
from bot.slack.rate_limit import Caller, RateLimiter
from tests.manual_clock import ManualClock

HALVES = ("ya29.a-token-in-two-", secrets.token_hex(20))
"""Put together only in an answer, so that whoever holds the whole got it from there."""
ANSWERS = {
    "a token": ('{"ok": true, "external_token": "%s"}', "application/json"),
    "a token in extras": (
        '{"ok": true, "external_token": "x", "token_response_extras": {"a": "%s"}}',
        "application/json",
    ),
    "JSON that breaks off": ('{"ok": true, "external_token": "%s', "application/json"),
    "no clear ok": ('{"ok": "yes", "external_token": "%s"}', "application/json"),
    "plain text": ("%s", "text/plain"),
    "a page": ("<p>%s</p>", "text/html"),
}


@pytest.fixture
def _no_collection() -> Iterator[None]:
    gc.collect()
    # What was there before can't hold the token, and takes seconds to look through.
    gc.freeze()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
async def address() -> AsyncIterator[str]:
    """A Slack that answers with the token in the form that the path names."""

    async def answer(request: web.Request) -> web.StreamResponse:
        form, content_type = ANSWERS[request.match_info["form"]]
        response = web.StreamResponse(headers={"Content-Type": content_type})
        await response.prepare(request)
        await response.write((form % "".join(HALVES)).encode())
        return response

    server = web.Application()
    server.router.add_post("/{form}/{method}", answer)
    runner = web.AppRunner(server)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.mark.parametrize("form", ANSWERS)
@pytest.mark.usefixtures("_no_collection")
async def test_no_object_holds_a_tested_token(address: str, form: str) -> None:
    async with open_session() as session:
        clients, clock = ClientFactory(session, f"{address}/{form}/", None, ManualClock()), ManualClock()
        client = ExternalAuthClient(clients, RateLimiter(clock))
        with contextlib.suppress(ExternalAuthError):
            read_token(await client.call(SecretStr("xoxb-1"), CheckToken("Et1"), Caller()))
        assert list(holders()) == []


def holders() -> Iterator[str]:
    """Return the objects that hold a text with the token in it."""
    whole = "".join(HALVES)
    for holder in gc.get_objects():
        for held in gc.get_referents(holder):
            found = (isinstance(held, str) and whole in held) or (
                isinstance(held, bytes | bytearray) and whole.encode() in held
            )
            if found and held is not whole:
                yield type(holder).__name__
