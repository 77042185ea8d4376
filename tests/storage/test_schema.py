"""The tables that a new database gets are those that the migrations lead to."""

import warnings
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Inspector, inspect, text
from sqlalchemy.engine.interfaces import ReflectedIndex

from bot.audit.entries import Filters
from bot.slack.external_auth.models import GetToken
from bot.storage import schema
from bot.storage.address import database_url
from bot.storage.connect import open_database
from bot.storage.database import DatabaseError, Transaction
from bot.storage.tables import metadata
from tests.audit.older_logs import SECRET_KEY, migrated, write_single_chain
from tests.audit_log import actor, change, configured, open_audit_log
from tests.databases import DATABASES, new_database
from tests.manual_clock import ManualClock


def described(connection: Connection) -> dict[str, Any]:
    """Everything about the tables but the order of their columns and the defaults that old rows were given."""
    found = inspect(connection)
    return {
        table: {
            "columns": {
                column["name"]: (str(column["type"]), column["nullable"]) for column in found.get_columns(table)
            },
            "key": found.get_pk_constraint(table)["constrained_columns"],
            "indexes": {index["name"]: (index["column_names"], index["unique"]) for index in _indexes(found, table)},
        }
        for table in [*metadata.tables, "alembic_version"]
    }


def _indexes(found: Inspector, table: str) -> list[ReflectedIndex]:
    with warnings.catch_warnings():
        # Of an expression, SQLAlchemy can't read one in SQLite: `definitions` has those too.
        warnings.filterwarnings("ignore", "Skipped unsupported reflection of expression-based index")
        return found.get_indexes(table)


async def definitions(transaction: Transaction, *, is_postgresql: bool) -> list[str]:
    """How each index of the log is defined, in the database's own words."""
    kept = "SELECT indexdef FROM pg_indexes" if is_postgresql else "SELECT sql FROM sqlite_master WHERE type = 'index'"
    found = (await transaction.execute(text(kept))).scalars().all()
    return sorted(line for line in found if line and " ON " in line and "audit_records" in line)


async def migrated_from_the_start(transaction: Transaction) -> None:
    """Run every migration, on an empty database that looks like an old one."""
    await transaction.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
    await transaction.run(schema._upgrade)


@pytest.mark.parametrize("kind", DATABASES)
async def test_a_new_database_is_what_the_migrations_make(kind: str, tmp_path: Path) -> None:
    found = []
    for name in ("created", "migrated"):
        (tmp_path / name).mkdir()
        async with new_database(kind, tmp_path / name) as url:
            database = open_database(database_url(url))
            async with database.transaction() as transaction:
                if name == "migrated":
                    await migrated_from_the_start(transaction)
                assert await schema.migrate(database, transaction) is (name == "created")
                root = (await transaction.execute(text("SELECT * FROM audit_root"))).mappings().one()
                columns = sorted((name, value) for name, value in root.items() if name != "chains")
                heads = (await transaction.execute(text("SELECT chain, number FROM audit_heads"))).all()
                # What was migrated has the chain that all shared, be it empty.
                assert [tuple(head) for head in heads] == ([("", 0)] if name == "migrated" else [])
                indexes = await definitions(transaction, is_postgresql=database.is_postgresql)
                assert sum("_token " in line or "_provider " in line for line in indexes) == 2
                found.append((await transaction.run(described), columns, indexes))
            await database.close()
    assert found[0] == found[1]


@pytest.mark.parametrize("kind", DATABASES)
async def test_a_log_of_an_older_version_can_be_searched(kind: str, tmp_path: Path) -> None:
    async with new_database(kind, tmp_path) as url:
        await write_single_chain(url)
        database = open_database(database_url(url))
        async with database.transaction() as transaction:
            await transaction.run(migrated, "0002", down=True)
        await database.close()
        # Somebody else may have written anything, and must not keep the bot from starting.
        await change(url, "UPDATE audit_records SET parameters = 'not JSON' WHERE number = 5")
        async with open_audit_log(configured(url, EXTAUTH_SECRET_KEY=SECRET_KEY), ManualClock()) as audit:
            (found,) = await audit.newest(9, Filters(external_token_id="Et1"))
            assert found.parameters == {"external_token_id": "Et1"}
            (found,) = await audit.newest(9, Filters(provider_key="google"))
            assert found.parameters == {"provider_key": "google"}
            assert not await audit.newest(9, Filters(external_token_id="EtOther"))


@pytest.mark.parametrize("kind", DATABASES)
async def test_who_runs_goes_on_when_a_newer_version_adds_tables_and_cannot_start_again(
    kind: str, tmp_path: Path
) -> None:
    async with new_database(kind, tmp_path) as url:
        async with open_audit_log(configured(url), ManualClock()) as audit:
            await change(url, "CREATE TABLE of_a_newer_version (id INTEGER)")
            await change(url, "UPDATE alembic_version SET version_num = '9999'")
            await audit.attempt(actor(), GetToken("EtOld"))
            assert (await audit.verify(lambda _: None)).problem is None
        with pytest.raises(DatabaseError, match="newer version of Extauth"):
            await open_audit_log(configured(url), ManualClock()).__aenter__()
