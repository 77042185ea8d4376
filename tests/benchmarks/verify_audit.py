"""How fast the audit record is checked, and in how much memory: python -m tests.benchmarks.verify_audit [RECORDS]"""

import asyncio
import resource
import sys
import tempfile
import time

from pydantic import SecretStr

from bot.actor import Actor
from bot.app import open_audit_log
from bot.clock import SystemClock
from bot.settings import read
from bot.slack.external_auth.models import GetToken

AT_ONCE = 500


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def main(records: int) -> None:
    actor = Actor("U0123456789", "T0123456789", None, SecretStr(""), "ABCD2345")
    request = GetToken("Et12345ABCDE")
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/audit.db"
        configured = read({"SLACK_BOT_TOKEN": "xoxb-1234567890", "DATABASE_URL": url})
        async with open_audit_log(configured, SystemClock()) as audit:
            written = 0
            for share in (records // 10, records):
                started = time.perf_counter()
                before = written
                while written < share:
                    await asyncio.gather(*(audit.attempt(actor, request) for _ in range(AT_ONCE)))
                    written += AT_ONCE
                wrote = (written - before) / (time.perf_counter() - started)
                started = time.perf_counter()
                result = await audit.verify(lambda _: None)
                rate = result.rows / (time.perf_counter() - started)
                assert result.problem is None
                print(
                    f"{result.rows:>9,} records: {wrote:,.0f} written and {rate:,.0f} checked a second, "
                    f"at most {_megabytes():.0f} MB of memory",
                    flush=True,
                )


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
