"""Creation of the tables by Alembic's migrations, and detection of later changes."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, String, Table, inspect, text

from bot.storage.engine import SCHEMA_NAME, DatabaseError
from bot.storage.tables import SCHEMA, metadata

logging.getLogger("alembic").setLevel(logging.WARNING)  # otherwise Alembic logs every migration

_MIGRATION_LOCK = 0x65787461757468  # "extauth" in ASCII

_OTHER_VERSION = "its tables are of another version of Extauth: use that version, or an empty database"

_alembic_version = Table("alembic_version", MetaData(), Column("version_num", String(32)))
"""Alembic's table, which stores the tables' version. https://alembic.sqlalchemy.org/en/latest/tutorial.html"""


def migrate(connection: Connection) -> bool:
    """Create the tables if there are none, and return whether this call created them. Raises DatabaseError.

    Other processes wait until this transaction ends.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
    version = schema_version(connection)
    if version == SCHEMA:
        return False
    if version is not None:
        raise DatabaseError(_OTHER_VERSION)
    # Imported only here, because most starts have no tables to create.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    return True


def check_schema(connection: Connection) -> None:
    """Raise DatabaseError if the tables are missing or of another version."""
    found = schema_version(connection)
    if found is None:
        raise DatabaseError("there is no audit log in it")
    if found != SCHEMA:
        raise DatabaseError(_OTHER_VERSION)


def schema_version(connection: Connection) -> str | None:
    """Return the version of the tables; None if there are none."""
    schema = SCHEMA_NAME if connection.dialect.name == "postgresql" else None
    if not inspect(connection).has_table(_alembic_version.name, schema):
        return None
    return connection.execute(_alembic_version.select()).scalar()


Schema = Mapping[tuple[str, str, str], str]
"""The definition of each part of the tables, such as a column or a trigger, by kind, name, and table."""

_KINDS = ("trigger", "rule", "policy", "view", "table", "partition", "parent", "index", "constraint", "column")
"""The order in which to report differences, beginning with the parts that can do the most harm."""
_SQLITE = text("SELECT type, name, tbl_name, sql FROM sqlite_master")
# PostgreSQL 18 and newer also list NOT NULL as a constraint, which is excluded because the columns include it.
_POSTGRESQL = text(
    """
    WITH t AS (SELECT c.* FROM unnest(CAST(:tables AS text[])) n JOIN pg_class c ON c.oid = to_regclass(:schema || n))
    SELECT 'table', relname, relname,
        concat_ws(' ', relkind, relpersistence, relrowsecurity, relforcerowsecurity, relispartition)
    FROM t
    UNION ALL
    -- Types of PostgreSQL's own have numbers below 16384: another one can be named like them.
    SELECT 'column', attname, relname,
        concat_ws(' ', CAST(atttypid AS bigint) < 16384, format_type(atttypid, atttypmod), attnotnull,
            attidentity, attgenerated, attcollation::regcollation, pg_get_expr(adbin, adrelid))
    FROM t JOIN pg_attribute ON attrelid = t.oid LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT 'index', i.relname, t.relname, concat_ws(' ', pg_get_indexdef(indexrelid, 0, true), indisvalid, indisready)
    FROM t JOIN pg_index ON indrelid = t.oid JOIN pg_class i ON i.oid = indexrelid
    UNION ALL
    SELECT 'constraint', conname, relname, pg_get_constraintdef(c.oid, true)
    FROM t JOIN pg_constraint c ON conrelid = t.oid WHERE contype <> 'n'
    UNION ALL
    SELECT 'trigger', tgname, relname, concat_ws(' ', tgenabled, pg_get_triggerdef(g.oid, true))
    FROM t JOIN pg_trigger g ON tgrelid = t.oid
    UNION ALL
    SELECT 'rule', rulename, relname, pg_get_ruledef(r.oid, true) FROM t JOIN pg_rewrite r ON ev_class = t.oid
    UNION ALL
    SELECT 'policy', polname, relname,
        concat_ws(' ', polcmd, polpermissive, polroles, pg_get_expr(polqual, polrelid),
            pg_get_expr(polwithcheck, polrelid))
    FROM t JOIN pg_policy ON polrelid = t.oid
    UNION ALL
    SELECT 'partition', c.relname, t.relname, 'attached'
    FROM t JOIN pg_inherits ON inhparent = t.oid JOIN pg_class c ON c.oid = inhrelid
    UNION ALL
    SELECT 'parent', c.relname, t.relname, 'attached'
    FROM t JOIN pg_inherits ON inhrelid = t.oid JOIN pg_class c ON c.oid = inhparent
    """
)


def read_schema(connection: Connection) -> Schema:
    """Return the definitions of the tables, and of everything that can change their reads or writes."""
    tables = [*metadata.tables, _alembic_version.name]
    if connection.dialect.name == "postgresql":
        rows = connection.execute(_POSTGRESQL, {"tables": tables, "schema": f"{SCHEMA_NAME}."})
        return {(kind, name, table): str(definition) for kind, name, table, definition in rows}
    # SQLite ignores case in a table's name, and reads the name up to a NUL. Triggers and views are included even if
    # they belong to other tables, because they can still change Extauth's.
    return {
        (kind, name, table): _plain(str(definition), tables)
        for kind, name, table, definition in connection.execute(_SQLITE)
        if kind not in ("table", "index") or table.partition("\0")[0].lower() in tables
    }


def _plain(definition: str, tables: Sequence[str]) -> str:
    """Return a definition without the quotes that SQLite adds when a table is renamed and renamed back."""
    for table in tables:
        definition = definition.replace(f'"{table}"', table)
    return " ".join(definition.split())


def differences(made: Schema, found: Schema) -> list[str]:
    """Return a short description of each difference between the migration's schema and the one found."""
    said = []
    order = {kind: number for number, kind in enumerate(_KINDS)}
    for kind, name, table in sorted({*made, *found}, key=lambda place: (order.get(place[0], -1), place)):
        what = f"the {kind} {name}" + (f" of {table}" if name != table else "")
        before, now = made.get((kind, name, table)), found.get((kind, name, table))
        if before is None:
            said.append(f"{what} isn't Extauth's")
        elif now is None:
            said.append(f"{what} is missing")
        elif now != before:
            said.append(f"{what} was changed")
    return said
