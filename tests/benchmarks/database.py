"""The empty database of one contender, as a new one is: the tests' own are spared what makes them durable."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from tests.databases import POSTGRES


@asynccontextmanager
async def empty_database(kind: str, folder: Path) -> AsyncIterator[str]:
    """The address of an empty database, gone afterwards. `kind` is `sqlite`, `postgresql`, or "" for none at all."""
    if kind != "postgresql":
        yield f"sqlite:///{folder}/audit.db" if kind else ""
        return
    name = f"extauth_{secrets.token_hex(6)}"
    server = await asyncpg.connect(POSTGRES)
    await server.execute(f"CREATE DATABASE {name}")
    try:
        yield POSTGRES.rsplit("/", 1)[0] + f"/{name}"
    finally:
        await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await server.close()
