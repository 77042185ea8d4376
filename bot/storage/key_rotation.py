"""Re-encryption of the database under the newest key, so that the operator can remove the older keys."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Column, Connection, Table, select, update

from bot.storage.crypto import Vault
from bot.storage.tables import batches, installation_keys, installations, workspace_settings

WRAPPED = "audit log key"
"""The audit log key's name in the database, and the purpose of the box that encrypts it."""


@dataclass(frozen=True, slots=True)
class EncryptedColumn:
    """A column of encrypted texts, with the singular and plural name for them, and the purpose of their box."""

    what: tuple[str, str]
    table: Table
    key: Column[str]
    column: Column[str]
    purpose: str


_keys, _installed, _decided, _batches = installation_keys.c, installations.c, workspace_settings.c, batches.c
ENCRYPTED = (
    EncryptedColumn(("audit log key", "audit log keys"), installation_keys, _keys.name, _keys.value, WRAPPED),
    EncryptedColumn(
        ("installation", "installations"), installations, _installed.workspace_id, _installed.content, "installation"
    ),
    EncryptedColumn(
        ("workspace's settings", "workspaces' settings"),
        workspace_settings,
        _decided.workspace_id,
        _decided.content,
        "workspace settings",
    ),
    EncryptedColumn(("batch", "batches"), batches, _batches.id, _batches.content, "batch"),
)
"""All encrypted columns of the database."""


@dataclass(frozen=True, slots=True)
class RotationResult:
    """The number of texts of one kind that were re-encrypted, and the number that no key could decrypt."""

    what: tuple[str, str]
    renewed: int
    unreadable: int


def rotate(connection: Connection, vault: Vault) -> Sequence[RotationResult]:
    """Re-encrypt every text that isn't under the newest key.

    Processes that have all of the keys can keep running, because they encrypt with the newest key.
    """
    return [_renew(connection, one, vault) for one in ENCRYPTED]


def count_under_older_keys(connection: Connection, vault: Vault) -> int:
    """Return the number of texts that the newest key alone can't read."""
    return sum(len(_older(connection, one, vault)[0]) for one in ENCRYPTED)


def _renew(connection: Connection, one: EncryptedColumn, vault: Vault) -> RotationResult:
    older, unreadable = _older(connection, one, vault)
    for name, text, renewed in older:
        # The update skips a text that another process has changed, because that one is already under the newest key.
        same = (one.key == name) & (one.column == text)
        connection.execute(update(one.table).where(same).values({one.column.name: renewed}))
    return RotationResult(one.what, len(older), unreadable)


def _older(connection: Connection, one: EncryptedColumn, vault: Vault) -> tuple[Sequence[tuple[str, str, str]], int]:
    """Return the row key, old text, and new text of each text under an older key, and the number no key can decrypt."""
    box, older, unreadable = vault.box(one.purpose), [], 0
    of_kind = one.key == WRAPPED if one.table is installation_keys else one.key.is_not(None)
    for name, text in connection.execute(select(one.key, one.column).where(of_kind).order_by(one.key)).all():
        if not box.is_current(text):
            renewed = box.renew(text)
            older += [(name, text, renewed)] if renewed is not None else []
            unreadable += renewed is None
    return older, unreadable
