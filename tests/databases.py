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

_DROP_TABLES = """
DO $$ DECLARE found text; BEGIN
  FOR found IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE format('DROP TABLE public.%I CASCADE', found);
  END LOOP;
END $$
"""
_emptied: list[str] = []
"""Databases of this process that nobody uses now."""


@asynccontextmanager
async def new_database(kind: str, folder: Path) -> AsyncIterator[str]:
    """The address of an empty database, gone afterwards. Skips the test where no PostgreSQL answers."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/audit.db"
        return
    try:
        server = await asyncpg.connect(POSTGRES, timeout=3)
    except (OSError, TimeoutError, asyncpg.PostgresError):
        pytest.skip("no PostgreSQL answers (127.0.0.1:5432, or EXTAUTH_TEST_POSTGRES_URL)")
    name = _emptied.pop() if _emptied else await _create(server)
    await server.close()
    try:
        yield _address(name)
    finally:
        # The server may have been restarted in between.
        server = await asyncpg.connect(POSTGRES, timeout=3)
        await _empty(server, name)
        _emptied.append(name)
        await server.close()


@asynccontextmanager
async def restarted(url: str) -> AsyncIterator[None]:
    """What a restart of the PostgreSQL server does to one of its databases, which is away while the block runs."""
    name, server = url.rsplit("/", 1)[1], await asyncpg.connect(POSTGRES)
    try:
        await server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        await server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
        yield
    finally:
        await server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        await server.close()


async def drop_databases() -> None:
    """Drop what `new_database` has created."""
    while _emptied:
        server = await asyncpg.connect(POSTGRES)
        await server.execute(f"DROP DATABASE {_emptied.pop()} WITH (FORCE)")
        await server.close()


def _address(name: str) -> str:
    return POSTGRES.rsplit("/", 1)[0] + f"/{name}"


async def _create(server: asyncpg.Connection) -> str:
    name = f"extauth_{secrets.token_hex(6)}"
    await server.execute(f"CREATE DATABASE {name}")
    # What is committed outlives every process that a test kills; no test takes the power away.
    await server.execute(f"ALTER DATABASE {name} SET synchronous_commit TO off")
    return name


async def _empty(server: asyncpg.Connection, name: str) -> None:
    """Take out whatever is in it, and whoever: a new one would cost hundreds of files."""
    await server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    await server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
    inside = await asyncpg.connect(_address(name))
    await inside.execute(_DROP_TABLES)
    await inside.close()
