"""What is read of Slack's list of accounts, whatever Slack sends, and how it's paged."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.ids import REDACTED, is_id
from bot.slack.external_auth.accounts import PAGE_SIZE, Account, AccountList, Provider, page, read_accounts
from bot.slack.external_auth.errors import UnconfirmedError
from bot.slack.external_auth.models import InvalidParameter, ListAccounts, ListPosition

ANSWER: dict[str, Any] = {
    "ok": True,
    "authorizations": [
        {
            "provider_key": "google",
            "provider_name": "Google",
            "client_id": "1234.apps",
            "client_secret_exists": True,
            "valid_token_exists": False,
            "external_tokens": [
                {"external_token_id": "Et1", "external_user_id": "ada@example.com", "date_updated": 1_700_000_000},
                {"external_token_id": "Et2", "external_user_id": "max@example.com", "date_updated": 1_800_000_000},
            ],
        },
        {"provider_key": "zoom", "provider_name": "Zoom", "client_secret_exists": False, "external_tokens": []},
    ],
    "workflows": [
        {
            "workflow_id": "Wf1",
            "callback_id": "weekly_report",
            "providers": [{"provider_key": "google", "selected_auth": {"external_token_id": "Et1"}}],
        },
        {"workflow_id": "Wf2", "providers": [{"selected_auth": "Et1"}, {"selected_auth": None}]},
    ],
}
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.just("Et1")),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.one_of(
                st.sampled_from(
                    [
                        *("authorizations", "external_tokens", "provider_key", "provider_name", "client_secret_exists"),
                        *("valid_token_exists", "external_token_id", "external_user_id", "date_updated"),
                        *("workflows", "providers", "selected_auth", "callback_id", "workflow_id"),
                    ]
                ),
                st.text(max_size=5),
            ),
            inner,
            max_size=6,
        ),
    ),
    max_leaves=40,
)


def read(answer: dict[str, Any]) -> AccountList:
    return read_accounts(answer)


def with_token(**fields: object) -> AccountList:
    tokens = [{"external_token_id": "Et1", **fields}]
    return read({"authorizations": [{"provider_key": "google", "external_tokens": tokens}]})


def test_everything_slack_says_is_read() -> None:
    assert read(ANSWER) == AccountList(
        providers=(Provider("google", "Google", True, False), Provider("zoom", "Zoom", False, None)),
        accounts=(
            Account("Et2", "google", "max@example.com", 1_800_000_000),
            Account("Et1", "google", "ada@example.com", 1_700_000_000, ("Wf2", "weekly_report")),
        ),
        has_workflows=True,
        unreadable=0,
    )


@pytest.mark.parametrize("authorizations", [None, {}, "google", 7, True])
def test_without_a_list_there_is_none(authorizations: object) -> None:
    for answer in ({"ok": True, "authorizations": authorizations}, {"ok": True}):
        with pytest.raises(UnconfirmedError, match="answer_without_list"):
            read_accounts(answer)


@given(st.lists(JSON), JSON)
def test_whatever_slack_sends_becomes_a_list_of_what_can_be_read(authorizations: list[Any], workflows: object) -> None:
    found = read({"authorizations": authorizations, "workflows": workflows})
    assert all(is_id(account.token_id) for account in found.accounts)
    assert found.has_workflows == isinstance(workflows, list)
    assert all(account.refreshed_at is None or account.refreshed_at > 0 for account in found.accounts)


@pytest.mark.parametrize(
    "token", [None, 7, {}, {"external_token_id": 7}, {"external_token_id": ""}, {"external_token_id": "a b"}]
)
def test_an_account_without_a_usable_id_is_counted(token: object) -> None:
    found = read({"authorizations": [{"provider_key": "google", "external_tokens": [token]}]})
    assert (found.accounts, found.unreadable) == ((), 1)


def of_google(**fields: object) -> AccountList:
    return read({"authorizations": [{"provider_key": "google", **fields}]})


@pytest.mark.parametrize("tokens", [{}, {"external_tokens": None}, {"external_tokens": []}])
def test_accounts_that_slack_names_only_by_their_ids_are_listed(tokens: dict[str, object]) -> None:
    found = of_google(external_token_ids=["Et1", "Et2", "Et1", 7], **tokens)
    assert found.accounts == (Account("Et2", "google"), Account("Et1", "google"))
    assert (found.unreadable, found.is_complete) == (1, False)


def test_ids_beyond_the_described_accounts_are_listed_too() -> None:
    described = [{"external_token_id": "Et1", "external_user_id": "ada", "date_updated": 5}]
    found = of_google(external_tokens=described, external_token_ids=["Et1", "Et2"])
    assert found.accounts == (Account("Et1", "google", "ada", 5), Account("Et2", "google"))
    assert found.is_complete


@pytest.mark.parametrize(
    ("fields", "is_complete"),
    [
        ({}, False),
        ({"external_tokens": None}, False),
        ({"valid_token_exists": True}, False),
        ({"valid_token_exists": True, "external_tokens": []}, False),
        ({"valid_token_exists": False}, True),
        ({"external_tokens": []}, True),
        ({"external_tokens": [], "valid_token_exists": False}, True),
    ],
)
def test_only_a_list_that_is_empty_shows_that_there_are_no_accounts(
    fields: dict[str, object], is_complete: bool
) -> None:
    found = of_google(**fields)
    assert (found.accounts, found.is_complete) == ((), is_complete)
    assert found.of_provider("google").is_complete is is_complete
    assert found.of_provider("github").is_complete


def test_a_name_cannot_reverse_the_text_after_it() -> None:
    assert with_token(external_user_id="ada\u202e\ud83d@x").accounts[0].name == "ada\ufffd\ufffd@x"


@pytest.mark.parametrize(("given", "name"), [(583231, "583231"), (-1, "-1"), (True, None), (1.5, None), (10**50, None)])
def test_a_provider_that_numbers_its_users_names_them_by_number(given: object, name: str | None) -> None:
    assert with_token(external_user_id=given).accounts[0].name == name


@pytest.mark.parametrize("at", [None, 0, -1, 0.5, True, "1700000000", 10**12, float("nan"), float("inf")])
def test_a_time_that_is_none_is_unknown(at: object) -> None:
    assert with_token(date_updated=at).accounts[0].refreshed_at is None


@pytest.mark.parametrize("flag", [None, 0, 1, "true", []])
def test_a_flag_that_is_no_boolean_is_unknown(flag: object) -> None:
    found = of_google(external_tokens=[], client_secret_exists=flag, valid_token_exists=flag)
    assert found.providers == (Provider("google"),)


def test_a_token_that_is_listed_twice_is_one_account() -> None:
    tokens = [{"external_token_id": "Et1", "external_user_id": name} for name in ("ada", "max")]
    found = read({"authorizations": [{"provider_key": "google", "external_tokens": tokens}]})
    assert [account.name for account in found.accounts] == ["ada"]


def test_a_token_where_something_else_belongs_is_never_kept() -> None:
    secret = "ghp_" + "a1B2" * 9
    answer = {
        "authorizations": [
            {
                "provider_key": f"google {secret}",
                "provider_name": "n " * 120 + secret,
                "external_tokens": [
                    {"external_token_id": secret},
                    {"external_token_id": "Et1", "external_user_id": f"ada {secret}"},
                ],
            }
        ],
        "workflows": [{"callback_id": secret, "providers": [{"selected_auth": {"external_token_id": "Et1"}}]}],
    }
    found = read(answer)
    assert "a1B2" not in repr(found)
    assert "ghp_" not in repr(found)
    assert found.accounts == (Account("Et1", f"google {REDACTED}", f"ada {REDACTED}", None, (REDACTED,)),)
    assert found.unreadable == 1


def test_a_provider_has_its_own_accounts() -> None:
    found = read(ANSWER)
    assert found.of_provider(None) == found
    zoom = found.of_provider("zoom")
    assert [provider.key for provider in zoom.providers] == ["zoom"]
    assert zoom.accounts == ()
    assert found.count(found.providers[0]) == 2
    assert found.of_provider("Google").providers == ()


# Few different times, so that some accounts share one.
ACCOUNTS = st.lists(
    st.builds(
        Account,
        st.from_regex(r"Et[A-Z0-9]{1,3}", fullmatch=True),
        st.just("google"),
        refreshed_at=st.one_of(st.none(), st.integers(1, 20)),
    ),
    unique_by=lambda account: account.token_id,
    max_size=45,
).map(lambda accounts: sorted(accounts, key=lambda account: account.place, reverse=True))
FIRST = ListAccounts("google", "A1")


@given(ACCOUNTS)
def test_turning_the_pages_shows_each_account_once_and_turning_back_the_same_pages(accounts: list[Account]) -> None:
    request: ListAccounts | None = FIRST
    pages = []
    while request is not None:
        pages.append(page(accounts, request))
        assert len(pages[-1].accounts) <= PAGE_SIZE
        request = pages[-1].older
    assert [account for shown in pages for account in shown.accounts] == accounts
    assert [shown.first for shown in pages] == [number * PAGE_SIZE + 1 for number in range(len(pages))]
    for before, after in pairwise(pages):
        assert after.newer is not None
        assert page(accounts, after.newer).accounts == before.accounts
        assert (after.newer.provider_key, after.newer.app_id) == ("google", "A1")
    assert pages[0].newer is None


@given(ACCOUNTS, st.data())
def test_changes_between_pages_neither_hide_nor_repeat_an_account(accounts: list[Account], data: st.DataObject) -> None:
    shown = page(accounts, FIRST)
    if shown.older is None:
        return
    gone = data.draw(st.sets(st.sampled_from(accounts)))
    come = [Account("EtNewest", "google", refreshed_at=21)]
    rest = page([*come, *(account for account in accounts if account not in gone)], shown.older).accounts
    unseen = [account for account in accounts[PAGE_SIZE:] if account not in gone]
    if unseen:
        assert list(rest) == unseen[:PAGE_SIZE]


def test_a_page_whose_place_is_past_the_end_is_the_last_one() -> None:
    accounts = [Account(f"Et{number}", "google", refreshed_at=100 - number) for number in range(12)]
    shown = page(accounts, ListAccounts(older_than=ListPosition(1, "Et1")))
    assert [account.token_id for account in shown.accounts] == [f"Et{number}" for number in range(2, 12)]
    assert (shown.older, shown.newer is not None) == (None, True)
    assert page([], ListAccounts(older_than=ListPosition(1, "Et1"))).accounts == []


@given(st.integers(0, 10**12 - 1), st.from_regex(r"[A-Za-z0-9_.-]{1,255}", fullmatch=True))
def test_a_place_is_read_as_it_was_written(at: int, token_id: str) -> None:
    assert ListPosition.read(ListPosition(at, token_id).write()) == ListPosition(at, token_id)


@pytest.mark.parametrize(
    "text", [None, 7, "", "1", "1 ", " Et1", "-1 Et1", "1 Et 1", "١ Et1", "1" * 13 + " Et1", "1 Et1\n"]
)
def test_an_invalid_list_position_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="isn't a place"):
        ListPosition.read(text)


def test_a_list_is_recorded_as_it_was_typed() -> None:
    request = ListAccounts("google", "A1", older_than=ListPosition(1, "Et1"))
    assert request.arguments() == {"provider_key": "google", "app_id": "A1"}
    assert ListAccounts().arguments() == {}
    assert not request.mutates


def test_a_list_that_makes_no_sense_is_refused() -> None:
    for key, app_id in (("a b", None), (None, ""), ("ghp_" + "a1B2" * 9, None)):
        with pytest.raises(InvalidParameter):
            ListAccounts(key, app_id)
    with pytest.raises(InvalidParameter, match="older or newer"):
        ListAccounts(older_than=ListPosition(1, "Et1"), newer_than=ListPosition(1, "Et1"))
