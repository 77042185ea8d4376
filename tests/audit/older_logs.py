"""Audit logs as older versions wrote them: one chain that all workspaces shared."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alembic import command as alembic
from alembic.config import Config
from sqlalchemy import Connection, text

from bot.audit.head import Head
from bot.audit.keys import AuditKey, canonical
from bot.storage import postgresql
from bot.storage.address import database_url
from bot.storage.connect import open_database
from bot.storage.database import Transaction

SECRET_KEY = "k" * 32
KEY = AuditKey(SECRET_KEY.encode())
COLUMNS = (
    *("number", "at", "kind", "reference", "attempt", "team_id", "enterprise_id", "user_id", "action", "parameters"),
    *("outcome", "code", "milliseconds", "token_hmac", "previous", "hash"),
)


def migrated(connection: Connection, revision: str, *, down: bool = False) -> None:
    """Bring the tables to a version's."""
    config = Config()
    config.set_main_option("script_location", str(Path(postgresql.__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    (alembic.downgrade if down else alembic.upgrade)(config, revision)


async def write_single_chain(url: str, entries: int = 3, teams: Sequence[str] = ("T1",)) -> None:
    """Make the log that the last version with one chain wrote: fetches by U0, U1, and so on, ten seconds apart."""
    database = open_database(database_url(url))
    async with database.transaction() as connection:
        await connection.run(migrated, "0004")
        previous = await _write(connection, entries, teams, is_0_1=False)
        logged = (await connection.execute(text("SELECT log_id FROM audit_head"))).scalar_one()
        head = Head("", 1, logged, 0, entries * 2, previous, entries, 0, "0" * 64, 0)
        changed = {"number": head.number, "hash": head.hash, "entries": entries, "mac": head.single_mac(KEY)}
        await connection.execute(
            text("UPDATE audit_head SET number = :number, hash = :hash, entries = :entries, mac = :mac"), changed
        )
    await database.close()


async def write_version_0_1(url: str, entries: int = 3) -> None:
    """Make the log that version 0.1 wrote, whose head wasn't signed."""
    database = open_database(database_url(url))
    async with database.transaction() as connection:
        await connection.run(migrated, "0001")
        previous = await _write(connection, entries, ("T1",), is_0_1=True)
        changed = {"number": entries * 2, "hash": previous}
        await connection.execute(text("UPDATE audit_head SET number = :number, hash = :hash"), changed)
    await database.close()


async def _write(connection: Transaction, entries: int, teams: Sequence[str], *, is_0_1: bool) -> str:
    previous = "0" * 64
    insert = text(f"INSERT INTO audit_records VALUES ({', '.join(f':{name}' for name in COLUMNS)})")
    for number in range(1, entries * 2 + 1):
        row = _row(number, teams[(number - 1) // 2 % len(teams)])
        hashed = [{**row, "previous": previous}[name] for name in COLUMNS[:-1]]
        digest = (
            KEY.of_old_chain(json.dumps(hashed, separators=(",", ":")).encode())
            if is_0_1
            else KEY.of_single_chain(canonical(hashed))
        )
        await connection.execute(insert, {**row, "previous": previous, "hash": digest})
        previous = digest
    return previous


def _row(number: int, team_id: str) -> dict[str, Any]:
    entry, is_result = (number - 1) // 2, number % 2 == 0
    return {
        **dict.fromkeys(COLUMNS),
        "number": number,
        "at": 1_700_000_000_000_000 + entry * 10_000_000,
        "kind": "ending" if is_result else "attempt",
        "reference": "ABCD2345",
        "attempt": number - 1 if is_result else None,
        "team_id": team_id,
        "user_id": f"U{entry}",
        "action": "get",
        "parameters": '{"provider_key": "google"}' if entry % 2 else '{"external_token_id": "Et1"}',
        "outcome": "fetched" if is_result else None,
        "milliseconds": 1 if is_result else None,
    }
