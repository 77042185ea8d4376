"""The tables that a new database gets are those that the migrations lead to."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, inspect, text

from bot.storage import schema
from bot.storage.address import database_url
from bot.storage.connect import open_database
from bot.storage.database import Transaction
from bot.storage.tables import metadata
from tests.databases import DATABASES, new_database


def described(connection: Connection) -> dict[str, Any]:
    """Everything about the tables but the order of their columns and the defaults that old rows were given."""
    found = inspect(connection)
    return {
        table: {
            "columns": {
                column["name"]: (str(column["type"]), column["nullable"]) for column in found.get_columns(table)
            },
            "key": found.get_pk_constraint(table)["constrained_columns"],
            "indexes": {index["name"]: (index["column_names"], index["unique"]) for index in found.get_indexes(table)},
        }
        for table in [*metadata.tables, "alembic_version"]
    }


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
                head = (await transaction.execute(text("SELECT * FROM audit_head"))).mappings().one()
                assert len(head["log_id"]) == 16
                columns = sorted((name, value) for name, value in head.items() if name != "log_id")
                found.append((await transaction.run(described), columns))
            await database.close()
    assert found[0] == found[1]
