"""The best on Bolt: one session for every call, and the acknowledgement leaves before the work.

python -m tests.benchmarks.contenders.best http|socket
"""

import asyncio
import os
import sys
from typing import Any

import aiohttp
from aiohttp import web
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

working: set[asyncio.Task[None]] = set()


async def answer(command: dict[str, Any], client: AsyncWebClient) -> None:
    token_id = command["text"].removeprefix("get ")
    answer = await client.api_call("apps.auth.external.get", params={"external_token_id": token_id})
    respond = AsyncWebhookClient(command["response_url"], session=client.session)
    await respond.send(text=f"Token fetched: {token_id} ({len(answer['external_token'])} characters)")


async def extauth(ack: AsyncAck, command: dict[str, Any], client: AsyncWebClient) -> None:
    await ack()
    task = asyncio.ensure_future(answer(command, client))
    working.add(task)
    task.add_done_callback(working.discard)


async def main(transport: str) -> None:
    async with aiohttp.ClientSession() as session:
        app = AsyncApp(
            signing_secret=os.environ["SLACK_SIGNING_SECRET"],
            client=AsyncWebClient(
                token=os.environ["SLACK_BOT_TOKEN"], base_url=os.environ["SLACK_API_URL"], session=session
            ),
            # Otherwise Bolt looks every 10 ms whether a listener has acknowledged.
            process_before_response=True,
        )
        app.command("/extauth")(extauth)
        if transport == "http":
            runner = web.AppRunner(app.web_app())
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", int(os.environ["PORT"])).start()
            await asyncio.Event().wait()
        handler = AsyncSocketModeHandler(app, os.environ["SLACK_APP_TOKEN"])
        await handler.start_async()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
