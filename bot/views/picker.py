"""Options that a field offers while a person types: accounts, providers, and the typed text.

Slack stores an option's value, so the value never contains typed text that doesn't have the form of an ID. Such text
gets an option that represents a problem. If a person submits that option, an explanation appears beside the field.
https://docs.slack.dev/reference/block-kit/block-elements/select-menu-element#external_select
"""

from collections.abc import Iterable, Sequence

from bot.ids import FORMATS, find_token, is_id, unwrap
from bot.slack import mrkdwn
from bot.slack.external_auth.accounts import Account, AccountList, Provider
from bot.slack.external_auth.models import LABELS, InvalidParameter, PastedToken, check_id
from bot.views import parts
from bot.views.parts import Block

MOST_OPTIONS = 100
"""Maximum number of options in total. Slack accepts 100 in each of 100 groups, but typing more is easier to use."""
LONGEST_LABEL = 75
LONGEST_VALUE = 150
"""Slack's limits in characters. https://docs.slack.dev/reference/block-kit/composition-objects/option-object"""
_PLACEHOLDERS = {
    "external_token_id": "Type an account, a provider, or a token ID",
    "provider_key": "Type a provider",
}
_PROBLEM = "?"
"""The first character of a value that represents a problem. No ID begins with it."""
_UNLIKELY = f"{_PROBLEM}unlikely"


def element(name: str, value: str | None) -> Block:
    """Build the element, with the known value selected."""
    return parts.element(
        "external_select",
        name,
        placeholder=parts.plain_text(_PLACEHOLDERS[name]),
        initial_option=_option(value, value) if value else None,
        min_query_length=0,
    )


def token_groups(typed: str, accounts: AccountList | None, recent_ids: Sequence[str]) -> Sequence[Block]:
    """Return the tokens that the person used recently, then the accounts by provider, if they match the typed text.

    `accounts` is None if the accounts can't be listed.
    """
    known = {account.token_id: account for account in accounts.accounts} if accounts else {}
    providers = {provider.key: provider for provider in accounts.providers} if accounts else {}

    recent_first = {token_id: Account(token_id, "") for token_id in recent_ids} | known
    matching = [
        one
        for one in recent_first.values()
        if _leads_to(typed, _provider_name(one.provider_key, providers), one.name, one.token_id)
    ]
    recent = [one for one in matching if one.token_id in recent_ids]
    found = [one for one in matching if one.token_id not in recent_ids]
    groups = [_group("Used recently", map(_account_option, recent))] if recent else []
    shown = found[: MOST_OPTIONS - 1 - len(recent)]
    for key in dict.fromkeys(account.provider_key for account in shown):
        own = [account for account in shown if account.provider_key == key]
        total = sum(account.provider_key == key for account in found)
        cut = f" ({len(own):,} of {total:,})" if len(own) < total else ""
        label = mrkdwn.clip(_provider_name(key, providers), LONGEST_LABEL - len(cut)) + cut
        groups.append(_group(label, map(_account_option, own)))
    return _with_typed(typed, "external_token_id", groups)


def provider_groups(typed: str, accounts: AccountList | None) -> Sequence[Block]:
    """Return the providers that match the typed text. `accounts` is None if the accounts can't be listed."""
    options = []
    for provider in accounts.providers if accounts else ():
        try:
            check_id("provider_key", provider.key)
        except InvalidParameter:
            continue
        if len(provider.key) <= LONGEST_VALUE and _leads_to(typed, provider.key, provider.name):
            count = accounts.count(provider) if accounts else 0
            about = f" ({parts.count(count, 'account')})"
            name = _provider_name(provider.key, {provider.key: provider})
            options.append(_option(mrkdwn.clip(name, LONGEST_LABEL - len(about)) + about, provider.key))
    groups = [_group("Providers", options[: MOST_OPTIONS - 1])] if options else []
    return _with_typed(typed, "provider_key", groups)


def find_problem(name: str, value: str, command: str) -> str | None:
    """Return the problem that a chosen option represents, or None for a usable option.

    `command` is the command in which a person can type values that an option can't contain.
    """
    if not value.startswith(_PROBLEM):
        return None
    for token_format in FORMATS:
        if value == _PROBLEM + token_format.name:
            return PastedToken(name, token_format).problem
    return (
        f"That isn't listed and doesn't look like a {LABELS[name]}. It wasn't sent to Slack's API or kept. To use "
        f"it anyway, type {command}. If it's a token, and anyone else could have seen it, revoke it with its provider."
    )


def _with_typed(typed: str, name: str, groups: Sequence[Block]) -> Sequence[Block]:
    """Add an option for the typed text, unless it's listed. Matches come first, because one of them is likely meant."""
    text = unwrap(typed)
    token_format = find_token(text)
    if token_format is not None:
        label = f"Looks like {token_format.name}: revoke it. Select for more."
        return [_group("Not an ID", [_option(label, _PROBLEM + token_format.name)])]
    if not text or text in {option["value"] for group in groups for option in group["options"]}:
        return groups
    if is_id(text):
        return [*groups, _group("As typed", [_option(f"Use {text}", text)])]
    if groups:
        return groups
    return [_group("Not listed", [_option(f"Doesn't look like a {LABELS[name]}. Select for more.", _UNLIKELY)])]


def _leads_to(typed: str, *texts: str | None) -> bool:
    text = " ".join(filter(None, texts)).casefold()
    return all(word in text for word in unwrap(typed).casefold().split())


def _provider_name(key: str, providers: dict[str, Provider]) -> str:
    provider = providers.get(key)
    return f"{_line(provider.name)} · {_line(key)}" if provider is not None and provider.name else _line(key)


def _account_option(account: Account) -> Block:
    if not account.name:
        return _option(account.token_id, account.token_id)
    name = mrkdwn.clip(_line(account.name), LONGEST_LABEL - len(account.token_id) - 3)
    return _option(f"{name} · {account.token_id}", account.token_id)


def _line(text: str) -> str:
    """Return text from outside as one line of printable characters."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split()) or "?"


def _option(label: str, value: str) -> Block:
    return {"text": parts.plain_text(mrkdwn.clip(label, LONGEST_LABEL), emoji=False), "value": value}


def _group(label: str, options: Iterable[Block]) -> Block:
    return {"label": parts.plain_text(label, emoji=False), "options": list(options)}
