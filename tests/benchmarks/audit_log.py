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

from bot.audit.append import add_chains
from bot.audit.heads import read_heads, store
from pydantic import SecretStr
from sqlalchemy import insert, text, update

from bot.audit.chain import ATTEMPT, RESULT, Root, chained
from bot.audit.entries import Filters
from bot.audit.keys import AuditKey
from bot.audit.log import AuditLog
from bot.clock import SystemClock
from bot.settings import read
from bot.storage.address import database_url
from bot.storage.engine import open_database
from bot.storage.tables import audit_heads, audit_records, audit_root
from tests.audit_log import open_audit_log

SECRET_KEY = "benchmark-" * 4
BATCH = 10_000
TIMES = 100
TEAMS = [f"T{number}" for number in range(10)]


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def fill(url: str, entries: int) -> None:
    """Append entries, each an attempt and its result, by 1,000 people in ten workspaces."""
    key = AuditKey(SECRET_KEY.encode())
    database = open_database(database_url(url))
    written = 0
    async with database.transaction() as connection:
        heads = {chain: head for chain, (head, _) in (await read_heads(connection, key)).items()}
        if not heads:
            root, heads = add_chains((Root(0, 0), True), (), TEAMS)
            await connection.execute(insert(audit_heads), [head.stored(key) for head in heads.values()])
            await connection.execute(
                update(audit_root).values(**root.stored(key, [head.place for head in heads.values()]))
            )
    while written < entries:
        async with database.transaction() as connection:
            rows = []
            for _ in range(min(BATCH, entries - written)):
                team = TEAMS[written % len(TEAMS)]
                attempt = {
                    "at": 1_700_000_000_000_000 + written * 1_000_000,
                    "reference": "ABCD2345",
                    "team_id": team,
                    "user_id": f"U{written % 1000}",
                    "action": "get",
                    "parameters": '{"external_token_id": "Et12345ABCDE"}',
                }
                head, row = chained(key, heads[team], {**attempt, "kind": ATTEMPT})
                rows.append(row)
                token = key.of_token(SecretStr(f"token-{written // 3}"))
                result = {"kind": RESULT, "attempt": head.number, "outcome": "fetched", "milliseconds": 50}
                heads[team], row = chained(key, head, {**attempt, **result, "token_hmac": token})
                rows.append(row)
                written += 1
            await connection.execute(insert(audit_records), rows)
            for head in heads.values():
                await store(connection, key, head, [])
    if database.is_postgresql:
        # Its autovacuum would do so within a minute, but may be off on a test server.
        async with database.transaction() as connection:
            await connection.execute(text("ANALYZE"))
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
    started, exported = time.perf_counter(), 0
    async for _ in audit.oldest_first(Filters()):
        exported += 1
    print(f"export {exported / (time.perf_counter() - started):,.0f} entries a second")
    started = time.perf_counter()
    result = await audit.verify(lambda _: None)
    assert result.problem is None, result.problem
    rate = result.rows / (time.perf_counter() - started)
    print(f"verify {rate:,.0f} rows a second, at most {_megabytes():.0f} MB of memory", flush=True)


async def main(entries: int, url: str) -> None:
    settings = read({"SLACK_BOT_TOKEN": "xoxb-1234567890", "DATABASE_URL": url, "EXTAUTH_SECRET_KEY": SECRET_KEY})
    for share in (entries // 10, entries - entries // 10):
        async with open_audit_log(settings, SystemClock()) as audit:
            started = time.perf_counter()
            await fill(url, share)
            total = (await audit.verify(lambda _: None)).entries if share == entries // 10 else entries
            print(f"{total:,} entries, two rows each (filled in {time.perf_counter() - started:.0f} s)", flush=True)
            await measure(audit)


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(main(count, sys.argv[2] if len(sys.argv) > 2 else f"sqlite:///{folder}/audit.db"))
