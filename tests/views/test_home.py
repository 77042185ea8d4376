"""The App Home fits Slack's limits, whatever there is to tell."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.access import Decision, Reason
from bot.audit.entries import Entry
from bot.jobs.account_states import LastTest
from bot.operation import Permission
from bot.sandbox.slack.block_kit import view_complaints
from bot.slack.external_auth.accounts import Account, AccountList, AccountState, Provider
from bot.views.home import Overview, RecentActivity, home_view
from bot.workspaces.runtime import Listing
from tests.screens import ADMINS, AT

TEXTS = st.text(max_size=255)
ENTRIES = st.lists(
    st.builds(
        Entry,
        number=st.integers(1, 100),
        at=st.just(AT),
        reference=st.sampled_from(["ABCD2345", "EFGH2345"]),
        team_id=st.just("T1"),
        enterprise_id=st.none(),
        user_id=st.sampled_from(["U012ABCDEF", "schedule", "terminal", None]),
        action=st.sampled_from(["get", "test", "delete", "list", "history"]),
        parameters=st.fixed_dictionaries({"app_id": TEXTS, "provider_key": TEXTS}),
        outcome=st.sampled_from(["works", "failed", "denied", None]),
        code=st.none() | TEXTS,
        milliseconds=st.just(1),
        token_hmac=st.none(),
    ),
    max_size=25,
)
BROKEN = st.sampled_from([state for state in AccountState if state.is_broken])


def permissions(*allowed: Permission) -> dict[Permission, Decision]:
    return {one: Decision(one in allowed, Reason.ADMIN, one, ADMINS) for one in Permission}


@settings(max_examples=30)
@given(st.sampled_from([0, 1, 60, 2500]), BROKEN, ENTRIES, TEXTS, st.booleans(), st.booleans())
def test_it_passes_the_limits(
    count: int, state: AccountState, entries: list[Entry], text: str, is_listed: bool, is_tested: bool
) -> None:
    accounts = tuple(Account(f"EtMany{number:06}", text or "?", text or None) for number in range(count))
    listed = AccountList((Provider(text),), accounts, True, 0)
    tests = {one.token_id: LastTest(one.token_id, text, AT, state, "a_code") for one in accounts}
    listing = Listing(listed) if is_listed else Listing(refusal=text)
    overview = Overview(listing, tests if is_tested else {})
    view = home_view(permissions(*Permission), "a workspace admin", overview, RecentActivity(entries, entries))
    assert view_complaints(view) == []


def test_where_the_database_cannot_be_read_nothing_is_said_of_tests() -> None:
    accounts = (Account("Et1", "google", "ada@example.com"),)
    listed = Listing(AccountList((Provider("google"),), accounts, True, 0))
    view = home_view(permissions(*Permission), "a workspace admin", Overview(listed, None), RecentActivity())
    said = json.dumps(view)
    assert "Slack lists 1 account and 1 provider." in said
    assert "tested" not in said


def test_only_who_may_test_is_told_how() -> None:
    overview = Overview(None, {"Et1": LastTest("Et1", "google", AT, AccountState.GONE)})
    for allowed, told in (
        ((Permission.LIST,), False),
        ((Permission.LIST, Permission.GET), False),
        ((Permission.LIST, Permission.TEST), True),
    ):
        said = json.dumps(home_view(permissions(*allowed), "a workspace admin", overview))
        assert ("says what to do about each" in said) == told
