"""What workspaces decide is kept encrypted, bound to its workspace, and saved by one of two who save at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr
from slack_sdk.oauth.installation_store import Installation
from sqlalchemy import select

from bot.clock import SystemClock
from bot.storage.address import database_url
from bot.storage.crypto import Vault
from bot.storage.engine import Database, DatabaseError, open_database
from bot.storage.key_rotation import ENCRYPTED, RotationResult, _renew
from bot.storage.tables import workspace_settings
from bot.workspaces.installation_rows import InstallationRows
from bot.workspaces.settings_store import PURPOSE, SettingsStore, StoredSettings
from tests.audit_log import change, read_rows
from tests.databases import DATABASES, started_database

OLD, NEW = b"the old key, of 32 characters ..", b"the new key, of 32 characters .."
TOKEN = "xoxp-canary-of-a-workspace"


@dataclass
class Kept:
    url: str
    database: Database

    def store(self, *keys: bytes) -> SettingsStore:
        return SettingsStore(self.database, Vault(keys or (OLD,)), lambda *_: 0)


@pytest.fixture(params=DATABASES)
async def kept(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Kept]:
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(started_database(request.param, tmp_path))
        database = open_database(database_url(url))
        stack.push_async_callback(database.close)
        yield Kept(url, database)


async def test_each_workspace_has_its_own_and_nothing_of_it_can_be_read_in_the_database(kept: Kept) -> None:
    store = kept.store()
    assert await store.read("T1") == StoredSettings()
    assert await store.write("T1", {"api_token": TOKEN}, 0)
    assert await store.write("T2", {"contact": "U2"}, 0)
    assert await store.read("T1") == StoredSettings(1, {"api_token": TOKEN})
    assert await store.read("T2") == StoredSettings(1, {"contact": "U2"})
    assert "canary" not in repr(await store.read("T1"))
    read = select(workspace_settings)
    rows = await kept.database.run(lambda connection: connection.execute(read).all())
    assert "canary" not in repr(rows)


async def test_only_one_of_two_saves_of_a_version_counts(kept: Kept) -> None:
    store = kept.store()
    for version in range(3):
        saved = await asyncio.gather(*(store.write("T1", {"contact": f"U{n}"}, version) for n in range(4)))
        assert sorted(saved) == [False, False, False, True]
        assert await store.read("T1") == StoredSettings(version + 1, {"contact": f"U{saved.index(True)}"})


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE workspace_settings SET content = (SELECT content FROM workspace_settings WHERE workspace_id = 'T2') "
        "WHERE workspace_id = 'T1'",
        "UPDATE workspace_settings SET version = 7 WHERE workspace_id = 'T1'",
        "UPDATE workspace_settings SET content = 'nonsense' WHERE workspace_id = 'T1'",
    ],
)
async def test_settings_moved_from_elsewhere_serve_nobody(kept: Kept, damage: str) -> None:
    store = kept.store()
    await store.write("T1", {"contact": "U1"}, 0)
    await store.write("T2", {"api_token": TOKEN}, 0)
    await change(kept.url, damage)
    with pytest.raises(DatabaseError, match="the settings of workspace T1 can't be read") as caught:
        await store.read("T1")
    assert "canary" not in str(caught.value)


async def test_settings_encrypted_under_a_new_key_no_longer_need_the_old_one(kept: Kept) -> None:
    await kept.store(OLD).write("T1", {"api_token": TOKEN}, 0)
    vault, (settings,) = Vault((NEW, OLD)), [one for one in ENCRYPTED if one.purpose == PURPOSE]
    for count in (1, 0):
        rotated = await kept.database.run(lambda connection: _renew(connection, settings, vault))
        assert rotated == RotationResult(settings.what, count, 0)
    assert await kept.store(NEW).read("T1") == StoredSettings(1, {"api_token": TOKEN})
    with pytest.raises(DatabaseError, match="EXTAUTH_SECRET_KEY"):
        await kept.store(OLD).read("T1")


async def test_settings_are_removed_with_the_installation(kept: Kept) -> None:
    store = kept.store()
    for workspace in ("T1", "T2"):
        await store.write(workspace, {"api_token": TOKEN}, 0)
    installations = InstallationRows(kept.database, Vault((OLD,)), SystemClock())
    await installations.async_save(Installation(team_id="T1", bot_token="xoxb-1", user_id="U1"))
    assert await installations.remove("T1", SecretStr("xoxb-1"))
    assert await store.read("T1") == StoredSettings(1), "of the version before, so that it can't be put back"
    assert await store.write("T1", {"contact": "U1"}, 1)
    assert (await store.read("T2")).version == 1


async def test_older_settings_serve_nobody_though_the_log_does_not_show_newer_ones(kept: Kept) -> None:
    store = kept.store()
    await store.write("T1", {"contact": "U1"}, 0)
    (old,) = await read_rows(kept.url, select(workspace_settings))
    await store.write("T1", {"contact": "U2"}, 1)
    assert (await store.read("T1")).version == 2
    await change(kept.url, f"UPDATE workspace_settings SET version = 1, content = '{old['content']}'")
    with pytest.raises(DatabaseError, match="an old copy was put back"):
        await store.read("T1")
