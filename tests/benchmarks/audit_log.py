"""How fast a large audit log is asked, exported and verified: python -m tests.benchmarks.audit_log [ENTRIES] [URL]

Without an address, in a new SQLite file; with one, in that empty PostgreSQL database.
"""

import asyncio
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import SecretStr
from sqlalchemy import text

from bot.actor import Actor
from bot.audit.entries import AuditResult, Filters
from bot.audit.log import AuditLog
from bot.clock import SystemClock
from bot.settings import read
from bot.slack.external_auth.models import GetToken
from bot.storage.address import database_url
from bot.storage.engine import open_database
from tests.audit_log import open_audit_log

SECRET_KEY = "benchmark-" * 4
TIMES = 100
_AT_ONCE = 500


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def fill(audit: AuditLog, numbers: range) -> None:
    """Append entries, each an attempt and its result, by 1,000 people in ten workspaces."""
    waiting = iter(numbers)

    async def write() -> None:
        for number in waiting:
            actor = Actor(f"U{number % 1000}", f"T{number % 10}", None, SecretStr(""), "ABCD2345")
            attempt = await audit.attempt(actor, GetToken("Et12345ABCDE"))
            await audit.finish(attempt, AuditResult("fetched", None, 50, SecretStr(f"token-{number // 3}")))

    await asyncio.gather(*(write() for _ in range(_AT_ONCE)))


async def analyze(url: str) -> None:
    """Do what PostgreSQL does within a minute, unless that's off, as on some test servers."""
    database = open_database(database_url(url))
    await database.run(lambda connection: connection.execute(text("ANALYZE")))
    await database.close()


async def p95(ask: Callable[[int], Awaitable[Any]]) -> float:
    """The 95th percentile of how long asking takes, in milliseconds."""
    seconds = []
    for number in range(TIMES):
        started = time.perf_counter()
        await ask(number)
        seconds.append(time.perf_counter() - started)
    return statistics.quantiles(seconds, n=20)[18] * 1000


async def measure(audit: AuditLog) -> None:
    """Print one line for each question."""
    history = await p95(lambda n: audit.newest(11, Filters(team_id=f"T{n % 10}")))
    listed = await p95(lambda n: audit.newest(20, Filters(user_id=f"U{n * 7 % 1000}")))
    found = await p95(lambda n: audit.find_token(SecretStr(f"token-{n * 331}")))
    print(f"history {history:.1f} ms, list --user {listed:.1f} ms, find-token {found:.1f} ms (95 of 100 within)")
    exported: list[int] = []
    started = time.perf_counter()
    await audit.export(Filters(), lambda entry: exported.append(entry.number))
    print(f"export {len(exported) / (time.perf_counter() - started):,.0f} entries a second")
    started = time.perf_counter()
    result = await audit.verify(lambda _: None)
    assert result.problem is None, result.problem
    rate = result.rows / (time.perf_counter() - started)
    print(f"verify {rate:,.0f} rows a second, at most {_megabytes():.0f} MB of memory", flush=True)


async def main(entries: int, url: str) -> None:
    settings = read({"SLACK_BOT_TOKEN": "xoxb-1234567890", "DATABASE_URL": url, "EXTAUTH_SECRET_KEY": SECRET_KEY})
    async with open_audit_log(settings, SystemClock()) as audit:
        for numbers in (range(entries // 10), range(entries // 10, entries)):
            started = time.perf_counter()
            await fill(audit, numbers)
            await analyze(url)
            seconds = time.perf_counter() - started
            print(f"{numbers.stop:,} entries, two rows each (filled in {seconds:.0f} s)", flush=True)
            await measure(audit)


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(main(count, sys.argv[2] if len(sys.argv) > 2 else f"sqlite:///{folder}/audit.db"))
