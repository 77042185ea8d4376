"""A value of another kind, in a row that the audit log doesn't prove, stops nothing and nobody else."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import Table

from bot.actor import Actor
from bot.app import open_storage
from bot.batch import Batch, BatchState, Item, ItemResult
from bot.clock import SystemClock
from bot.operation import Operation
from bot.storage import tables
from bot.storage.engine import DatabaseError
from tests.audit_log import change, configured
from tests.databases import DATABASES, started_database
from tests.installed import install

BESIDE_THE_LOG: list[Table] = [
    *(tables.batches, tables.account_states, tables.schedules, tables.workspace_settings, tables.installations),
    tables.oauth_states,
]
ODD = {"sqlite": ["'odd'", "-1", "x'00ff'", "1e300", "''"], "postgresql": ["'-1'", "'9000000000000000000'"]}
PLACES = [
    (kind, table.name, column.name, value)
    for kind in DATABASES
    for table in BESIDE_THE_LOG
    for column in table.columns
    if not column.primary_key
    for value in ODD[kind]
    if kind == "sqlite" or value != "'9000000000000000000'" or column.type.python_type is int
]


@pytest.mark.parametrize("kind", DATABASES)
async def test_an_odd_value_is_an_error_of_the_database_or_passed_over(kind: str, tmp_path: Path) -> None:
    async with started_database(kind, tmp_path) as url, open_storage(configured(url), SystemClock()) as storage:
        mine = Actor("U1", "T1", None, SecretStr("xoxb-1"), "R1", "I1")
        for place, table, column, value in PLACES:
            if place != kind:
                continue
            for name in BESIDE_THE_LOG:
                await change(url, f"DELETE FROM {name.name}")
            batches = {
                team: Batch.of(replace(mine, team_id=team), Operation.TEST, [Item("Et1")], SystemClock.now())
                for team in ("T1", "T2")
            }
            for team, batch in batches.items():
                await storage.batches.put(batch, BatchState.WAITING)
                await storage.account_states.note(batch.with_result(ItemResult("works")))
                await storage.settings_store.write(team, {"contact": "U1"}, 0)
                await install(storage, f"xoxb-{team}", team)
                await storage.schedules.claim(f"test {team}", 60)
            await storage.oauth_states.use(await storage.oauth_states.async_issue())
            key = next(iter(getattr(tables, table).primary_key.columns)).name
            where = f"{key} LIKE '%T1%'" if table != "batches" else f"id = '{batches['T1'].batch_id}'"
            with suppress(DatabaseError):
                await change(url, f"UPDATE {table} SET {column} = {value} WHERE {where}")

            for team in ("T1", "T2"):
                try:
                    found = await storage.batches.find_in(team, batches[team].batch_id)
                    settings = await storage.settings_store.read(team)
                    installed = await storage.installations.find(team, None)
                    await storage.account_states.known(team)
                    await storage.schedules.claim(f"test {team}", 60)
                except DatabaseError:
                    assert team == "T1", (table, column, value)
                    continue
                if team == "T2":
                    assert found is not None
                    assert (settings.version, installed is not None) == (1, True)
            await storage.batches.in_states((BatchState.WAITING,))
            await storage.installations.all()
            await storage.schedules.beat()
