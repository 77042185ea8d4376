"""Making the tables, by Alembic's migrations."""

import logging
from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, String, Table, inspect, text

from bot.storage.engine import DatabaseError
from bot.storage.tables import SCHEMA

logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells of every start

_MIGRATION_LOCK = 0x65787461757468  # "extauth": one process at a time migrates a PostgreSQL

_OTHER_VERSION = "its tables are of another version of Extauth: use that version, or an empty database"

_alembic_version = Table("alembic_version", MetaData(), Column("version_num", String(32)))
"""Where Alembic keeps the tables' version. https://alembic.sqlalchemy.org/en/latest/tutorial.html"""


def migrate(connection: Connection) -> bool:
    """Make the tables where there are none, and return whether that was so. Raises DatabaseError.

    Other processes wait until the transaction ends.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
    version = schema_version(connection)
    if version == SCHEMA:
        return False
    if version is not None:
        raise DatabaseError(_OTHER_VERSION)
    # Imported only here: most starts find nothing to migrate.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    return True


def check_schema(connection: Connection) -> None:
    """Raise DatabaseError where the tables are missing or of another version. Changes nothing."""
    found = schema_version(connection)
    if found is None:
        raise DatabaseError("there is no audit log in it")
    if found != SCHEMA:
        raise DatabaseError(_OTHER_VERSION)


def schema_version(connection: Connection) -> str | None:
    """Return the version of the tables; None where there are none."""
    if not inspect(connection).has_table(_alembic_version.name):
        return None
    return connection.execute(_alembic_version.select()).scalar()
