"""The tables are what the code expects, and only one process makes them."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from bot.slack.external_auth.models import GetToken
from bot.storage import schema
from bot.storage.address import database_url
from bot.storage.engine import DatabaseError, open_database
from bot.storage.tables import metadata
from tests.audit_log import actor, change, configured, open_audit_log
from tests.databases import DATABASES, new_database
from tests.manual_clock import ManualClock


async def test_the_migrations_make_the_tables_that_the_code_expects(new_url: str) -> None:
    database = open_database(database_url(new_url))

    def compared(connection: Connection) -> list[object]:
        assert schema.migrate(connection)
        assert not schema.migrate(connection)
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL search_path TO public")
            connection = connection.execution_options(schema_translate_map=None)
            connection.dialect.default_schema_name = "public"
        found = compare_metadata(MigrationContext.configure(connection), metadata)
        # The indexes stand in the migration only.
        return [one for one in found if one[0] not in ("remove_index", "remove_table")]

    assert await database.run(compared) == []
    await database.close()


async def test_a_file_that_another_process_is_writing_is_switched_to_wal_later(tmp_path: Path) -> None:
    file = tmp_path / "audit.db"
    database = open_database(database_url(f"sqlite:///{file}"))
    with closing(sqlite3.connect(file)) as other:
        other.execute("BEGIN IMMEDIATE")
        migrating = asyncio.create_task(database.run(schema.migrate))
        # Long enough for an attempt to fail if it doesn't wait.
        await asyncio.wait({migrating}, timeout=0.2)
        assert not migrating.done()
        other.rollback()
    assert await migrating
    await database.close()


async def test_only_one_of_several_processes_makes_the_tables(new_url: str) -> None:
    databases = [open_database(database_url(new_url)) for _ in range(4)]
    made = await asyncio.gather(*(database.run(schema.migrate) for database in databases))
    assert sorted(made) == [False, False, False, True]
    for database in databases:
        await database.close()


@pytest.mark.parametrize("kind", DATABASES)
async def test_a_running_bot_survives_newer_tables_but_cannot_start_again(kind: str, tmp_path: Path) -> None:
    async with new_database(kind, tmp_path) as url:
        async with open_audit_log(configured(url), ManualClock()) as audit:
            await change(url, "CREATE TABLE of_a_newer_version (id INTEGER)")
            await change(url, "UPDATE alembic_version SET version_num = '9999'")
            await audit.attempt(actor(), GetToken("EtOld"))
            assert (await audit.verify(lambda _: None)).problem is None
        with pytest.raises(DatabaseError, match="another version of Extauth"):
            await open_audit_log(configured(url), ManualClock()).__aenter__()
