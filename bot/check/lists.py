"""A check that the people and user groups on the allow lists exist and can be allowed."""

from collections.abc import Mapping

from pydantic import SecretStr

from bot.access import AllowList
from bot.check.finding import Finding, not_checked, ok, problem
from bot.check.tokens import Bot
from bot.check.web_api import ask, reason
from bot.settings import Settings
from bot.slack.client import ClientFactory
from bot.slack.external_auth.errors import ExternalAuthError
from bot.slack.users import user_info

_SHOWN = 3


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
        self._known: dict[str, str | None] = {}

    async def check(self, name: str, allow: AllowList) -> Finding:
        wrong: dict[str, str] = {}
        unknown: str | None = None
        for entry in sorted(allow.users | allow.groups):
            try:
                if entry not in self._known:
                    self._known[entry] = await self._fault(entry, is_group=entry in allow.groups)
            except Unknown as error:
                unknown = str(error)
                continue
            fault = self._known[entry]
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
        return ok(name, f"Allows {', '.join([*sorted(allow.roles), *sorted(allow.users | allow.groups)])}.")

    async def _fault(self, entry: str, *, is_group: bool) -> str | None:
        if self._blocked is not None:
            raise Unknown(self._blocked)
        if is_group:
            answer = await self._ask("usergroups.users.list", {"no_such_subteam"}, usergroup=entry)
            if answer is None:
                return "isn't a user group here"
            return None if answer.get("users") else "has no members"
        answer = await self._ask("users.info", {"user_not_found", "user_not_visible"}, user=entry)
        if answer is None:
            return "isn't anyone Slack knows here"
        user = answer.get("user")
        if not isinstance(user, Mapping) or user.get("id") != entry or self._workspace is None:
            raise Unknown(f"Slack didn't say who {entry} is")
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
