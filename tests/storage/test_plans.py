"""What is asked of the log is found by an index, on both databases."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Select, select, text
from sqlalchemy.engine import make_url

from bot.audit.entries import Filters
from bot.audit.query import rows_of
from bot.storage.address import database_url
from bot.storage.connect import open_database
from bot.storage.database import Transaction
from bot.storage.tables import audit_records, interactions
from tests.audit_log import configured, open_audit_log
from tests.databases import new_database
from tests.manual_clock import ManualClock

TABLE = audit_records.c
PLACE = (TABLE.at, TABLE.chain, TABLE.number)


def newest(**wanted: Any) -> Select[Any]:
    query = select(audit_records).where(TABLE.number < 19_990, *rows_of(Filters(**wanted)))
    return query.order_by(TABLE.number.desc()).limit(20)


def oldest(*where: Any) -> Select[Any]:
    return select(audit_records).where(TABLE.number > 5, TABLE.chain == "T1", *where).order_by(TABLE.number).limit(5000)


PLANS = {
    "history of a workspace": (newest(team_id="T1"), "ix_audit_records_team"),
    "history of a person": (newest(team_id="T1", user_id="U1"), "ix_audit_records_user"),
    "history of a token": (newest(team_id="T1", external_token_id="Et1"), "ix_audit_records_token"),
    "history of a provider": (newest(team_id="T1", provider_key="p1"), "ix_audit_records_provider"),
    "history of a token, by a person": (
        newest(team_id="T1", user_id="U1", external_token_id="Et1"),
        "ix_audit_records_token",
    ),
    "list of a person": (newest(user_id="U1"), "ix_audit_records_user"),
    "list of an action": (newest(action="get"), "ix_audit_records_action"),
    "list of a person's action": (newest(user_id="U1", action="get"), "ix_audit_records_user"),
    "list of denials": (newest(action="denied"), "ix_audit_records_kind"),
    "list of a token": (newest(external_token_id="Et1"), "ix_audit_records_token"),
    "export of a token": (oldest(*rows_of(Filters(external_token_id="Et1"))), "ix_audit_records_token"),
    "find a token": (
        select(audit_records).where(TABLE.token_hmac == "x").order_by(*PLACE),
        "ix_audit_records_token_hmac",
    ),
    "a page of the export": (oldest(*rows_of(Filters())), "autoindex_audit_records_1"),
    "results": (
        select(audit_records).where(TABLE.chain == "T1", TABLE.attempt.in_([1, 2])).order_by(*PLACE),
        "ix_audit_records_attempt",
    ),
    "attempts": (
        select(audit_records).where(TABLE.chain == "T1", TABLE.number.in_([1, 2])).order_by(*PLACE),
        "autoindex_audit_records_1",
    ),
}
CLAIM = interactions.c
INTERACTIONS = {
    "the interaction of an attempt": (
        select(interactions).where(CLAIM.chain == "T1", CLAIM.attempt == 1),
        "ix_interactions_attempt",
    ),
    "old interactions": (
        select(interactions).where(CLAIM.is_finished.is_(True), CLAIM.at < 1),
        "ix_interactions_at",
    ),
}
_MANY = """
INSERT INTO audit_records (chain, number, at, kind, reference, team_id, user_id, action, parameters, previous, hash)
SELECT 'T1', n, n, 'attempt', 'R', 'T1', 'U' || n % 500, 'get',
    '{"external_token_id": "Et' || n % 500 || '", "provider_key": "p' || n % 500 || '"}', '', ''
FROM generate_series(1, 20000) AS n
"""


@asynccontextmanager
async def reading(kind: str, folder: Path, *before: str) -> AsyncIterator[Transaction]:
    async with new_database(kind, folder) as url:
        async with open_audit_log(configured(url), ManualClock()):
            pass
        database = open_database(database_url(url))
        async with database.transaction() as transaction:
            for statement in before:
                await transaction.execute(text(statement))
            yield transaction
        await database.close()


def written(query: Select[Any], kind: str) -> Any:
    """The statement as the bot sends it, with the values in their places."""
    dialect = make_url(f"{kind}://").get_dialect()()
    return text(str(query.compile(dialect=dialect, compile_kwargs={"literal_binds": True})).replace(":", "\\:"))


async def sqlite_plan(query: Select[Any], folder: Path) -> list[str]:
    """The steps in which SQLite answers a query."""
    async with reading("sqlite", folder) as transaction:
        explained = text(f"EXPLAIN QUERY PLAN {written(query, 'sqlite')}")
        return [row.detail for row in await transaction.execute(explained)]


@pytest.mark.parametrize("what", PLANS)
async def test_nothing_that_is_asked_reads_the_whole_log(what: str, tmp_path: Path) -> None:
    query, index = PLANS[what]
    plan = await sqlite_plan(query, tmp_path)
    assert plan[0].startswith("SEARCH audit_records USING"), plan
    assert f"{index} (" in plan[0], plan
    assert not any("SCAN" in step for step in plan), plan
    # Of a page, no more rows are read than are shown.
    assert len(plan) == 1 or not what.startswith(("history", "list", "export")), plan


@pytest.mark.parametrize("what", INTERACTIONS)
async def test_no_interaction_is_looked_for_among_all(what: str, tmp_path: Path) -> None:
    query, index = INTERACTIONS[what]
    plan = await sqlite_plan(query, tmp_path)
    assert f"{index} (" in plan[0], plan


async def test_what_few_entries_have_is_found_by_it_in_a_postgresql(tmp_path: Path) -> None:
    async with reading("postgresql", tmp_path, _MANY, "ANALYZE audit_records") as transaction:
        for what in ("person", "token", "provider"):
            query, index = PLANS[f"history of a {what}"]
            explained = text(f"EXPLAIN {written(query, 'postgresql')}")
            plan = "\n".join((await transaction.execute(explained)).scalars())
            assert f"{index} on audit_records" in plan or f"on {index}" in plan, (what, plan)
