"""After a rotation the old key is needed for nothing, and everything that it protected still works."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr

from bot.app import Storage, open_storage
from bot.audit.entries import AuditResult
from bot.audit.keys import load_key
from bot.batch import Batch, BatchState, Item
from bot.check.database import check_database
from bot.check.finding import Status
from bot.operation import Operation
from bot.settings import read_database
from bot.storage.address import database_url
from bot.storage.engine import Database, DatabaseError, open_database
from bot.storage.key_rotation import ENCRYPTED, RotationResult, rotate
from bot.storage.tables import metadata
from tests.audit_log import GET, TOKEN, actor, came, change, configured, read_rows
from tests.forked import run
from tests.manual_clock import ManualClock
from tests.workspaces.test_installations import installed

OLD, NEW, OTHER = "old-key-" * 4, "new-key-" * 4, "other-key-" * 4
BOTH = f"{NEW},{OLD}"


@pytest.fixture
def url(new_url: str) -> str:
    """Empty: each test decides on the key that its bot starts with."""
    return new_url


@asynccontextmanager
async def opened(url: str, key: str) -> AsyncIterator[Storage]:
    async with open_storage(configured(url, EXTAUTH_SECRET_KEY=key), ManualClock()) as storage:
        yield storage


@asynccontextmanager
async def database(url: str) -> AsyncIterator[Database]:
    found = open_database(database_url(url), creates=False)
    try:
        yield found
    finally:
        await found.close()


async def rotated(url: str, key: str) -> dict[str, RotationResult]:
    async with database(url) as found:
        given = [SecretStr(part) for part in key.split(",")]
        return {
            one.what[1]: one
            for one in await found.run(lambda connection: rotate(connection, load_key(connection, given).vault))
        }


def batch(now: float) -> Batch:
    return Batch.of(actor("U1"), Operation.DELETE, [Item("Et1")], now)


async def fill(storage: Storage, now: float) -> Batch:
    """Something of every kind that is encrypted, signed, or fingerprinted."""
    attempt = await storage.audit_log.attempt(actor("U1"), GET)
    await storage.audit_log.finish(attempt, AuditResult("fetched", None, 12, TOKEN))
    await storage.audit_log.attempt(came("U2"), GET)
    await storage.installations.async_save(installed("T1", "xoxb-1"))
    await storage.installations.async_save(installed(None, "xoxb-org", "E1"))
    await storage.settings_store.write("T1", {"contact": "U1"}, 0)
    made = batch(now)
    await storage.batches.put(made, BatchState.CONFIRMING)
    return made


async def works(url: str, key: str, made: Batch) -> None:
    async with opened(url, key) as storage:
        log = storage.audit_log
        assert (await log.verify(lambda _: None)).problem is None
        assert [entry.user_id for entry in (await log.find_token(TOKEN)).entries] == ["U1"]
        found = await storage.installations.find("T1", None)
        assert found is not None
        assert found.bot_token == "xoxb-1"
        assert [one.workspace_id for one in await storage.installations.all()] == ["E1", "T1"]
        kept = await storage.batches.find(made.batch_id, actor("U1"))
        assert kept is not None
        assert kept[0] == made


async def key_finding(url: str, key: str) -> tuple[Status, str]:
    _, finding = await check_database(read_database({"DATABASE_URL": url, "EXTAUTH_SECRET_KEY": key}))
    return finding.status, finding.says


async def test_a_new_key_takes_over_and_the_old_one_can_go(url: str, clock: ManualClock) -> None:
    async with opened(url, OLD) as storage:
        made = await fill(storage, clock.now())
    with pytest.raises(DatabaseError, match="EXTAUTH_SECRET_KEY is not the one"):
        await opened(url, NEW).__aenter__()
    await works(url, BOTH, made)
    assert await key_finding(url, BOTH) == (Status.OK, "5 things are still under an older key.")
    counts = {what: (one.renewed, one.unreadable) for what, one in (await rotated(url, BOTH)).items()}
    assert counts == {
        "audit log keys": (1, 0),
        "installations": (2, 0),
        "workspaces' settings": (1, 0),
        "batches": (1, 0),
    }
    assert await key_finding(url, NEW) == (Status.OK, "This is the key the audit log was written with, from .env.")
    await works(url, NEW, made)
    for key in (OLD, OTHER):
        with pytest.raises(DatabaseError, match="EXTAUTH_SECRET_KEY is not the one"):
            await opened(url, key).__aenter__()
        status, says = await key_finding(url, key)
        assert (status, says) == (Status.PROBLEM, "This isn't the key the audit log was written with.")
    # The next one, and again, which changes nothing.
    assert (await rotated(url, f"{OTHER},{NEW}"))["installations"].renewed == 2
    assert (await rotated(url, OTHER))["installations"].renewed == 0
    await works(url, OTHER, made)


async def test_processes_with_both_keys_go_on_meanwhile(url: str, clock: ManualClock) -> None:
    async with opened(url, OLD) as storage:
        made = await fill(storage, clock.now())
    async with opened(url, BOTH) as one, opened(url, BOTH) as another:

        async def serve(storage: Storage, name: str) -> None:
            for number in range(10):
                attempt = await storage.audit_log.attempt(came(f"{name}{number}"), GET)
                await storage.audit_log.finish(attempt, AuditResult("fetched", None, 1))
                await storage.installations.async_save(installed(f"T{name}{number}", f"xoxb-{name}"))
                await storage.batches.put(batch(clock.now()), BatchState.CONFIRMING)

        await asyncio.gather(serve(one, "A"), serve(another, "B"), rotated(url, BOTH))
        assert (await one.audit_log.verify(lambda _: None)).problem is None
    async with opened(url, NEW) as storage:
        assert len(await storage.installations.all()) == 22
        assert (await storage.audit_log.verify(lambda _: None)).problem is None
        assert (await storage.batches.find(made.batch_id, actor("U1"))) is not None
    assert await key_finding(url, NEW) == (Status.OK, "This is the key the audit log was written with, from .env.")


async def test_what_cannot_be_done_changes_nothing(url: str, clock: ManualClock) -> None:
    async with opened(url, OLD) as storage:
        made = await fill(storage, clock.now())
    for key in (OTHER, f"{OTHER},{NEW}"):
        with pytest.raises(DatabaseError, match="EXTAUTH_SECRET_KEY is not"):
            await rotated(url, key)
    await change(url, "ALTER TABLE batches RENAME TO gone")
    with pytest.raises(DatabaseError):
        await rotated(url, BOTH)
    await change(url, "ALTER TABLE gone RENAME TO batches")
    await works(url, OLD, made)


async def test_what_no_key_can_read_is_counted_and_left(url: str, clock: ManualClock) -> None:
    async with opened(url, OLD) as storage:
        await fill(storage, clock.now())
    await change(url, "UPDATE installations SET content = 'nonsense' WHERE workspace_id = 'T1'")
    found = (await rotated(url, BOTH))["installations"]
    assert (found.renewed, found.unreadable) == (1, 1)


async def test_every_encrypted_column_is_known(url: str, clock: ManualClock) -> None:
    """What looks encrypted in the database is encrypted anew: a new table can't be forgotten."""
    async with opened(url, OLD) as storage:
        await fill(storage, clock.now())
    columns = set()
    for table in metadata.sorted_tables:
        for row in await read_rows(url, table.select()):
            columns |= {(table.name, name) for name, value in row.items() if str(value).startswith("gAAAA")}
    assert columns == {(one.table.name, one.column.name) for one in ENCRYPTED}


@pytest.mark.process
async def test_the_command_says_what_it_did(url: str, clock: ManualClock) -> None:
    async with opened(url, OLD) as storage:
        await fill(storage, clock.now())

    async def keys(key: str) -> tuple[int, str, str]:
        variables = {"DATABASE_URL": url, "EXTAUTH_SECRET_KEY": key, "LOG_FORMAT": "text"}
        ran = await asyncio.to_thread(run, ["keys", "rotate"], variables)
        return ran.returncode, ran.stdout, ran.stderr

    status, said, wrong = await keys(BOTH)
    assert (status, wrong) == (0, "")
    renewed = "1 audit log key, 2 installations, 1 workspace's settings, 1 batch"
    assert said.splitlines()[0] == f"Under the newest key now: {renewed}."
    assert await keys(OTHER) == (
        1,
        "",
        "extauth: EXTAUTH_SECRET_KEY: This isn't the key the audit log was written with. Set the original key again.\n",
    )
    assert (await keys(""))[::2] == (
        2,
        "extauth: EXTAUTH_SECRET_KEY is missing. To make one, run `extauth keys new`.\n",
    )
