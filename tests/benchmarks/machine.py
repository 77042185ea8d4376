"""What the figures were measured on, in neutral terms."""

import os
import platform
import sqlite3
from datetime import UTC, datetime
from importlib.metadata import version

import asyncpg

from tests.databases import POSTGRES

_PACKAGES = ("aiohttp", "slack_bolt", "slack_sdk", "SQLAlchemy", "asyncpg")


async def postgresql_version() -> str | None:
    """None where no PostgreSQL answers."""
    try:
        server = await asyncpg.connect(POSTGRES, timeout=3)
    except (OSError, TimeoutError, asyncpg.PostgresError):
        return None
    try:
        return str(server.get_server_version().major)
    finally:
        await server.close()


async def describe(rounds: int) -> dict[str, str]:
    """What a reader needs to judge the figures: the kind of machine and the versions."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "rounds": str(rounds),
        "machine": f"{platform.system()}, {platform.machine()}, {os.cpu_count()} cores",
        "versions": ", ".join(
            [
                f"Python {platform.python_version()}",
                *(f"{package} {version(package)}" for package in _PACKAGES),
                f"SQLite {sqlite3.sqlite_version}",
                f"PostgreSQL {await postgresql_version() or 'none'}",
            ]
        ),
    }
