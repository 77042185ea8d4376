"""A check that the people and user groups on the allow lists exist and can be allowed."""

from collections.abc import Mapping

from pydantic import SecretStr

from bot.access import AllowList, ApprovalPolicy
from bot.check.finding import Finding, not_checked, ok, problem
from bot.check.tokens import Bot
from bot.check.web_api import ask, reason
from bot.ids import GROUP_ID, USER_ID
from bot.settings import Settings
from bot.slack.client import ClientFactory
from bot.slack.external_auth.errors import ExternalAuthError
from bot.slack.users import user_info
from bot.views.parts import count

CONTACT, APPROVAL = "EXTAUTH_CONTACT", "EXTAUTH_DELETE_APPROVAL"
_SHOWN = 3
_LONGEST_NAME = 80
_ROLES = {"admins": "admins and owners", "members": "all members"}
"""The people that a role includes, if its name doesn't say so."""


class Unknown(Exception):
    """An entry that couldn't be checked. The message completes “because …”."""


class ListCheck:
    """A check of allow lists with the bot token, which asks Slack about each person and group once."""

    def __init__(self, settings: Settings, clients: ClientFactory, bot: Bot, blocked: str | None) -> None:
        # The empty token is never used, because without SLACK_BOT_TOKEN, the operator's lists name no one.
        self._token = settings.bot_token or SecretStr("")
        self._clients = clients
        self._workspace = bot.workspace
        self._blocked = blocked or bot.unusable
        self._faults: dict[str, str | None] = {}
        self._names: dict[str, str] = {}

    async def check(self, name: str, allow: AllowList) -> Finding:
        wrong: dict[str, str] = {}
        unknown: str | None = None
        for entry in sorted(allow.users | allow.groups):
            try:
                fault = await self._fault(entry)
            except Unknown as error:
                unknown = str(error)
                continue
            if fault is not None:
                wrong[entry] = fault
        if wrong:
            says = [f"{entry} {fault}" for entry, fault in list(wrong.items())[:_SHOWN]]
            if len(wrong) > _SHOWN:
                says.append(f"{len(wrong) - _SHOWN} more can't be allowed")
            rest = f" The others weren't checked, because {unknown}." if unknown else ""
            *others, last = wrong
            names = f"{', '.join(others)} and {last}" if others else last
            return problem(name, f"{'; '.join(says)}.{rest}", f"Remove {names} from the list.")
        if unknown is not None:
            return not_checked(name, unknown)
        if not allow.roles and not allow.users and not allow.groups:
            return ok(name, "Allows nobody.")
        roles = [_ROLES.get(role, role) for role in sorted(allow.roles)]
        named = [f"{entry} ({self._names[entry]})" for entry in sorted(allow.users | allow.groups)]
        return ok(name, f"Allows {', '.join([*roles, *named])}.")

    async def check_contact(self, contact: str | None) -> Finding:
        """Check that the person or group exists whom people are sent to. Slack doesn't let Extauth look up channels."""
        if contact is None:
            return ok(CONTACT, "Nobody is set, so people are told to ask a workspace admin.")
        if not USER_ID.fullmatch(contact) and not GROUP_ID.fullmatch(contact):
            return ok(CONTACT, f"People are sent to {contact}, which can't be checked.")
        try:
            fault = await self._fault(contact)
        except Unknown as error:
            return not_checked(CONTACT, str(error))
        if fault is not None:
            return problem(CONTACT, f"{contact} {fault}.", "Use the ID of somebody whom people can ask.", can_run=True)
        return ok(CONTACT, f"People are sent to {contact} ({self._names[contact]}).")

    async def _fault(self, entry: str) -> str | None:
        """Return the fault of a person or a group, or None. Slack is asked only once. Raises Unknown."""
        if entry not in self._faults:
            if self._blocked is not None:
                raise Unknown(self._blocked)
            self._faults[entry] = await self._look_up(entry)
        return self._faults[entry]

    async def _look_up(self, entry: str) -> str | None:
        if GROUP_ID.fullmatch(entry):
            answer = await self._ask("usergroups.users.list", {"no_such_subteam"}, usergroup=entry)
            if answer is None:
                return "isn't a user group here"
            users = answer.get("users")
            self._names[entry] = count(len(users), "member") if isinstance(users, list) else "members unknown"
            return None if users else "has no members"
        answer = await self._ask("users.info", {"user_not_found", "user_not_visible"}, user=entry)
        if answer is None:
            return "isn't anyone Slack knows here"
        user = answer.get("user")
        if not isinstance(user, Mapping) or user.get("id") != entry or self._workspace is None:
            raise Unknown(f"Slack didn't say who {entry} is")
        self._names[entry] = str(user.get("real_name") or user.get("name") or "no name")[:_LONGEST_NAME]
        info = user_info(user, self._workspace)
        faults = (
            (info.is_deactivated, "is deactivated"),
            (info.is_bot, "is a bot"),
            (info.is_guest, "is a guest"),
            (info.is_external, "belongs to another organization"),
        )
        return next((says for holds, says in faults if holds), None)

    async def _ask(self, method: str, absent: set[str], **arguments: str) -> Mapping[str, object] | None:
        """Return Slack's response, or None if the error code is in `absent`. Raises Unknown."""
        try:
            answer = await ask(self._clients, self._token, method, **arguments)
        except ExternalAuthError as error:
            if error.code in absent:
                return None
            needed = "usergroups:read" if "group" in method else "users:read"
            missing = f"the scope {needed} is missing" if error.code == "missing_scope" else reason(error)
            raise Unknown(missing) from None
        return answer.body if isinstance(answer.body, Mapping) else {}


def check_approval(settings: Settings) -> Finding:
    """Describe the deletions that need approval, and the place where people are asked for it."""
    if settings.delete_approval is ApprovalPolicy.OFF:
        return ok(APPROVAL, "It's off: anyone who can delete tokens can delete all of a provider's without approval.")
    which = "every deletion" if settings.delete_approval is ApprovalPolicy.ALL else "deletions of more than one token"
    where = f"asked in {', '.join(settings.approvals_go_to())}" if settings.approvals_go_to() else "asked for"
    return ok(APPROVAL, f"Somebody else has to approve {which}, and is {where}.")
