"""A process that only appends to an audit record: python -m tests.storage.append_many URL COUNT"""

import asyncio
import sys

from bot.app import open_audit
from bot.audit import Event
from bot.clock import SystemClock
from bot.settings import read

AT_ONCE = 50


async def main(url: str, count: int) -> None:
    async with open_audit(read({"SLACK_BOT_TOKEN": "xoxb-1234567890", "DATABASE_URL": url}), SystemClock()) as audit:
        event = Event("ABCD2345", "T1", None, "U1", "get", {"external_token_id": "Et1"})
        for _ in range(count // AT_ONCE):
            await asyncio.gather(*(audit.attempt(event) for _ in range(AT_ONCE)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
