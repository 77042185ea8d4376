"""What tests of the audit log write, ask, and do to its database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from pydantic import SecretStr
from sqlalchemy import text

from bot.actor import Actor
from bot.app import open_storage
from bot.audit.entries import AuditResult, Filters
from bot.audit.guard import AuditLogUnavailable
from bot.audit.log import AuditLog, Unanswered
from bot.clock import Clock
from bot.settings import DatabaseSettings, Settings, read
from bot.slack.external_auth.models import DeleteTokens, GetToken
from bot.storage.address import database_url
from bot.storage.connect import open_database

TOKEN = SecretStr("ya29.a-token-that-was-handed-out")


GET, DELETE = GetToken("Et1"), DeleteTokens(provider_key="google")


@asynccontextmanager
async def open_audit_log(settings: DatabaseSettings, clock: Clock) -> AsyncIterator[AuditLog]:
    """Open the bot's storage for its audit log."""
    async with open_storage(settings, clock) as storage:
        yield storage.audit_log


def actor(user: str = "U1") -> Actor:
    return Actor(user, "T1", None, SecretStr(""), "ABCD2345")


def configured(url: str, **more: str) -> Settings:
    return read({"SLACK_BOT_TOKEN": "xoxb-1234567890", "DATABASE_URL": url, **more})


def came(user: str) -> Actor:
    """A person whose command is on record as an interaction."""
    return replace(actor(user), reference=f"REF-{user}", interaction=user, reply_to=SecretStr(f"where {user} is"))


async def write(audit: AuditLog, count: int = 3) -> None:
    for number in range(count):
        attempt = await audit.attempt(actor(f"U{number}"), GET)
        await audit.finish(attempt, AuditResult("fetched", None, 12, TOKEN))


async def change(url: str, statement: str) -> None:
    database = open_database(database_url(url))
    async with database.transaction() as connection:
        await connection.execute(text(statement))
    await database.close()


async def taken_over(audit: AuditLog, older_than: float, ended_older_than: float | None = None) -> list[Unanswered]:
    """What a process takes over from others."""
    return [one async for one in audit.take_over(older_than, ended_older_than)]


async def taken_over_in_part(audit: AuditLog, older_than: float) -> list[Unanswered]:
    """The same, where the database fails for some."""
    taken = []
    try:
        async for one in audit.take_over(older_than):
            taken.append(one)
    except AuditLogUnavailable:
        return taken
    raise AssertionError("The database failed for none.")


async def left_behind(url: str) -> None:
    """Whatever was begun so far was begun on another machine."""
    await change(url, "UPDATE interactions SET owner = 'elsewhere/1/0'")


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
    """Somebody else keeps everybody from writing."""
    database = open_database(database_url(url))
    async with database.transaction() as connection:
        if database.is_postgresql:
            await connection.execute(text("LOCK TABLE audit_heads, interactions IN EXCLUSIVE MODE"))
        yield
    await database.close()


@asynccontextmanager
async def emptied(url: str) -> AsyncIterator[None]:
    """A table is gone for a while."""
    await change(url, "ALTER TABLE audit_heads RENAME TO gone")
    yield
    await change(url, "ALTER TABLE gone RENAME TO audit_heads")
