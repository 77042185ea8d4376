"""The fields for an allow list: a role, people, and user groups."""

import re
from dataclasses import replace

from bot.access import AllowList
from bot.ids import GROUP_ID, unwrap
from bot.views import parts
from bot.views.fields import FieldErrors, FieldValues, choice, read_text, selected, text_field
from bot.views.parts import Block

MOST = 100
"""Maximum number of people, and of groups, in one list. For more people, a user group is necessary."""
_ROLES = {"members": "All full members", "admins": "Workspace admins and owners", "owners": "Workspace owners"}
"""The roles and their labels, widest first. Each role includes those after it."""
_NOBODY = "none"
INSTEAD = {
    "show_allow": "The people who can fetch",
    "test_allow": "The people who can fetch",
    "delete_approvers": "The people who can delete",
}
"""The people whom an empty list stands for, by the list's name."""


def allow_list_fields(name: str, heading: str, allowed: AllowList | None) -> list[Block]:
    """Build the fields for a list, which may be left empty if that means the people of another list."""
    instead = INSTEAD.get(name)
    offered = {**_ROLES, _NOBODY: "Only the people and user groups below"}
    chosen = next(iter(widest(allowed).roles), _NOBODY) if allowed is not None else None
    roles = choice("static_select", name, offered, chosen)
    roles["placeholder"] = parts.plain_text(instead or "Choose")
    users, groups = (sorted(allowed.users), sorted(allowed.groups)) if allowed is not None else ([], [])
    people = parts.element(
        "multi_users_select",
        f"{name}_users",
        initial_users=users or None,
        max_selected_items=MOST,
        placeholder=parts.plain_text("People"),
    )
    return [
        parts.field(name, heading, roles, optional=instead is not None),
        parts.field(f"{name}_users", f"{heading}: these people, too", people, optional=True),
        text_field(
            f"{name}_groups",
            f"{heading}: these user groups, too",
            value=" ".join(groups),
            optional=True,
            most=2000,
            placeholder="S012ABCDEF",
        ),
    ]


def read_allow_list(values: FieldValues, name: str, errors: FieldErrors) -> AllowList | None:
    """Return the list, or None if it is left empty and stands for another list, and add any mistakes to `errors`."""
    role = read_text(values, name)
    users = frozenset(str(user) for user in selected(values, f"{name}_users", "selected_users") or ())
    typed = str(selected(values, f"{name}_groups", "value") or "")
    groups = frozenset(filter(None, (unwrap(one) for one in re.split(r"[\s,]+", typed))))
    if any(GROUP_ID.fullmatch(group) is None for group in groups):
        errors[f"{name}_groups"] = "Enter user group IDs such as S012ABCDEF, with spaces between them."
    for field, chosen in ((f"{name}_users", users), (f"{name}_groups", groups)):
        if len(chosen) > MOST:
            errors[field] = f"{MOST} at most. For more people, use a user group."
    if name in INSTEAD and not role and not users and not groups:
        return None
    return AllowList(frozenset([role] if role in _ROLES else []), users, groups)


def widest(allowed: AllowList) -> AllowList:
    """Return the list with only its widest role, because the fields can show just one."""
    role = next((role for role in _ROLES if role in allowed.roles), None)
    return replace(allowed, roles=frozenset([role] if role is not None else []))
