"""The settings of one workspace: who may do what there, what needs approval, who is told, and its own API token."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from pydantic import SecretStr

from bot.access import AllowList, ApprovalPolicy
from bot.operation import Operation, Permission

_ADMINS = AllowList.parse(["admins"])
LISTS = ("get_allow", "delete_allow", "list_allow", "history_allow", "delete_approvers")
"""The settings that are allow lists."""


@dataclass(frozen=True, slots=True)
class WorkspaceSettings:
    """The decisions of a workspace's admins, or, for a single workspace, of its operator.

    Without `delete_approvers`, those who can delete can approve. `contact` and `audit_channel` have the form of
    `EXTAUTH_CONTACT` and `EXTAUTH_AUDIT_CHANNEL`. `api_token` replaces Extauth's bot token for external tokens.
    """

    get_allow: AllowList = _ADMINS
    delete_allow: AllowList = _ADMINS
    list_allow: AllowList = _ADMINS
    history_allow: AllowList = _ADMINS
    delete_approval: ApprovalPolicy = ApprovalPolicy.OFF
    delete_approvers: AllowList | None = None
    contact: str | None = None
    audit_channel: str | None = None
    api_token: SecretStr | None = field(default=None, repr=False)

    def with_decided(self, decided: Mapping[str, Any]) -> "WorkspaceSettings":
        """Return these settings with a workspace's decisions over them, in the form of `written`.

        A newer version's settings, which this one doesn't know, change nothing. Raises ValueError.
        """
        read: dict[str, Any] = {}
        try:
            for name in {one.name for one in fields(self)} & {*decided}:
                value = decided[name]
                if value is None:
                    read[name] = None
                elif name in LISTS:
                    read[name] = AllowList(*(frozenset(value[kind]) for kind in ("roles", "users", "groups")))
                elif name == "delete_approval":
                    read[name] = ApprovalPolicy(value)
                else:
                    read[name] = SecretStr(value) if name == "api_token" else str(value)
            return replace(self, **read)
        except (KeyError, TypeError) as error:
            raise ValueError(f"a setting can't be read: {type(error).__name__}") from None

    def written(self, names: Collection[str]) -> Mapping[str, Any]:
        """Return the settings with these names as they are stored, in JSON's types."""
        written = {name: getattr(self, name) for name in sorted(names)}
        for name, value in written.items():
            if isinstance(value, AllowList):
                kinds = {"roles": value.roles, "users": value.users, "groups": value.groups}
                written[name] = {kind: sorted(members) for kind, members in kinds.items()}
            elif isinstance(value, SecretStr):
                written[name] = value.get_secret_value()
        return written

    def allow_lists(self) -> Mapping[Permission, AllowList]:
        """Return the allow list of each permission; the one to approve only if deletions need approval."""
        approving = {Permission.APPROVE: self.delete_approvers or self.delete_allow}
        return {
            Permission.GET: self.get_allow,
            Permission.DELETE: self.delete_allow,
            Permission.LIST: self.list_allow,
            Permission.HISTORY: self.history_allow,
            **(approving if self.delete_approval is not ApprovalPolicy.OFF else {}),
        }

    def approvals_go_to(self) -> tuple[str, ...]:
        """Return the channel or the people that are asked to approve deletions."""
        if self.audit_channel is not None:
            return (self.audit_channel,)
        return tuple(sorted(self.delete_approvers.users)) if self.delete_approvers is not None else ()


@dataclass(frozen=True, slots=True)
class ChangeSettings:
    """A change to settings, by their names. The new values, which can include a token, aren't in it.

    `version` is the new version of the settings of a workspace or, if installed org-wide, organization: so an older one
    that's put back into the database is recognized.
    """

    operation = Operation.SETTINGS
    changed: Collection[str]
    workspace_id: str
    version: int
    removes_token: bool = False

    def arguments(self) -> Mapping[str, str | bool]:
        """Return the changed settings, with their workspace and version."""
        changed = {
            name: "removed" if name == "api_token" and self.removes_token else "changed"
            for name in sorted(self.changed)
        }
        return {**changed, "workspace": self.workspace_id, "version": str(self.version)}
