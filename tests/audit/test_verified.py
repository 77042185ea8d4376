"""The note of the last verification, which who watches the log can trust."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete, insert, select

from bot.audit.chain import OPERATOR, Row
from bot.audit.entries import VerificationResult
from bot.audit.verify import LastVerification
from bot.storage.address import database_url
from bot.storage.engine import open_database
from bot.storage.tables import audit_heads
from tests.audit_log import change, checked, configured, open_audit_log, read_rows, write
from tests.databases import DATABASES, started_database
from tests.manual_clock import ManualClock

INTACT, ALTERED = VerificationResult(3, 6), VerificationResult(0, 1, "Row 2 was altered.")


@pytest.mark.parametrize("kind", DATABASES)
async def test_the_last_verification_is_known_to_who_reads_the_status(kind: str, tmp_path: Path) -> None:
    clock = ManualClock()
    async with started_database(kind, tmp_path) as url, open_audit_log(configured(url), clock) as audit:
        await write(audit)
        assert await audit.status() == (4, None)
        await audit.note_verified(INTACT)
        assert await audit.status() == (5, LastVerification(int(clock.now()), 6, True))
        clock.advance(60)
        await audit.note_verified(ALTERED)
        assert await audit.status() == (6, LastVerification(int(clock.now()), 1, False))
        assert await checked(audit) == (6, 9, None)


def _put_back(old: Sequence[Row]) -> Callable[[Connection], None]:
    def put(connection: Connection) -> None:
        connection.execute(delete(audit_heads).where(audit_heads.c.chain == OPERATOR))
        connection.execute(insert(audit_heads), [dict(row) for row in old])

    return put


@pytest.mark.parametrize("kind", DATABASES)
@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE audit_records SET outcome = 'intact' WHERE kind = 'verified'",
        "DELETE FROM audit_records WHERE outcome = 'altered'",
        "the old head",
        "DELETE FROM audit_heads WHERE chain = ''",
    ],
)
async def test_the_alarm_of_a_verification_is_not_turned_off(kind: str, tampering: str, tmp_path: Path) -> None:
    clock = ManualClock()
    async with started_database(kind, tmp_path) as url, open_audit_log(configured(url), clock) as audit:
        await write(audit)
        await audit.note_verified(INTACT)
        old = await read_rows(url, select(audit_heads).where(audit_heads.c.chain == OPERATOR))
        await audit.note_verified(ALTERED)
        if tampering == "the old head":
            database = open_database(database_url(url))
            await database.run(_put_back(old))
            await database.close()
        else:
            await change(url, tampering)
        _, verified = await audit.status()
        result = await audit.verify(lambda _: None)
        assert (verified is not None and not verified.is_intact) or result.problem is not None
