"""A change of a workspace's settings, as the audit log has it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from bot.operation import Operation


@dataclass(frozen=True, slots=True)
class ChangeSettings:
    """Change settings, by their names. What they are changed to, which can be a token, isn't in it.

    `version` is the one that this makes of the settings of a workspace or, of an org-wide installation, organization:
    so an older one that's put back into the database is recognized.
    """

    changed: Collection[str]
    workspace_id: str
    version: int
    removes_token: bool = False

    @property
    def operation(self) -> Operation:
        """Changing settings."""
        return Operation.SETTINGS

    def arguments(self) -> Mapping[str, str | bool]:
        """Return what is changed."""
        changed = {
            name: "removed" if name == "api_token" and self.removes_token else "changed"
            for name in sorted(self.changed)
        }
        return {**changed, "workspace": self.workspace_id, "version": str(self.version)}
