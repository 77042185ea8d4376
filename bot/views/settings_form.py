"""The modal in which a workspace's admins change its settings."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.access import NOBODY, AllowList, ApprovalPolicy
from bot.ids import slack_token_kind
from bot.views import parts
from bot.views.allow_list_fields import allow_list_fields, read_allow_list, widest
from bot.views.fields import (
    FieldErrors,
    SubmittedView,
    choice,
    form,
    read_checked,
    read_text,
    selected,
    text_field,
)
from bot.views.metadata import UnreadableMetadata
from bot.views.parts import Block, View
from bot.workspaces.settings import LISTS, WorkspaceSettings

CALLBACK_ID = "extauth_settings"
POLICY, CHANNEL, CONTACT, TOKEN, REMOVE_TOKEN, APPS = (
    *("delete_approval", "audit_channel", "contact", "api_token"),
    *("remove_api_token", "app_ids"),
)
HEADINGS = {name: str(field.title) for name, field in WorkspaceSettings.model_fields.items()}
LABELS = {name: heading[0].lower() + heading[1:] for name, heading in HEADINGS.items()}
"""The names of the settings as they appear within a sentence."""
_POLICIES = {
    ApprovalPolicy.OFF: "None",
    ApprovalPolicy.BULK: "Deletions of more than one token",
    ApprovalPolicy.ALL: "All deletions",
}
NO_PLACE = "Nobody could be asked. Choose an audit channel, or people who can approve."
_USABLE_KINDS = ("a bot token", "a user token", None)


@dataclass(frozen=True, slots=True)
class ShownSettings:
    """The settings that the person saw in the modal: their version, and a fingerprint of each setting."""

    version: int
    fingerprints: Mapping[str, str]

    def write(self) -> str:
        """Return the metadata for the modal."""
        return json.dumps({"origin": None, "version": self.version, "seen": self.fingerprints}, separators=(",", ":"))

    @classmethod
    def read(cls, text: str) -> "ShownSettings":
        """Parse a modal's metadata. Raises UnreadableMetadata."""
        try:
            noted = json.loads(text)
            version, seen = noted["version"], noted["seen"]
        except (ValueError, RecursionError, KeyError, TypeError):
            version, seen = None, None
        if type(version) is not int or not isinstance(seen, dict):
            raise UnreadableMetadata("The modal's settings aren't this bot's.")
        return cls(version, {str(name): str(value) for name, value in seen.items()})


@dataclass(frozen=True, slots=True)
class SubmittedSettings:
    """The submitted settings. Without a new API token, the current token stays unless `removes_token` is true."""

    settings: WorkspaceSettings
    seen: ShownSettings
    removes_token: bool = False

    @property
    def changed(self) -> frozenset[str]:
        """The names of the settings that the person changed."""
        now = fingerprints(self.settings)
        changed = {name for name in now if now[name] != self.seen.fingerprints.get(name)}
        return frozenset(changed | ({TOKEN} if self.settings.api_token is not None or self.removes_token else set()))


def fingerprints(settings: WorkspaceSettings) -> dict[str, str]:
    """Return a fingerprint of each setting's value in the modal, except for the API token."""
    shown = as_shown(settings).model_dump(mode="json", exclude={TOKEN})
    return {name: hashlib.sha256(json.dumps(value).encode()).hexdigest()[:12] for name, value in shown.items()}


def as_shown(settings: WorkspaceSettings) -> WorkspaceSettings:
    """Return the settings in a form that the modal can show. Of several roles in a list, only the widest remains."""
    lists: dict[str, AllowList | None] = {name: getattr(settings, name) for name in LISTS}
    shown = {name: widest(one) if one is not None else None for name, one in lists.items()}
    return settings.model_copy(update=shown)


def build(settings: WorkspaceSettings, seen: ShownSettings, problems: Sequence[str] = (), *, has_token: bool) -> View:
    """Build the modal. `problems`, which must be mrkdwn by Extauth, appear above everything else."""
    blocks: list[Block] = [parts.paragraph(f"✕ {problem}") for problem in problems]
    blocks.append(
        parts.small_print(
            "They apply to this workspace, and each change is in the audit log. Workspace admins and owners can always "
            "change them."
        )
    )
    for name in LISTS[:-1]:
        blocks += allow_list_fields(name, HEADINGS[name], getattr(settings, name))
    policies = {one.value: label for one, label in _POLICIES.items()}
    policy = choice("static_select", POLICY, policies, settings.delete_approval.value)
    hint = "Requests for approval go to the audit channel, or else to the people below."
    blocks += [parts.DIVIDER, parts.paragraph("*Approval*")]
    blocks.append(parts.field(POLICY, "Deletions that need somebody else's approval", policy, hint))
    blocks += allow_list_fields("delete_approvers", HEADINGS["delete_approvers"], settings.delete_approvers)
    blocks += [parts.DIVIDER, parts.paragraph("*More*"), _channel_field(settings.audit_channel)]
    hint = "The ID of a person, user group, or channel, or a link (https://… or mailto:…)."
    blocks.append(text_field(CONTACT, HEADINGS[CONTACT], hint, value=settings.contact, optional=True, most=500))
    said = "A token is set. Enter another to replace it." if has_token else "None is set, so Extauth uses its own."
    hint = f"{said} It's for the external tokens, if Slack doesn't accept Extauth's for them. Nobody can read it here."
    blocks.append(text_field(TOKEN, "This workspace's API token", hint, optional=True, most=500, placeholder="xoxp-…"))
    if has_token:
        boxes = parts.element("checkboxes", REMOVE_TOKEN, options=[parts.option("Remove what is set", "yes")])
        blocks.append(parts.field(REMOVE_TOKEN, "Remove the token", boxes, optional=True))
    hint = "Its ID, such as A012ABCDEF, or several with commas between them. Empty, it's Extauth itself."
    ids = ", ".join(settings.app_ids)
    blocks.append(text_field(APPS, HEADINGS[APPS], hint, value=ids, optional=True, most=500))
    return form(CALLBACK_ID, "Settings", "Save", seen.write(), blocks)


def _channel_field(channel: str | None) -> Block:
    menu = parts.element(
        "conversations_select",
        CHANNEL,
        initial_conversation=channel,
        filter={"include": ["public", "private"], "exclude_external_shared_channels": True},
        placeholder=parts.plain_text("Choose a channel"),
    )
    hint = "What everybody does with tokens is posted there, without the tokens. Invite Extauth to it."
    return parts.field(CHANNEL, "Audit channel", menu, hint, optional=True)


def parse(view: SubmittedView) -> SubmittedSettings | FieldErrors:
    """Return the submission, or the mistakes by field. A mistake never quotes a value that may be secret.

    Raises UnreadableMetadata.
    """
    seen, values, errors = ShownSettings.read(view["private_metadata"]), view["state"]["values"], FieldErrors()
    entered: dict[str, Any] = {name: read_allow_list(values, name, errors) for name in LISTS}
    if entered["delete_approvers"] == NOBODY:
        entered["delete_approvers"] = None
    for name in set(HEADINGS) - set(LISTS):
        entered[name] = read_text(values, name) or selected(values, name, "selected_conversation")
    settings, advice = WorkspaceSettings.accept(entered)
    errors |= advice
    token = settings.api_token
    kind = slack_token_kind(token) if token is not None else None
    if kind not in _USABLE_KINDS:
        errors[TOKEN] = f"This is {kind}. Enter a user token (xoxp-…) or a bot token (xoxb-…)."
    elif token is not None and not token.get_secret_value().startswith("xox"):
        errors[TOKEN] = "This isn't a token of Slack's. They begin with xox."
    removes = bool(read_checked(values, REMOVE_TOKEN))
    if entered[TOKEN] is not None and removes:
        errors[REMOVE_TOKEN] = "Enter a token or remove the one that is set, not both."
    if settings.lacks_place and CHANNEL not in advice:
        errors[POLICY] = NO_PLACE
    return errors or SubmittedSettings(settings, seen, removes)
