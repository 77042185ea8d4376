"""A check of the database and its key, which changes neither of them."""

import os
import re
import tempfile
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.engine import URL

from bot.audit.keys import AuditKey, load_key
from bot.audit.schema import schema_differences
from bot.audit.store import authentic_heads
from bot.audit.verify import altered_heads
from bot.check.finding import Finding, Status, not_checked, ok, problem
from bot.clock import Clock
from bot.jobs.open_sockets import OpenSockets
from bot.settings import DatabaseSettings, key_source
from bot.storage.address import database_url, describe
from bot.storage.engine import SCHEMA_NAME, DatabaseError, open_database
from bot.storage.key_rotation import count_under_older_keys
from bot.storage.schema import check_schema, schema_version
from bot.storage.tables import SCHEMA, metadata

SUBJECT, KEY = "DATABASE_URL", "EXTAUTH_SECRET_KEY"
_SQLITE_BEGINNING = b"SQLite format 3\0"
"""The first bytes of every SQLite file that isn't empty. https://www.sqlite.org/fileformat.html"""
_SQLITE_FAULTS = {
    "SQLITE_BUSY": (
        "Another program has locked the database.",
        "Find what holds the lock, such as a backup or a SQLite shell, and end it.",
    ),
    "SQLITE_READONLY": (
        "The database can't be written to.",
        "Let the user that runs Extauth write to the file and its folder.",
    ),
    "SQLITE_CANTOPEN": (
        "The database file can't be opened.",
        "Let the user that runs Extauth read and write the file and its folder.",
    ),
    "SQLITE_NOTADB": ("The file isn't a SQLite database.", "Name another file in DATABASE_URL."),
    "SQLITE_CORRUPT": ("The database file is damaged.", "Restore it from a backup."),
    "SQLITE_FULL": ("The disk is full.", "Free some space on the disk."),
}
_UNREACHABLE = (
    "Connection refused|timeout expired|timed out|failed to resolve host|No route to host|unreachable|No such file"
)
_POSTGRES_FAULTS = {
    "password authentication failed": (
        "PostgreSQL doesn't accept the password.",
        "Correct the user and password in DATABASE_URL.",
    ),
    'role ".*" does not exist|pg_hba.conf|not permitted to log in': (
        "PostgreSQL doesn't let this user in.",
        "Correct the user in DATABASE_URL, or allow it in pg_hba.conf.",
    ),
    'database ".*" does not exist': (
        "PostgreSQL has no database of this name.",
        "Create the database, or correct the name in DATABASE_URL.",
    ),
    "too many (clients|connections)|connection slots": (
        "PostgreSQL has no connection left.",
        "Raise max_connections, or end connections that aren't needed.",
    ),
    "does not support SSL": (
        "PostgreSQL doesn't encrypt connections.",
        "Turn on `ssl` in postgresql.conf, or correct sslmode in DATABASE_URL.",
    ),
    "certificate verify failed|root certificate": (
        "PostgreSQL's certificate isn't from an authority that this machine trusts.",
        "Name the authority's file in DATABASE_URL: ?sslmode=verify-full&sslrootcert=FILE.",
    ),
    "does not match host name": (
        "PostgreSQL's certificate is for another host.",
        "Write the host in DATABASE_URL as the certificate does.",
    ),
}
"""Faults by the text of the driver's error for a failed connection, because the error has no code."""
_READ_ONLY = (
    "The PostgreSQL server is read-only.",
    "Name the primary server in DATABASE_URL, not a replica.",
)
_NO_PRIVILEGE = (
    "The user of the database can't write the tables.",
    "Make that user the owner of the database and its tables.",
)
_CAN_WRITE = text(
    # Each privilege is checked alone, because for a list, PostgreSQL returns true if just one is granted.
    "SELECT bool_and(has_table_privilege(t.oid, p)) FROM pg_class t, unnest(ARRAY['INSERT', 'UPDATE', 'DELETE']) p "
    "WHERE t.relnamespace = CAST(:schema AS regnamespace) AND t.relname = ANY(:tables)"
)
_CAN_CREATE = text("SELECT has_schema_privilege(:schema, 'CREATE')")


async def check_database(settings: DatabaseSettings) -> list[Finding]:
    """Check that Extauth can read and write the audit log, and that EXTAUTH_SECRET_KEY is the log's key."""
    url = database_url(settings.database_url.get_secret_value())
    if url.drivername.startswith("sqlite"):
        about_file = _check_file(Path(str(url.database)))
        if about_file is not None:
            return about_file
    database = open_database(url, creates=False)
    try:
        return await database.run(lambda connection: _opened(connection, settings))
    except DatabaseError as error:
        return _broken(*_fault(error, url, settings))
    finally:
        await database.close()


async def count_open_sockets(settings: DatabaseSettings, clock: Clock) -> int | None:
    """Return the number of Socket Mode connections of this database's processes; None if the database doesn't work."""
    url = database_url(settings.database_url.get_secret_value())
    if url.drivername.startswith("sqlite") and not os.path.exists(str(url.database)):  # noqa: ASYNC240
        return 0
    database = open_database(url, creates=False)
    try:
        await database.run(check_schema, reads=True)
        return await OpenSockets(database, clock).count()
    except DatabaseError:
        return None
    finally:
        await database.close()


_KEY_TO_COME = ok(KEY, "Extauth uses this key from its first start.")


async def explain_unusable(settings: DatabaseSettings, error: Exception) -> str:
    """Return the reason that the audit log can't be read, and the fix, in one line."""
    where = describe(settings.database_url.get_secret_value())
    for finding in await check_database(settings):
        if finding.status is Status.PROBLEM or finding.fix:
            place = f" ({where})" if finding.subject == SUBJECT and where not in finding.says else ""
            return f"{finding.subject}{place}: {finding.says} {finding.fix}"
    return f"{SUBJECT} ({where}): No audit log can be read there ({error}). Start Extauth once, or correct {SUBJECT}."


def _broken(says: str, fix: str) -> list[Finding]:
    return [problem(SUBJECT, says, fix), not_checked(KEY, f"{SUBJECT} doesn't work")]


def _check_file(path: Path) -> list[Finding] | None:
    """Return the findings about a file without opening it as a database, or None if it must be opened for that."""
    if path.exists():
        beginning = b""
        # SQLite opens a read-only file without an error and fails only when the first entry is written.
        for mode, fault in (("rb", "SQLITE_CANTOPEN"), ("r+b", "SQLITE_READONLY")):
            try:
                with path.open(mode) as file:
                    beginning = file.read(len(_SQLITE_BEGINNING))
            except OSError:
                return _broken(*_SQLITE_FAULTS[fault])
        return None if beginning in (b"", _SQLITE_BEGINNING) else _broken(*_SQLITE_FAULTS["SQLITE_NOTADB"])
    path = path.absolute()
    if not path.parent.is_dir():
        return _broken(f"The folder {path.parent} doesn't exist.", "Create the folder, or correct DATABASE_URL.")
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError:
        return _broken(
            f"Extauth can't create files in {path.parent}.",
            "Let the user that runs Extauth write there, or name another folder in DATABASE_URL.",
        )
    return [ok(SUBJECT, f"Extauth creates {path} when it starts."), _KEY_TO_COME]


def _opened(connection: Connection, settings: DatabaseSettings) -> list[Finding]:
    version = schema_version(connection)
    if connection.dialect.name == "postgresql":
        if connection.execute(text("SHOW transaction_read_only")).scalar() == "on":
            return _broken(*_READ_ONLY)
        where = {"schema": SCHEMA_NAME}
        tables = {**where, "tables": sorted(metadata.tables)}
        asked = connection.execute(_CAN_CREATE, where) if version is None else connection.execute(_CAN_WRITE, tables)
        if not asked.scalar():
            return _broken(*_NO_PRIVILEGE)
    if version is None:
        return [ok(SUBJECT, "Works. Extauth creates its tables when it starts."), _KEY_TO_COME]
    if version != SCHEMA:
        says = "The tables are from another version of Extauth."
        return _broken(says, "Use that version, or name an empty database in DATABASE_URL.")
    try:
        key = load_key(connection, settings.secret_keys)
    except DatabaseError:
        says = "This isn't the key the audit log was written with."
        return [ok(SUBJECT, "Works."), problem(KEY, says, "Set the original key again.")]
    about_key = ok(KEY, f"This is the key the audit log was written with, from {key_source()}.")
    older = count_under_older_keys(connection, key.vault)
    if older:
        what = "1 thing is" if older == 1 else f"{older:,} things are"
        fix = "Run `extauth keys rotate` before you drop that key."
        about_key = ok(KEY, f"{what} still under an older key.", fix)
    return [_log(connection, key), about_key]


def _log(connection: Connection, key: AuditKey) -> Finding:
    changed = schema_differences(connection, key)
    if changed:
        return problem(
            SUBJECT,
            f"The tables aren't as Extauth made them: {'; '.join(changed)}.",
            "Find out who changed them, and undo that. Extauth doesn't start until then.",
        )
    if altered_heads(connection, key) is not None:
        return problem(SUBJECT, "Somebody altered the audit log.", "Run `audit verify` to see where.")
    entries = sum(head.entries for head in authentic_heads(connection, key).values())
    return ok(SUBJECT, "Works." if entries else "Works. The audit log is empty.")


def _fault(error: DatabaseError, url: URL, settings: DatabaseSettings) -> tuple[str, str]:
    """Return the problem and the fix for the driver's error, which is the context of `error`."""
    driver: Any = getattr(error.__context__, "orig", None) or error.__context__
    where = describe(settings.database_url.get_secret_value())
    name = getattr(driver, "sqlite_errorname", None)
    for known, fault in _SQLITE_FAULTS.items():
        if name is not None and name.startswith(known):
            return fault
    if url.drivername.startswith("postgresql"):
        for said, fault in _POSTGRES_FAULTS.items():
            if re.search(said, str(driver)):
                return fault
        if isinstance(driver, OSError | TimeoutError) or re.search(_UNREACHABLE, str(driver)):
            return f"PostgreSQL can't be reached ({where}).", "Start it, or correct the host and port in DATABASE_URL."
    return f"The database can't be used ({where}): {error}.", "Fix the database, or name another one in DATABASE_URL."
