"""Whatever somebody does who can change rows and tables: nothing is done from then on, or somebody is told."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.audit.entries import AuditResult
from bot.audit.log import AuditLog
from bot.check.database import check_database
from bot.check.finding import Status
from bot.storage.engine import DatabaseError
from tests.audit.test_switched_off import UNRECORDED, UNSAFE
from tests.audit.test_tampering import STEPS, _read, _write
from tests.audit_log import GET, actor, change, configured, open_audit_log, write
from tests.databases import DATABASES, started_database
from tests.manual_clock import ManualClock

RESTART, ROWS = "restart", "rows"


async def _acts(audit: AuditLog) -> int:
    """Do as much as the log lets be done."""
    done = 0
    for user in ("U7", "U8"):
        with suppress(DatabaseError):
            attempt = await audit.attempt(actor(user), GET)
            done += 1
            await audit.finish(attempt, AuditResult("fetched", None, 1))
    return done


async def _is_told(url: str, audit: AuditLog, checkpoint: str) -> bool:
    """Return whether a start, `check`, or `verify` says that something was changed."""
    try:
        async with open_audit_log(configured(url), ManualClock()):
            result = await audit.verify(lambda _: None, audit.read_checkpoints(checkpoint))
            findings = await check_database(configured(url))
    except DatabaseError:
        return True
    return result.problem is not None or any(finding.status is Status.PROBLEM for finding in findings)


async def _example(kind: str, folder: Path, steps: Sequence[str | Sequence[str]], seed: int) -> None:
    chance, clock = random.Random(seed), ManualClock()
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(started_database(kind, folder))
        audit = await stack.enter_async_context(open_audit_log(configured(url), clock))
        await write(audit, 2)
        honest, checkpoint = await _read(url), "\n".join(await audit.checkpoints())
        for step in steps:
            if step == RESTART:
                with suppress(DatabaseError):
                    audit = await stack.enter_async_context(open_audit_log(configured(url), clock))
            elif step == ROWS:
                with suppress(DatabaseError, KeyError, IndexError):
                    state = await _read(url)
                    chance.choice(STEPS)(state, chance)
                    await _write(url, state)
            else:
                with suppress(DatabaseError):
                    await change(url, *step)
        # Rows that were written to a table that isn't there any more, or another one's, are no trace.
        done = await _acts(audit)
        if done and not await _is_told(url, audit, checkpoint):
            now = await _read(url)
            kept = {(row["chain"], row["number"], row["hash"]) for row in now["audit_records"]}
            before = {(row["chain"], row["number"], row["hash"]) for row in honest["audit_records"]}
            assert before <= kept, steps
            assert sum(row["kind"] == "attempt" for row in now["audit_records"]) >= 2 + done, steps


@pytest.mark.long
@pytest.mark.parametrize("kind", DATABASES)
def test_nothing_is_done_untold(kind: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    ddl = [statements for statements, _ in (*UNRECORDED[kind], *UNSAFE[kind])]

    @settings(max_examples=40, deadline=None, suppress_health_check=[*HealthCheck])
    @given(
        st.lists(st.one_of(st.sampled_from(ddl), st.sampled_from([RESTART, ROWS])), min_size=1, max_size=4),
        st.integers(0, 2**32),
    )
    def tamper(steps: list[str | Sequence[str]], seed: int) -> None:
        asyncio.run(_example(kind, tmp_path_factory.mktemp("ddl"), steps, seed))

    tamper()
