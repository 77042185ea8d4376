"""An encrypted store of workspaces' own decisions, which include their API tokens."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr
from sqlalchemy import Connection, select, update

from bot.storage.crypto import Box, Vault
from bot.storage.engine import Database, DatabaseError, insert_into
from bot.storage.tables import workspace_settings

PURPOSE = "workspace settings"
"""The purpose of the box that encrypts settings."""


@dataclass(frozen=True, slots=True)
class StoredSettings:
    """A workspace's decisions, by the settings' names, and their version, which is 0 before the first decision."""

    version: int = 0
    decided: Mapping[str, Any] = field(default_factory=dict, repr=False)


class SettingsStore:
    """The settings in the database, by the ID of the workspace, or of the organization for an org-wide installation.

    `saved_version` reads the last saved version from the audit log.
    """

    def __init__(self, database: Database, vault: Vault, saved_version: Callable[[Connection, str], int]) -> None:
        self._database = database
        self._box = vault.box(PURPOSE)
        self._saved_version = saved_version
        self._seen: dict[str, int] = {}
        """The highest version of each workspace's settings that this process has seen."""

    async def read(self, workspace_id: str) -> StoredSettings:
        """Return a workspace's decisions.

        Raises DatabaseError if the decisions can't be read, or were altered, encrypted with another key, or copied from
        another workspace or an older version, because a workspace must not be served by such settings.
        """
        wanted = select(workspace_settings).where(workspace_settings.c.workspace_id == workspace_id)
        row, saved = await self._database.run(
            lambda connection: (connection.execute(wanted).first(), self._saved_version(connection, workspace_id)),
            reads=True,
        )
        version = row.version if row is not None else 0
        if not isinstance(version, int) or version < max(saved, self._seen.get(workspace_id, 0)):
            raise DatabaseError(
                f"the settings of workspace {workspace_id} are older than the audit log says: an old copy was put back"
            )
        self._seen[workspace_id] = version
        if row is None:
            return StoredSettings()
        opened = self._box.decrypt(row.content)
        content = json.loads(opened.get_secret_value()) if opened is not None else {}
        if (content.get("workspace"), content.get("version")) != (workspace_id, row.version):
            raise DatabaseError(
                f"the settings of workspace {workspace_id} can't be read: they were altered, or EXTAUTH_SECRET_KEY "
                "lacks the key that they were encrypted with"
            )
        return StoredSettings(row.version, content["decided"])

    async def write(self, workspace_id: str, decided: Mapping[str, Any], version: int) -> bool:
        """Store a workspace's decisions if the stored version is still `version`. Raises DatabaseError.

        Returns whether they were stored, which is true for only one of two people who save at the same time.
        """
        values = {"version": version + 1, "content": _content(self._box, workspace_id, version + 1, decided)}
        this = (workspace_settings.c.workspace_id == workspace_id) & (workspace_settings.c.version == version)

        def put(connection: Connection) -> bool:
            first = insert_into(connection, workspace_settings).values(workspace_id=workspace_id, **values)
            next_one = update(workspace_settings).where(this).values(values)
            statement = next_one if version else first.on_conflict_do_nothing()
            return connection.execute(statement.returning(workspace_settings.c.version)).first() is not None

        return await self._database.run(put)


def forget(connection: Connection, vault: Vault, workspace_id: str) -> None:
    """Erase a workspace's decisions, but keep their version, so that older decisions can't be put back."""
    mine = workspace_settings.c.workspace_id == workspace_id
    version = connection.execute(select(workspace_settings.c.version).where(mine)).scalar()
    if version is not None:
        content = _content(vault.box(PURPOSE), workspace_id, version, {})
        connection.execute(update(workspace_settings).where(mine).values(content=content))


def _content(box: Box, workspace_id: str, version: int, decided: Mapping[str, Any]) -> str:
    written = {"workspace": workspace_id, "version": version, "decided": decided}
    return box.encrypt(SecretStr(json.dumps(written)))
