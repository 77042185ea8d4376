"""Making the tables, and bringing those of an older version up to date."""

import logging
from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, String, Table, insert, inspect, text

from bot.storage.database import Database, DatabaseError, Transaction
from bot.storage.tables import SCHEMA, audit_root, create_tables

logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells of every start

_MIGRATION_LOCK = 0x65787461757468  # "extauth": one process at a time migrates a PostgreSQL
_NEWER = "its tables are of a newer version of Extauth: update the bot"

_alembic_version = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))
"""Where Alembic keeps the tables' version. https://alembic.sqlalchemy.org/en/latest/tutorial.html"""


async def migrate(database: Database, transaction: Transaction) -> bool:
    """Make the tables, or bring them up to date. Other processes wait until the transaction ends.

    Returns whether anything had to be done. Raises DatabaseError.
    """
    if database.is_postgresql:
        await transaction.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
    version = await transaction.run(schema_version)
    if version == SCHEMA:
        return False
    if version is not None and version > SCHEMA:
        raise DatabaseError(_NEWER)
    await transaction.run(_create if version is None else _upgrade)
    return True


async def check_schema(transaction: Transaction) -> None:
    """Raise DatabaseError where the tables are missing or of another version. Changes nothing."""
    found = await transaction.run(schema_version)
    if found is None:
        raise DatabaseError("there is no audit log in it")
    if found != SCHEMA:
        raise DatabaseError("its tables are of another version of Extauth: start the bot once, or update it")


def schema_version(connection: Connection) -> str | None:
    """Return the version of the tables; None where there are none."""
    if not inspect(connection).has_table(_alembic_version.name):
        return None
    return connection.execute(_alembic_version.select()).scalar()


def _create(connection: Connection) -> None:
    """Make the newest tables at once, as all the migrations would."""
    create_tables(connection)
    # `sign_log` signs it in the same transaction.
    connection.execute(insert(audit_root), {"id": 1, "chains": 0, "carried_number": 0, "mac": ""})
    _alembic_version.create(connection)
    connection.execute(insert(_alembic_version), {"version_num": SCHEMA})


def _upgrade(connection: Connection) -> None:
    # Imported only here: most starts find nothing to migrate.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
