"""The App Home, with the connected accounts, recent actions, the person's permissions, and the contact."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice

from bot.access import Decision
from bot.audit.entries import Entry, doer
from bot.batch import Item
from bot.environment import COMMAND
from bot.explanations import Who, explain, explain_no_accounts
from bot.jobs.account_states import LastTest
from bot.operation import Operation, Permission
from bot.slack import mrkdwn
from bot.slack.external_auth.accounts import AccountList, AccountState
from bot.views import buttons, parts
from bot.views.batches import STATES, named_tokens
from bot.views.help import ABOUT, TOKEN_IDS
from bot.views.history import entry_line
from bot.views.parts import Mark, View
from bot.views.permissions import may_use, permission_lines
from bot.workspaces.runtime import Listing

MOST_LINES = 5
"""Maximum number of actions in a list."""


@dataclass(frozen=True, slots=True)
class Overview:
    """The known facts about the accounts, for a person who may list them.

    `listing` is None without a response from Slack. `is_asked` is True if the response may still come. `tests` are the
    last test results by token ID, or None if they can't be read.
    """

    listing: Listing | None
    tests: Mapping[str, LastTest] | None
    is_asked: bool = False


@dataclass(frozen=True, slots=True)
class RecentActivity:
    """Recent actions, newest first: the person's own, and everyone's if the person may see the audit log."""

    own: Sequence[Entry] = ()
    everybody: Sequence[Entry] = ()


def home_view(
    permissions: Mapping[Permission, Decision],
    contact: str,
    overview: Overview | None = None,
    lately: RecentActivity | None = None,
) -> View:
    """Return the tab for a person with these permissions, with buttons only for allowed operations.

    `overview` is None for people who may not list accounts.
    """
    blocks: list[parts.Block] = [parts.paragraph(ABOUT), *buttons.open_buttons(permissions)]
    if overview is not None:
        allowed = {permission for permission, decision in permissions.items() if decision.allowed}
        blocks += [parts.DIVIDER, *_accounts(overview, allowed)]
    if lately is not None:
        blocks += _lately(lately)
    blocks += [parts.DIVIDER, parts.paragraph(f"*What you can do*\n{permission_lines(permissions, contact)}")]
    hints = [f"Questions? Ask {contact}."]
    if may_use(permissions):
        blocks.append(parts.paragraph(TOKEN_IDS))
        hints.insert(0, f"Type `{COMMAND} help` in any channel for all commands.")
    blocks.append(parts.small_print(" ".join(hints)))
    return {"type": "home", "blocks": blocks}


def _accounts(overview: Overview, allowed: Container[Permission]) -> list[parts.Block]:
    accounts = overview.listing.accounts if overview.listing is not None else None
    tests = overview.tests or {}
    if accounts is not None:
        listed = {account.token_id for account in accounts.accounts}
        tests = {token_id: last for token_id, last in tests.items() if token_id in listed}
    said = [_count(overview, tests)]
    if overview.tests is not None and (tests or (accounts is not None and accounts.accounts)):
        said.append(_tested(tests, len(accounts.accounts) if accounts is not None else len(tests)))
    blocks = [parts.paragraph("*Connected accounts*\n" + "\n".join(said)), *_broken(tests, accounts)]
    keys = {account.token_id: account.provider_key for account in accounts.accounts} if accounts is not None else {}
    broken = [last for last in tests.values() if last.state.is_broken]
    if any(explain(last.code or "", Operation.TEST).who is Who.CONNECTOR for last in broken):
        only = broken[0] if len(broken) == 1 else None
        key = keys.get(only.token_id, only.provider_key) if only is not None else None
        again = buttons.reconnect(key, only.token_id if only is not None else None)
        blocks += [parts.actions(again)] if Permission.CONNECT in allowed else []
    if len(blocks) > 1 and Permission.TEST in allowed:
        blocks.append(parts.small_print(f"`{COMMAND} test --all` says what to do about each."))
    return blocks


def _count(overview: Overview, tests: Mapping[str, LastTest]) -> str:
    found = overview.listing.accounts if overview.listing is not None else None
    if found is not None:
        if not found.accounts:
            return f"{explain_no_accounts(is_complete=found.is_complete)}."
        accounts = parts.count(len(found.accounts), "account")
        return f"Slack lists {accounts} and {parts.count(len(found.providers), 'provider')}."
    if overview.is_asked and overview.listing is None:
        return "Counting…"
    why = "They couldn't be counted now."
    if overview.listing is not None:
        code = overview.listing.refusal or ""
        why = f"{explain(code, Operation.LIST).title} ({mrkdwn.code(code, 100)})."
    if not tests:
        return why
    providers = {last.provider_key for last in tests.values() if last.provider_key}
    known = f" with {parts.count(len(providers), 'provider')}" if providers else ""
    return f"{why} The last tests were of {parts.count(len(tests), 'account')}{known}."


def _tested(tests: Mapping[str, LastTest], total: int) -> str:
    if not tests:
        return "No account has been tested yet."
    broken = sum(last.state.is_broken for last in tests.values())
    working = sum(last.state is AccountState.WORKS for last in tests.values())
    counts = [f"{Mark.DONE} {working:,} work", *([f"{Mark.FAILED} {broken:,} don't"] if broken else [])]
    untested = total - working - broken
    counts += [f"{untested:,} not tested yet"] if untested else []
    newest = max(last.at for last in tests.values())
    return f"Last test {parts.moment(newest)}:  {'  ·  '.join(counts)}"


def _broken(tests: Mapping[str, LastTest], accounts: AccountList | None) -> list[parts.Block]:
    known = (
        {one.token_id: Item(one.token_id, one.provider_key, one.name) for one in accounts.accounts} if accounts else {}
    )
    blocks = []
    for state in (state for state in AccountState if state.is_broken):
        found = sorted((last for last in tests.values() if last.state is state), key=lambda last: last.token_id)
        items = [known.get(last.token_id) or Item(last.token_id, last.provider_key) for last in found]
        if items:
            blocks.append(named_tokens(f"{Mark.FAILED} {STATES[state]}: {len(items):,}", items))
    return blocks


def _lately(lately: RecentActivity) -> list[parts.Block]:
    # Opening this tab may list the accounts, which is in the log but isn't an action the person chose.
    own = [entry for entry in lately.own if entry.action != Operation.LIST.action]
    steps = (Operation.TEST.action, Operation.DELETE.action)
    blocks: list[parts.Block] = []
    for heading, entries in (("What you did lately", own), ("Audit log", lately.everybody)):
        if entries:
            blocks += [parts.DIVIDER, parts.paragraph(f"*{heading}*")]
        # A batch is a single action to people, so its entries share one line.
        actions = groupby(
            entries, key=lambda entry: (entry.reference, entry.action if entry.action in steps else entry.number)
        )
        for _, action in islice(actions, MOST_LINES):
            first, *others = action
            when = parts.moment(first.at, "{ago}, {date_short_pretty} {time}")
            several = f"{first.action} several tokens · {mrkdwn.escape(first.reference, 40)}"
            line = f"{when} · {doer(first.user_id)} · {several}" if others else entry_line(first)
            blocks.append(parts.paragraph(line))
    return blocks
