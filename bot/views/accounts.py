"""The list of connected accounts, in pages, with a menu beside each account."""

from bot.environment import COMMAND
from bot.explanations import explain_no_accounts
from bot.ids import TypedText, quote
from bot.outcomes import Listed
from bot.slack import mrkdwn
from bot.slack.external_auth.accounts import Account, AccountList, page
from bot.slack.external_auth.models import ListAccounts
from bot.views import buttons, parts
from bot.views.buttons import Button
from bot.views.parts import Screen

MOST_PROVIDERS = 15
MOST_WORKFLOWS = 3
_LONGEST_NAME = 80
_NO_PROVIDERS = f"Slack lists no providers for this app. For another app, add its ID: `{COMMAND} list --app-id A12345`."


def accounts_screen(listed: Listed) -> Screen:
    """Return a page of the accounts, with the providers above and buttons for the pages before and after it."""
    key, app_id = listed.request.provider_key, listed.request.app_id
    if key is not None and not listed.accounts.of_provider(key).providers:
        return _unknown_provider(listed, key)
    found = listed.accounts.matching(listed.request, listed.at)
    total, shown = len(found.accounts), page(found.accounts, listed.request)
    title = f"{total} connected account{'' if total == 1 else 's'}"
    if not total and not found.is_complete:
        title = "Connected accounts"
    elif total > len(shown.accounts):
        title = f"Connected accounts {shown.first:,} to {shown.first + len(shown.accounts) - 1:,} of {total:,}"
    if listed.request.is_search:
        title = f"{title} {_condition(listed.request)}"
    of_app = f"  app {mrkdwn.code(quote(app_id))}" if app_id is not None else ""
    blocks: list[parts.Block] = [parts.paragraph(f"*{title}*{of_app}")]
    if found.providers and not listed.request.is_search:
        blocks.append(_providers(found))
    if not found.accounts and listed.request.is_search:
        wanted = "Slack doesn't say which workflows use an account. " if not found.has_workflows else ""
        blocks.append(parts.paragraph(f"{wanted}For all accounts, type `{COMMAND} list`."))
    elif not found.accounts:
        none = f"{explain_no_accounts(is_complete=found.is_complete)}."
        blocks.append(parts.paragraph(none if found.providers else _NO_PROVIDERS))
    blocks += [_row(account, found, listed) for account in shown.accounts]
    turns = [
        buttons.build(button, request)
        for button, request in ((Button.NEWER, shown.newer), (Button.OLDER, shown.older))
        if request is not None and buttons.can_carry(request)
    ]
    cut = " Add a word to the search to see the others." if shown.older is not None and not turns else ""
    ids = [account.token_id for account in shown.accounts]
    several = buttons.of_several(listed.allowed, ids) if total > 1 else []
    if turns or several:
        blocks.append(parts.actions(*turns, *several))
    order = " Most recently refreshed first." if total > 1 else ""
    unreadable = f" Extauth couldn't read {found.unreadable:,} more." if found.unreadable else ""
    blocks.append(parts.small_print(f"Only you can see this.{order}{unreadable}{cut} Reference {listed.reference}"))
    return Screen("Connected accounts", title, tuple(blocks))


def _condition(request: ListAccounts) -> str:
    """Return the search in words, to follow the number of accounts, as mrkdwn."""
    words = []
    if request.search is not None:
        words.append(f"with {mrkdwn.code(str(request.search))}")
    if request.account is not None:
        words.append(f"of {mrkdwn.code(str(request.account))}")
    if request.unused:
        words.append("that no workflow uses")
    if request.stale_days is not None:
        words.append(f"not refreshed for {parts.count(request.stale_days, 'day')}")
    return ", ".join(words)


def _providers(found: AccountList) -> parts.Block:
    items: list[parts.Line] = []
    for provider in found.providers[:MOST_PROVIDERS]:
        accounts = found.count(provider)
        facts = ["accounts not named" if provider.hides_accounts else parts.count(accounts, "account")]
        if provider.has_client_secret is not None:
            facts.append("client secret set" if provider.has_client_secret else f"{parts.Mark.UNSURE} no client secret")
        if accounts and provider.has_valid_token is False:
            facts.append(f"{parts.Mark.UNSURE} no valid token")
        name = [parts.literal(f"{mrkdwn.clip(provider.name, _LONGEST_NAME)} ", is_bold=True)] if provider.name else []
        key = parts.literal(mrkdwn.clip(provider.key, _LONGEST_NAME), is_code=True)
        items.append([*name, key, parts.literal(f"  {' · '.join(facts)}")])
    left_out = len(found.providers) - MOST_PROVIDERS
    if left_out > 0:
        items.append([parts.literal(f"and {left_out:,} more")])
    heading = "Provider:" if len(found.providers) == 1 else "Providers:"
    return parts.bullets([parts.literal(heading)], items)


def _row(account: Account, found: AccountList, listed: Listed) -> parts.Block:
    name = mrkdwn.code(account.name, _LONGEST_NAME) if account.name else "Unknown account"
    key = mrkdwn.code(account.provider_key, _LONGEST_NAME)
    facts = [f"Refreshed {parts.moment(account.refreshed_at)}" if account.refreshed_at else "Last refresh unknown"]
    if found.has_workflows and account.workflows:
        names = ", ".join(mrkdwn.code(name, _LONGEST_NAME) for name in account.workflows[:MOST_WORKFLOWS])
        left_out = len(account.workflows) - MOST_WORKFLOWS
        facts.append(f"used by {names}" + (f" and {left_out:,} more" if left_out > 0 else ""))
    elif found.has_workflows:
        facts.append("no workflow uses it")
    text = f"{name} · {key} · {mrkdwn.code(account.token_id)}\n{' · '.join(facts)}"
    return parts.paragraph(text, buttons.account_menu(account.token_id, listed.allowed))


def _unknown_provider(listed: Listed, key: str | TypedText) -> Screen:
    title = "This app has no such provider"
    blocks: list[parts.Block] = [
        parts.heading(parts.Mark.FAILED, title, mrkdwn.code(quote(key))),
        parts.paragraph(
            "Use the name under `external_auth_providers` in the app's manifest, such as `google`. For another app's "
            "provider, add its app ID."
        ),
    ]
    if listed.accounts.providers:
        blocks.append(_providers(listed.accounts))
    blocks.append(parts.small_print(f"Only you can see this. Reference {listed.reference}"))
    return Screen("Connected accounts", title, tuple(blocks), is_failure=True)
