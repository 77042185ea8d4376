"""What is asked of the log is found by an index, on both databases."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Select, select, text
from sqlalchemy.engine import make_url

from bot.audit import store
from bot.audit.entries import Filters
from bot.audit.reader import _conditions, _page
from bot.storage.address import database_url
from bot.storage.engine import open_database
from bot.storage.tables import audit_records
from tests.audit_log import configured, open_audit_log
from tests.databases import new_database
from tests.manual_clock import ManualClock

TABLE = audit_records.c


def newest(**wanted: Any) -> Select[Any]:
    return _page(Filters(**wanted), None).limit(20)


def oldest(**wanted: Any) -> Select[Any]:
    found = select(audit_records).where(TABLE.number > 5, TABLE.chain == "T1", *_conditions(Filters(**wanted)))
    return found.order_by(TABLE.number).limit(5000)


PLANS = {
    "history of a workspace": (newest(team_id="T1"), "autoindex_audit_records_1"),
    "history of a person": (newest(team_id="T1", user_id="U1"), "ix_audit_records_user"),
    "history of a token": (newest(team_id="T1", external_token_id="Et1"), "ix_audit_records_token"),
    "history of a provider": (newest(team_id="T1", provider_key="p1"), "ix_audit_records_provider"),
    "list of a person": (newest(user_id="U1"), "ix_audit_records_user"),
    "list of an action": (newest(action="get"), "ix_audit_records_action"),
    "list of denials": (newest(action="denied"), "ix_audit_records_kind"),
    "list of a token": (newest(external_token_id="Et1"), "ix_audit_records_token"),
    "export of a token": (oldest(team_id="T1", external_token_id="Et1"), "ix_audit_records_token"),
    "find a token": (select(audit_records).where(TABLE.token_hmac == "x"), "ix_audit_records_token_hmac"),
    "a page of the export": (oldest(team_id="T1"), "autoindex_audit_records_1"),
    "results": (select(audit_records).where(TABLE.chain == "T1", TABLE.attempt.in_([1])), "ix_audit_records_attempt"),
    "attempts": (select(audit_records).where(TABLE.chain == "T1", TABLE.number.in_([1])), "autoindex_audit_records_1"),
    "an interaction": (
        select(TABLE.interaction).where(TABLE.interaction.in_(["x"])),
        "ix_audit_records_interaction",
    ),
    "what has no result": (store.unfinished_query(5, 10), "ix_audit_records_at"),
}
_MANY = """
INSERT INTO audit_records (
    chain, number, at, kind, reference, team_id, user_id, action, external_token_id, provider_key, parameters, previous,
    hash
)
SELECT 'T1', n, n, 'attempt', 'R', 'T1', 'U' || n % 500, 'get', 'Et' || n % 500, 'p' || n % 500, '{}', '', ''
FROM generate_series(1, 20000) AS n
"""


async def explained(kind: str, folder: Path, read: Callable[[Connection], list[str]], *before: str) -> list[str]:
    """Return the lines that `read` gets from a database of a kind, once these statements have run."""
    async with new_database(kind, folder) as url:
        async with open_audit_log(configured(url), ManualClock()):
            pass
        database = open_database(database_url(url))

        def work(connection: Connection) -> list[str]:
            # The statements are written out here, without the tables' schema.
            path = ("SET LOCAL search_path TO public",) if kind == "postgresql" else ()
            for statement in (*path, *before):
                connection.execute(text(statement))
            return read(connection)

        found = await database.run(work)
        await database.close()
        return found


def written(query: Select[Any], kind: str) -> str:
    """The statement as the bot sends it, with the values in their places."""
    dialect = make_url(f"{kind}://").get_dialect()()
    return str(query.compile(dialect=dialect, compile_kwargs={"literal_binds": True})).replace(":", "\\:")


@pytest.mark.parametrize("what", PLANS)
async def test_no_query_reads_the_whole_log(what: str, tmp_path: Path) -> None:
    query, index = PLANS[what]

    def read(connection: Connection) -> list[str]:
        steps = connection.execute(text(f"EXPLAIN QUERY PLAN {written(query, 'sqlite')}"))
        return [row.detail for row in steps]

    plan = await explained("sqlite", tmp_path, read)
    assert plan[0].startswith("SEARCH audit_records USING"), plan
    assert f"{index} (" in plan[0], plan
    assert not any(step.startswith("SCAN") for step in plan), plan


async def test_rare_values_are_found_by_their_index_in_postgresql(tmp_path: Path) -> None:
    def read(connection: Connection) -> list[str]:
        plans = []
        for what in ("person", "token", "provider"):
            query, index = PLANS[f"history of a {what}"]
            steps = connection.execute(text(f"EXPLAIN {written(query, 'postgresql')}")).scalars()
            plans.append(f"{index}: {chr(10).join(steps)}")
        return plans

    for plan in await explained("postgresql", tmp_path, read, _MANY, "ANALYZE audit_records"):
        index = plan.partition(":")[0]
        assert f"{index} on audit_records" in plan or f"on {index}" in plan, plan
