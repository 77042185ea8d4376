"""Puts everything that is encrypted under the newest key, so that the older ones can be dropped."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr
from sqlalchemy import Column, Table, and_, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.audit.keys import CHECK, MADE_HERE, WRAPPED, WRAPPING, AuditKey, load_key
from bot.storage.crypto import Vault
from bot.storage.database import Database, DatabaseError, Transaction
from bot.storage.schema import check_schema
from bot.storage.tables import batches, installation_keys, installations, interactions, workspace_settings


@dataclass(frozen=True, slots=True)
class Encrypted:
    """A column of encrypted texts: what they are called (one, several), and the purpose of their box."""

    what: tuple[str, str]
    table: Table
    key: Column[str]
    column: Column[str]
    purpose: str


ENCRYPTED = (
    Encrypted(
        ("installation", "installations"),
        installations,
        installations.c.workspace_id,
        installations.c.content,
        "installation",
    ),
    Encrypted(
        ("workspace's settings", "workspaces' settings"),
        workspace_settings,
        workspace_settings.c.workspace_id,
        workspace_settings.c.content,
        "workspace settings",
    ),
    Encrypted(("batch", "batches"), batches, batches.c.id, batches.c.content, "batch"),
    Encrypted(
        ("reply address", "reply addresses"), interactions, interactions.c.key, interactions.c.reply_to, "reply address"
    ),
)
"""Everything in the database that is encrypted, beside the audit log's own key."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """How many texts of a kind were re-encrypted, and how many no key could decrypt."""

    what: tuple[str, str]
    renewed: int
    unreadable: int


async def rotate(database: Database, given: Sequence[SecretStr], *, from_database: bool = False) -> Sequence[Rotated]:
    """Re-encrypt everything that isn't under the newest key, in one transaction. Raises DatabaseError.

    Processes that have all of the keys can go on meanwhile: what they write is under the newest one. `from_database`
    takes over from a key that Extauth made itself. It has to be asked for: whoever can write the database can put one
    there, and nothing tells it from the log's.
    """
    if not given:
        raise DatabaseError("EXTAUTH_SECRET_KEY is not set: there is no key to encrypt with.")
    async with database.transaction() as transaction:
        await check_schema(transaction)
        if from_database and MADE_HERE not in await _kept(transaction):
            raise DatabaseError("there is no key in the database: run `extauth keys rotate` without --from-database")
        key = await load_key(transaction, () if from_database else given, creates=False)
        keys = [one.get_secret_value().encode() for one in given]
        vault = Vault([*keys, key.master] if from_database else keys)
        await _wrap(database, transaction, key, vault)
        return [await _renew(transaction, one, vault) for one in ENCRYPTED]


async def count_under_older_keys(transaction: Transaction, key: AuditKey) -> int:
    """Return how many texts the newest key alone couldn't read."""
    kept = await _kept(transaction)
    older = WRAPPED in kept and not key.vault.box(WRAPPING).is_current(kept[WRAPPED])
    count = int(older)
    for one in ENCRYPTED:
        box = key.vault.box(one.purpose)
        texts = (await transaction.execute(select(one.column).where(one.column.is_not(None)))).scalars()
        count += sum(not box.is_current(text) and box.decrypt(text) is not None for text in texts)
    return count


async def _kept(transaction: Transaction) -> dict[str, str]:
    rows = await transaction.execute(select(installation_keys.c.name, installation_keys.c.value))
    return {row.name: row.value for row in rows}


async def _wrap(database: Database, transaction: Transaction, key: AuditKey, vault: Vault) -> None:
    """Keep the log's key encrypted, and in no other way."""
    wrapped = vault.box(WRAPPING).encrypt(SecretStr(key.master.hex()))
    insert = postgresql.insert if database.is_postgresql else sqlite.insert
    for name, value in ((WRAPPED, wrapped), (CHECK, key.check())):
        row = insert(installation_keys).values(name=name, value=value)
        await transaction.execute(row.on_conflict_do_update(index_elements=["name"], set_={"value": value}))
    await transaction.execute(delete(installation_keys).where(installation_keys.c.name == MADE_HERE))


async def _renew(transaction: Transaction, one: Encrypted, vault: Vault) -> Rotated:
    box, renewed, unreadable = vault.box(one.purpose), 0, 0
    wanted = select(one.key, one.column).where(one.column.is_not(None)).order_by(one.key)
    rows: Sequence[Any] = (await transaction.execute(wanted)).all()
    for key, text in rows:
        if box.is_current(text):
            continue
        new = box.renew(text)
        if new is None:
            unreadable += 1
            continue
        # Whoever changed it since has encrypted it under the newest key.
        same = and_(one.key == key, one.column == text)
        await transaction.execute(update(one.table).where(same).values({one.column.name: new}))
        renewed += 1
    return Rotated(one.what, renewed, unreadable)
