import pytest
from pydantic import SecretStr

from bot.audit.keys import AuditKey, load_key
from bot.audit.log import AuditLog
from bot.storage.address import database_url
from bot.storage.engine import open_database
from tests.audit_log import KEY


@pytest.fixture
async def key(audit: AuditLog, url: str) -> AuditKey:
    """The key that the log was written with, as its owner has it."""
    database = open_database(database_url(url))
    loaded = await database.run(lambda connection: load_key(connection, [SecretStr(KEY)]))
    await database.close()
    return loaded
