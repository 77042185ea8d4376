"""The same job on aiohttp alone: no framework, one shared session. What is left out is what a framework is for.

python -m tests.benchmarks.contenders.bare http|socket
"""

import asyncio
import hashlib
import hmac
import os
import sys
import time
from collections.abc import Mapping
from urllib.parse import parse_qsl

import aiohttp
from aiohttp import web

API = os.environ["SLACK_API_URL"]
SECRET = os.environ["SLACK_SIGNING_SECRET"].encode()
working: set[asyncio.Task[None]] = set()


async def answer(session: aiohttp.ClientSession, command: Mapping[str, str]) -> None:
    token_id = command["text"].removeprefix("get ")
    headers = {"Authorization": f"Bearer {os.environ['SLACK_BOT_TOKEN']}"}
    call = session.post(f"{API}apps.auth.external.get", json={"external_token_id": token_id}, headers=headers)
    async with call as response:
        token = (await response.json())["external_token"]
    text = f"Token fetched: {token_id} ({len(token)} characters)"
    async with session.post(command["response_url"], json={"text": text}) as response:
        await response.read()


def start(session: aiohttp.ClientSession, command: Mapping[str, str]) -> None:
    task = asyncio.ensure_future(answer(session, command))
    working.add(task)
    task.add_done_callback(working.discard)


def is_signed(headers: Mapping[str, str], body: bytes) -> bool:
    timestamp = headers.get("X-Slack-Request-Timestamp", "0")
    digest = hmac.new(SECRET, f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()
    is_new = abs(time.time() - int(timestamp)) < 300
    return is_new and hmac.compare_digest(f"v0={digest}", headers.get("X-Slack-Signature", ""))


async def http() -> None:
    async with aiohttp.ClientSession() as session:

        async def take(request: web.BaseRequest) -> web.Response:
            body = await request.read()
            if not is_signed(request.headers, body):
                return web.Response(status=401)
            start(session, dict(parse_qsl(body.decode())))
            return web.Response()

        runner = web.ServerRunner(web.Server(take))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", int(os.environ["PORT"])).start()
        await asyncio.Event().wait()


async def socket() -> None:
    async with aiohttp.ClientSession() as session:
        headers = {"Authorization": f"Bearer {os.environ['SLACK_APP_TOKEN']}"}
        async with session.post(f"{API}apps.connections.open", headers=headers) as response:
            url = (await response.json())["url"]
        async with session.ws_connect(url) as connection:
            async for message in connection:
                envelope = message.json()
                if envelope["type"] == "slash_commands":
                    await connection.send_json({"envelope_id": envelope["envelope_id"]})
                    start(session, envelope["payload"])


if __name__ == "__main__":
    asyncio.run(http() if sys.argv[1] == "http" else socket())
