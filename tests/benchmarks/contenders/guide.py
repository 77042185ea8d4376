"""The least that does the job, as Bolt for Python's documentation writes an async app.

python -m tests.benchmarks.contenders.guide http|socket
https://docs.slack.dev/tools/bolt-python/reference/async_app.html
https://docs.slack.dev/tools/bolt-python/concepts/socket-mode
"""

import asyncio
import os
import sys
from typing import Any

from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

app = AsyncApp(
    signing_secret=os.environ["SLACK_SIGNING_SECRET"],
    # The documentation passes only the token; the client is given for its address.
    client=AsyncWebClient(token=os.environ["SLACK_BOT_TOKEN"], base_url=os.environ["SLACK_API_URL"]),
)


@app.command("/extauth")
async def extauth(ack: AsyncAck, respond: AsyncRespond, command: dict[str, Any], client: AsyncWebClient) -> None:
    await ack()
    token_id = command["text"].removeprefix("get ")
    answer = await client.api_call("apps.auth.external.get", params={"external_token_id": token_id})
    await respond(f"Token fetched: {token_id} ({len(answer['external_token'])} characters)")


async def main() -> None:
    handler = AsyncSocketModeHandler(app, os.environ["SLACK_APP_TOKEN"])
    await handler.start_async()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    if sys.argv[1] == "http":
        app.start(port=int(os.environ["PORT"]))
    else:
        asyncio.run(main())
