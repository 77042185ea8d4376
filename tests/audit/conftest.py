import pytest

from bot.audit.keys import AuditKey, load_key
from bot.audit.log import AuditLog
from bot.storage.address import database_url
from bot.storage.connect import open_database


@pytest.fixture
async def key(audit: AuditLog, url: str) -> AuditKey:
    """The key that the log was written with, as its owner has it."""
    database = open_database(database_url(url))
    async with database.transaction() as connection:
        loaded = await load_key(connection, (), creates=False)
    await database.close()
    return loaded
