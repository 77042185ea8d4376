"""The databases that tests of the record run on: a SQLite file, and a PostgreSQL where one answers."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

POSTGRES = os.environ.get("EXTAUTH_TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/test")


def _answers() -> bool:
    async def ask() -> bool:
        try:
            connection = await asyncpg.connect(POSTGRES, timeout=3)
        except (OSError, TimeoutError, asyncpg.PostgresError):
            return False
        await connection.close()
        return True

    return asyncio.run(ask())


POSTGRES_ANSWERS = _answers()
needs_postgres = pytest.mark.skipif(
    not POSTGRES_ANSWERS, reason="no PostgreSQL answers (127.0.0.1:5432, or EXTAUTH_TEST_POSTGRES_URL)"
)
DATABASES = ["sqlite", pytest.param("postgresql", marks=needs_postgres)]


@asynccontextmanager
async def new_database(kind: str, folder: Path) -> AsyncIterator[str]:
    """The address of an empty database, gone afterwards."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/audit.db"
        return
    name = f"extauth_{secrets.token_hex(6)}"
    server = await asyncpg.connect(POSTGRES)
    await server.execute(f"CREATE DATABASE {name}")
    try:
        yield POSTGRES.rsplit("/", 1)[0] + f"/{name}"
    finally:
        await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await server.close()
