"""A person's permissions, and the reasons for denials."""

from collections.abc import Mapping, Sequence

from bot.access import AllowList, Decision, Reason
from bot.operation import Permission
from bot.outcomes import Denied
from bot.slack.mrkdwn import mention
from bot.views import parts
from bot.views.parts import Screen, notice

_DOING = {
    Permission.GET: "fetch tokens",
    Permission.SHOW: "show tokens in full",
    Permission.TEST: "test accounts",
    Permission.DELETE: "delete tokens",
    Permission.LIST: "list connected accounts",
    Permission.CONNECT: "connect accounts",
    Permission.HISTORY: "see the audit log",
    Permission.APPROVE: "approve deletions",
    Permission.SETTINGS: "change Extauth's settings",
}
_BECAUSE = {
    Reason.GUEST: "Guests can't use external tokens.",
    Reason.BOT: "Bots can't use external tokens.",
    Reason.DEACTIVATED: "Your account is deactivated.",
    Reason.EXTERNAL: "People from other organizations can't use this workspace's external tokens.",
    Reason.NOT_INSTALLED: "Extauth isn't installed in your workspace. An admin there can install it.",
    Reason.UNATTENDED: "By itself, Extauth can only list and test accounts.",
    Reason.UNKNOWN: "Slack couldn't say who you are. Try again in a minute.",
}
"""The texts of reasons that don't depend on the permission. `NOT_LISTED` isn't here, because its text names people."""
_ROLES = {
    "members": "full members of this workspace",
    "admins": "workspace admins and owners",
    "owners": "workspace owners",
}
_MOST_NAMED = 10
_NOBODY = "By this workspace's settings, nobody can. Its admins can change that."


def denied_screen(denied: Denied, contact: str) -> Screen:
    """Return the screen for a denial, with the people who can help."""
    decision = denied.decision
    title = f"You don't have permission to {_DOING[decision.permission]}"
    if decision.reason is Reason.UNKNOWN:
        title = "Extauth couldn't check your permission"
    fine_print = f"No request was sent to Slack. Reference {denied.reference}"
    why = denied_because(decision, contact)
    return notice("No permission", title, why, fine_print, subject=parts.request_subject(denied.request))


def may_use(permissions: Mapping[Permission, Decision]) -> bool:
    """Return whether any permission is granted."""
    return any(decision.allowed for decision in permissions.values())


def permission_lines(permissions: Mapping[Permission, Decision], contact: str) -> str:
    """Return the person's permissions, and the people to ask for the other ones, as mrkdwn."""
    if not may_use(permissions) and len({decision.reason for decision in permissions.values()}) == 1:
        decision = next(iter(permissions.values()))
        if decision.reason in _BECAUSE:
            return f"{parts.Mark.FAILED} {denied_because(decision, contact)}"
    allowed, denied = [], dict[str, list[str]]()
    for decision in permissions.values():
        doing = _DOING[decision.permission]
        if decision.allowed:
            allowed.append(doing)
        # A missing permission to change settings isn't shown, because only admins would expect it.
        elif decision.permission is not Permission.SETTINGS:
            why = _BECAUSE.get(decision.reason) or _naming("Ask {people}.", decision.allow)
            denied.setdefault(why, []).append(doing)
    lines = [f"{parts.Mark.DONE} You can {_series(allowed, 'and')}."] if allowed else []
    lines += [f"{parts.Mark.FAILED} You can't {_series(doing, 'or')}. {why}" for why, doing in denied.items()]
    return "\n".join(lines)


def denied_because(decision: Decision, contact: str) -> str:
    """Return the reason for a denial, and the people who can help, as mrkdwn."""
    # Contacts have no braces: they are IDs or links without them.
    otherwise = f", or contact {contact}" if contact != mention(None) else ""
    match decision.reason:
        case Reason.NOT_LISTED:
            return _naming(f"Only {{people}} can. Ask one of them{otherwise}.", decision.allow)
        case Reason.GUEST:
            return f"{_BECAUSE[Reason.GUEST]} {_naming(f'Ask {{people}}{otherwise}.', decision.allow)}"
        case Reason.UNKNOWN:
            return f"{_BECAUSE[Reason.UNKNOWN]} If this keeps happening, contact {contact}."
        case _:
            return _BECAUSE[decision.reason]


def _naming(sentence: str, allow: AllowList) -> str:
    """Return the sentence with the people on the list in it, or `_NOBODY` if the list is empty."""
    names = [words for role, words in _ROLES.items() if role in allow.roles]
    mentions = [f"<@{user_id}>" for user_id in sorted(allow.users)]
    mentions += [f"the group <!subteam^{group}>" for group in sorted(allow.groups)]
    names += mentions[:_MOST_NAMED]
    if len(mentions) > _MOST_NAMED:
        names.append(f"{len(mentions) - _MOST_NAMED} others")
    return sentence.format(people=_series(names, "or")) if names else _NOBODY


def _series(items: Sequence[str], conjunction: str) -> str:
    """Return "a", "a or b", or "a, b, or c"."""
    if len(items) < 3:
        return f" {conjunction} ".join(items)
    return f"{', '.join(items[:-1])}, {conjunction} {items[-1]}"
