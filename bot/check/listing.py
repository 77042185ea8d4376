"""Checks whether Slack lists connected accounts. Where it doesn't, nothing is wrong: people type token IDs."""

from bot.check.finding import Finding, not_checked, ok
from bot.check.tokens import Bot, external_auth_token
from bot.check.web_api import TOKEN_REFUSALS, reason
from bot.settings import Settings
from bot.slack.calls import RATE_LIMIT_BUDGET
from bot.slack.client import ClientFactory
from bot.slack.external_auth.client import ExternalAuthClient
from bot.slack.external_auth.errors import ExternalAuthError, RefusedError
from bot.slack.external_auth.models import ListAccounts
from bot.slack.rate_limit import Caller, RateLimiter

SUBJECT = "/extauth list"
_REFUSALS = TOKEN_REFUSALS | {
    "app_not_found",
    "invalid_args",
    "invalid_arguments",
    "method_deprecated",
    "method_not_supported",
    "unknown_method",
}
"""Slack's codes for a list that it doesn't offer, or not to this token, or not for its app."""


async def check_listing(settings: Settings, clients: ClientFactory, bot: Bot, blocked: str | None) -> Finding:
    """List the accounts, as `/extauth list` does."""
    token, _, blocked = external_auth_token(settings, bot, blocked)
    if blocked is not None:
        return not_checked(SUBJECT, blocked)
    try:
        client = ExternalAuthClient(clients, RateLimiter(clients.clock))
        found = await client.list(token, ListAccounts(), Caller(patience=RATE_LIMIT_BUDGET))
    except ExternalAuthError as error:
        if not isinstance(error, RefusedError) or error.code not in _REFUSALS:
            return not_checked(SUBJECT, reason(error))
        return ok(SUBJECT, f"Slack doesn't list accounts here ({error.code}). Everything else works with typed IDs.")
    accounts, providers = len(found.accounts), len(found.providers)
    return ok(SUBJECT, f"Slack lists {_count(accounts, 'account')} of {_count(providers, 'provider')}.")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
