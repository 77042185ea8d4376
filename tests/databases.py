"""The databases that tests of the audit log run on: a SQLite file, and a PostgreSQL where one answers."""

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

POSTGRES = os.environ.get("EXTAUTH_TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/test")
DATABASES = ["sqlite", "postgresql"]


@asynccontextmanager
async def new_database(kind: str, folder: Path) -> AsyncIterator[str]:
    """The address of an empty database, gone afterwards. Skips the test where no PostgreSQL answers."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/audit.db"
        return
    name = f"extauth_{secrets.token_hex(6)}"
    try:
        server = await asyncpg.connect(POSTGRES, timeout=3)
    except (OSError, TimeoutError, asyncpg.PostgresError):
        pytest.skip("no PostgreSQL answers (127.0.0.1:5432, or EXTAUTH_TEST_POSTGRES_URL)")
    await server.execute(f"CREATE DATABASE {name}")
    # What is committed outlives every process that a test kills; no test takes the power away.
    await server.execute(f"ALTER DATABASE {name} SET synchronous_commit TO off")
    try:
        yield POSTGRES.rsplit("/", 1)[0] + f"/{name}"
    finally:
        await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await server.close()
