"""What tests of the audit log write, ask, and do to its database."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TypeVar

import asyncpg
from pydantic import SecretStr
from sqlalchemy import Connection, Executable, create_engine, text

from bot.actor import Actor
from bot.app import open_storage
from bot.audit.chain import Row
from bot.audit.entries import AuditResult, Filters
from bot.audit.log import AuditLog
from bot.clock import Clock
from bot.settings import DatabaseSettings, Settings, read
from bot.slack.external_auth.models import DeleteTokens, GetToken
from bot.storage.address import database_url
from bot.storage.engine import open_database

T = TypeVar("T")

TOKEN = SecretStr("ya29.a-token-that-was-handed-out")
KEY = "the-key-of-the-sandbox-" * 2
"""The `EXTAUTH_SECRET_KEY` of the bots in tests."""

GET, DELETE = GetToken("Et1"), DeleteTokens(provider_key="google")


@asynccontextmanager
async def open_audit_log(settings: DatabaseSettings, clock: Clock) -> AsyncIterator[AuditLog]:
    """Open the bot's storage for its audit log."""
    async with open_storage(settings, clock) as storage:
        yield storage.audit_log


def actor(user: str = "U1") -> Actor:
    return Actor(user, "T1", None, SecretStr(""), "ABCD2345")


def configured(url: str, **more: str) -> Settings:
    return read({"SLACK_BOT_TOKEN": "xoxb-1234567890", "EXTAUTH_SECRET_KEY": KEY, "DATABASE_URL": url, **more})


def came(user: str) -> Actor:
    """A person with a command of their own."""
    return replace(actor(user), reference=f"REF-{user}", interaction=user)


async def write(audit: AuditLog, count: int = 3) -> None:
    for number in range(count):
        attempt = await audit.attempt(actor(f"U{number}"), GET)
        await audit.finish(attempt, AuditResult("fetched", None, 12, TOKEN))


async def run(url: str, work: Callable[[Connection], T]) -> T:
    """Run a transaction past our own code, and return its result."""
    database = open_database(database_url(url))

    def act(connection: Connection) -> T:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL search_path TO public")
        return work(connection)

    try:
        return await database.run(act)
    finally:
        await database.close()


async def change(url: str, *statements: str) -> None:
    """Execute statements that no code of ours does."""

    def work(connection: Connection) -> None:
        for statement in statements:
            connection.execute(text(statement))

    await run(url, work)


async def read_rows(url: str, query: Executable) -> Sequence[Row]:
    """Read from the database past our own code."""
    database = open_database(database_url(url))
    try:
        return await database.run(lambda connection: connection.execute(query).mappings().all(), reads=True)
    finally:
        await database.close()


async def checked(audit: AuditLog) -> tuple[int, int, str | None]:
    result = await audit.verify(lambda _: None)
    return result.entries, result.rows, result.problem


async def until(audit: AuditLog, outcome: str, count: int = 1) -> None:
    """Wait until so many entries have an outcome."""
    async with asyncio.timeout(20):
        while sum(entry.outcome == outcome for entry in await audit.newest(10, Filters())) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


@asynccontextmanager
async def locked(url: str) -> AsyncIterator[None]:
    """Another program keeps everyone from writing."""
    connection = create_engine(database_url(url).set(drivername="sqlite")) if url.startswith("sqlite") else None
    if connection is not None:
        with connection.connect() as held:
            held.exec_driver_sql("BEGIN IMMEDIATE")
            yield
        connection.dispose()
        return
    server = await asyncpg.connect(url)
    async with server.transaction():
        await server.execute("LOCK TABLE audit_heads IN EXCLUSIVE MODE")
        yield
    await server.close()


@asynccontextmanager
async def emptied(url: str) -> AsyncIterator[None]:
    """A table is gone for a while."""
    await change(url, "ALTER TABLE audit_heads RENAME TO gone")
    yield
    await change(url, "ALTER TABLE gone RENAME TO audit_heads")
