"""The settings of one workspace, which include its allow lists, approvals, audit channel, contact, and API token."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SecretStr,
    ValidationError,
)
from pydantic_core import PydanticCustomError

from bot.access import AllowList, ApprovalPolicy
from bot.ids import APP_ID, CHANNEL_ID, SECRET, is_contact
from bot.operation import Operation, Permission

_ADMINS = AllowList.parse(["admins"])
LISTS = (
    "get_allow",
    "show_allow",
    "test_allow",
    "delete_allow",
    "list_allow",
    "connect_allow",
    "history_allow",
    "delete_approvers",
)
"""The settings that are allow lists."""


def must(is_valid: Callable[[Any], object], says: str, advice: str = "") -> AfterValidator:
    """Return a check. If it fails, `says` completes a sentence about the variable, and the form shows `advice`."""

    def check(value: Any) -> Any:
        if not is_valid(value):
            raise PydanticCustomError("value_error", "{says}", {"says": says, "advice": advice})
        return value

    return AfterValidator(check)


Secret = Annotated[
    SecretStr,
    must(
        lambda secret: SECRET.fullmatch(secret.get_secret_value()),
        "is too short or has a space or another unexpected character in it. Copy it again.",
        "This isn't a whole token. Copy it again.",
    ),
]
Contact = Annotated[
    str,
    must(
        is_contact,
        "must be a person's ID such as U012ABCDEF, a user group's, a channel's such as C012ABCDEF, or a link "
        "(https://… or mailto:…).",
        "Enter an ID such as U012ABCDEF, or a link that begins with https:// or mailto:.",
    ),
]
Channel = Annotated[
    str,
    must(CHANNEL_ID.fullmatch, "must be a channel ID such as C012ABCDEF, not its name.", "Choose a channel."),
]


def _read_list(value: Any) -> Any:
    return AllowList.parse(re.split(r"[\s,]+", value.strip(" ,"))) if isinstance(value, str) else value


def _read_ids(value: Any) -> Any:
    ids = re.split(r"[\s,]+", value.strip(" ,")) if isinstance(value, str) else value or ()
    return tuple(dict.fromkeys(one for one in ids if one))


AppIds = Annotated[
    tuple[str, ...],
    BeforeValidator(_read_ids),
    must(
        lambda ids: all(APP_ID.fullmatch(one) for one in ids),
        "must be an app ID such as A012ABCDEF (Basic Information in the app's settings), or several with commas "
        "between them.",
        "Enter an app ID such as A012ABCDEF, or several with commas between them.",
    ),
]
AllowListSetting = Annotated[
    AllowList,
    BeforeValidator(_read_list),
    PlainSerializer(lambda allowed: {kind: sorted(members) for kind, members in asdict(allowed).items()}),
]


class WorkspaceSettings(BaseModel):
    """The settings that a workspace's admins decide, or the operator if Extauth serves a single workspace.

    A field's alias is its variable's name, and its title is its name on screen. Without `delete_approvers`, people who
    can delete can approve, and without `show_allow` or `test_allow`, people who can fetch can show or test.
    `api_token` replaces Extauth's bot token in calls of the external-auth methods, and `app_ids` replace Extauth's own
    app in lists of accounts.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True, hide_input_in_errors=True)

    get_allow: AllowListSetting = Field(
        default=_ADMINS,
        alias="EXTAUTH_GET_ALLOW",
        title="Who can fetch tokens",
        description="Who can fetch tokens, which are shown masked: `admins`, `owners`, `members`, user IDs, and user "
        "group IDs (`S…`), or `nobody`.",
    )
    show_allow: AllowListSetting | None = Field(
        default=None,
        alias="EXTAUTH_SHOW_ALLOW",
        title="Who can show tokens in full",
        description="Who can show tokens in full, in the same form. `nobody` turns it off. Unset, those who can fetch.",
    )
    test_allow: AllowListSetting | None = Field(
        default=None,
        alias="EXTAUTH_TEST_ALLOW",
        title="Who can test accounts",
        description="Who can test whether accounts still work, in the same form. Unset, those who can fetch.",
    )
    delete_allow: AllowListSetting = Field(
        default=_ADMINS,
        alias="EXTAUTH_DELETE_ALLOW",
        title="Who can delete tokens",
        description="Who can delete tokens, in the same form.",
    )
    list_allow: AllowListSetting = Field(
        default=_ADMINS,
        alias="EXTAUTH_LIST_ALLOW",
        title="Who can list connected accounts",
        description="Who can list connected accounts, in the same form.",
    )
    connect_allow: AllowListSetting = Field(
        default=_ADMINS,
        alias="EXTAUTH_CONNECT_ALLOW",
        title="Who can connect accounts",
        description="Who can connect and reconnect accounts, in the same form.",
    )
    history_allow: AllowListSetting = Field(
        default=_ADMINS,
        alias="EXTAUTH_HISTORY_ALLOW",
        title="Who can see the audit log",
        description="Who can see the audit log, in the same form.",
    )
    delete_approvers: AllowListSetting | None = Field(
        default=None,
        alias="EXTAUTH_DELETE_APPROVERS",
        title="Who can approve deletions",
        description="Who can approve deletions, in the same form. Unset, those who can delete.",
    )
    delete_approval: ApprovalPolicy = Field(
        default=ApprovalPolicy.OFF,
        alias="EXTAUTH_DELETE_APPROVAL",
        title="Which deletions need approval",
        description="Which deletions somebody else has to approve: `off`, `bulk` (more than one token), or `all`.",
    )
    audit_channel: Channel | None = Field(
        default=None,
        alias="EXTAUTH_AUDIT_CHANNEL",
        title="The audit channel",
        description="The ID of a channel where every outcome is posted. Invite the bot to it.",
    )
    contact: Contact | None = Field(
        default=None,
        alias="EXTAUTH_CONTACT",
        title="Whom people ask for help",
        description="Whom people ask for help: a person's, user group's, or channel's ID, or a link.",
    )
    api_token: Secret | None = Field(
        default=None,
        alias="EXTAUTH_API_TOKEN",
        title="The API token",
        description="A token for the external-auth methods, if Slack doesn't accept the bot token for them.",
    )
    app_ids: AppIds = Field(
        default=(),
        alias="EXTAUTH_APP_ID",
        title="The app that owns the accounts",
        description="The ID of the app that owns the accounts, if it isn't Extauth's own: one, or several with commas.",
    )

    @staticmethod
    def accept(values: Mapping[str, Any]) -> "tuple[WorkspaceSettings, dict[str, str]]":
        """Return settings with the valid values, and the advice for each invalid value by its field's name."""
        try:
            return WorkspaceSettings.model_validate(values), {}
        except ValidationError as error:
            mistakes = error.errors(include_url=False, include_input=False)
        advice = {str(one["loc"][0]): one.get("ctx", {}).get("advice", "Choose one.") for one in mistakes}
        valid = {name: value for name, value in values.items() if name not in advice}
        return WorkspaceSettings.model_validate(valid), advice

    def with_decided(self, decided: Mapping[str, Any]) -> "WorkspaceSettings":
        """Return these settings, overridden by a workspace's decisions in the form that `written` returns.

        Settings that only a newer version of Extauth has are ignored. Raises ValueError.
        """
        before = {name: getattr(self, name) for name in WorkspaceSettings.model_fields}
        known = {name: decided[name] for name in before.keys() & decided.keys()}
        settings, invalid = WorkspaceSettings.accept({**before, **known})
        if invalid:
            raise ValueError(f"a setting can't be read: {', '.join(invalid)}")
        return settings

    def written(self, names: Collection[str]) -> Mapping[str, Any]:
        """Return the settings with these names in the form that is stored, which has JSON's types and plain secrets."""
        values = {name: getattr(self, name) for name in names}
        # pydantic masks secrets in its output, so they are added here.
        secrets = {name: one.get_secret_value() for name, one in values.items() if isinstance(one, SecretStr)}
        return {**self.model_dump(mode="json", include=set(names)), **secrets}

    def allow_lists(self) -> Mapping[Permission, AllowList]:
        """Return the allow list of each permission, including `APPROVE` only if deletions need approval."""
        approving = {Permission.APPROVE: self.delete_approvers or self.delete_allow}
        return {
            Permission.GET: self.get_allow,
            Permission.SHOW: self.show_allow if self.show_allow is not None else self.get_allow,
            Permission.TEST: self.test_allow if self.test_allow is not None else self.get_allow,
            Permission.DELETE: self.delete_allow,
            Permission.LIST: self.list_allow,
            Permission.CONNECT: self.connect_allow,
            Permission.HISTORY: self.history_allow,
            **(approving if self.delete_approval is not ApprovalPolicy.OFF else {}),
        }

    def approvals_go_to(self) -> tuple[str, ...]:
        """Return the channel or the people that are asked to approve deletions."""
        if self.audit_channel is not None:
            return (self.audit_channel,)
        return tuple(sorted(self.delete_approvers.users)) if self.delete_approvers is not None else ()

    @property
    def lacks_place(self) -> bool:
        """True if approval is required, but there is no place to ask for it."""
        return self.delete_approval is not ApprovalPolicy.OFF and not self.approvals_go_to()


@dataclass(frozen=True, slots=True)
class ChangeSettings:
    """A change to the settings with these names. It doesn't hold the new values, which may include a token.

    `version` is the new version of the workspace's settings, or of the organization's for an org-wide installation. The
    audit log keeps it, so that an old copy that someone puts back into the database is recognized.
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
