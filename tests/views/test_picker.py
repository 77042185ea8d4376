"""What a field offers to pick from, for any accounts and anything typed."""

import json
from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.audit.reader import MOST_IDS
from bot.ids import FORMATS, find_token, is_id, unwrap
from bot.sandbox.slack.block_kit import blocks_complaints, options_complaints
from bot.slack.external_auth.accounts import Account, AccountList, Provider
from bot.slack.external_auth.models import check_id
from bot.views import fields, picker
from bot.views.fields import UnusableChoice
from bot.views.parts import Block
from tests.test_ids import EACH_FORMAT, TOKENS

TOKEN_IDS = st.from_regex(r"Et[A-Za-z0-9_.-]{1,38}", fullmatch=True).filter(is_id)
ODD = st.one_of(
    st.text(min_size=1, max_size=20), st.sampled_from(["x" * 255, " ", "\n", "a & <b>", ":tada:", "\u202e"])
)
KEYS = st.one_of(st.sampled_from(["google", "github", "?", "k" * 255, "two words"]), ODD)
ANY_ACCOUNTS = st.builds(Account, TOKEN_IDS, KEYS, st.none() | ODD)
TYPED = st.one_of(
    st.sampled_from(
        ["", " ", "google", "ada", "Et1", "EtGoogle0001", "`EtGoogle0001`,", "a b", "?unlikely", "x" * 300]
    ),
    st.text(max_size=30),
    TOKEN_IDS,
)
ADA = Account("EtGoogle0001", "google", "ada@example.com")
ADA_TOO = Account("EtGitHub0001", "github", "ada-codes")
BOB = Account("EtGoogle0002", "google", "bob@example.com")
FOUND = AccountList(
    (Provider("google", "Google"), Provider("github", "GitHub"), Provider("zoom")), (ADA, ADA_TOO, BOB), True, 0
)


def listed(accounts: Sequence[Account], keys: Sequence[str] = ()) -> AccountList:
    every = dict.fromkeys([*keys, *(account.provider_key for account in accounts)])
    unique = {account.token_id: account for account in accounts}
    return AccountList(tuple(Provider(key, key.upper()) for key in every), tuple(unique.values()), True, 0)


LISTS = st.none() | st.builds(listed, st.lists(ANY_ACCOUNTS, max_size=8), st.lists(KEYS, max_size=3))
MANY = listed([Account(f"EtMany{n:06d}", f"provider{n % 130}", f"person{n}@example.com") for n in range(2500)])


def drawn(groups: Sequence[Block]) -> list[tuple[str, list[str]]]:
    """The labels of the groups and of their options."""
    return [(group["label"]["text"], [option["text"]["text"] for option in group["options"]]) for group in groups]


def values(groups: Sequence[Block]) -> list[str]:
    return [option["value"] for group in groups for option in group["options"]]


def problem_of(name: str, value: str) -> str:
    with pytest.raises(UnusableChoice) as caught:
        fields.read_id(state(name, value), name, "/extauth get ID")
    return str(caught.value)


def state(name: str, value: str) -> fields.FieldValues:
    return {name: {name: {"type": "external_select", "selected_option": {"value": value}}}}


@given(TYPED, LISTS, st.lists(TOKEN_IDS, max_size=MOST_IDS))
@example("", MANY, ["EtMany000001", "EtGone0001"])
@example("person", MANY, [])
@example("provider12", MANY, [])
def test_every_offered_option_is_taken_by_slack_and_the_form(
    typed: str, accounts: AccountList | None, recent_ids: list[str]
) -> None:
    for name, groups in (
        ("external_token_id", picker.token_groups(typed, accounts, recent_ids)),
        ("provider_key", picker.provider_groups(typed, accounts)),
    ):
        answer = {"option_groups": list(groups)} if groups else {"options": []}
        assert options_complaints(answer) == []
        offered = values(groups)
        assert len(offered) == len(set(offered)) <= picker.MOST_OPTIONS
        for value in offered:
            if value.startswith("?"):
                assert "revoke it" in problem_of(name, value)
            else:
                assert check_id(name, fields.read_id(state(name, value), name, "")) == value


@given(TYPED, LISTS, st.lists(TOKEN_IDS, max_size=MOST_IDS))
def test_typed_text_is_only_offered_if_it_is_formed_like_an_id(
    typed: str, accounts: AccountList | None, recent_ids: list[str]
) -> None:
    text = unwrap(typed)
    for groups in (picker.token_groups(typed, accounts, recent_ids), picker.provider_groups(typed, accounts)):
        if is_id(text):
            assert text in values(groups)
        elif text and find_token(text) is None:
            assert groups, "nobody is left without a word"


@pytest.mark.parametrize("kind", TOKENS)
def test_of_a_pasted_token_nothing_is_offered(kind: str) -> None:
    @EACH_FORMAT
    @given(TOKENS[kind].filter(lambda token: len({*token.split()[-1]}) > 8), st.booleans())
    def paste(token: str, is_known: bool) -> None:
        for groups in (
            picker.token_groups(token, FOUND if is_known else None, ["EtRecent0001"]),
            picker.provider_groups(token, FOUND),
        ):
            assert token.rsplit(maxsplit=1)[-1] not in json.dumps(list(groups))
            (value,) = values(groups)
            with pytest.raises(UnusableChoice, match=r"This looks like an? .*revoke it"):
                fields.read_id(state("external_token_id", value), "external_token_id", "/extauth get ID")

    paste()


@pytest.mark.parametrize("token_format", FORMATS, ids=lambda one: one.name)
def test_a_label_names_each_kind_of_token_whole(token_format: object) -> None:
    label = f"Looks like {token_format.name}: revoke it. Select for more."  # type: ignore[attr-defined]
    assert len(label) <= picker.LONGEST_LABEL


def test_accounts_stand_under_their_providers_after_the_recent_ones() -> None:
    assert drawn(picker.token_groups("", FOUND, ["EtGoogle0002", "EtElsewhere1"])) == [
        ("Used recently", ["bob@example.com · EtGoogle0002", "EtElsewhere1"]),
        ("Google · google", ["ada@example.com · EtGoogle0001"]),
        ("GitHub · github", ["ada-codes · EtGitHub0001"]),
    ]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("ADA", ["EtGoogle0001", "EtGitHub0001", "ADA"]),
        ("google ada", ["EtGoogle0001"]),
        ("GitHub", ["EtGitHub0001", "GitHub"]),
        ("0002", ["EtGoogle0002"]),
        (" `EtGoogle0001`, ", ["EtGoogle0001"]),
        ("EtNew00001", ["EtNew00001"]),
        ("etgoogle0001", ["EtGoogle0001", "etgoogle0001"]),
        ("nobody here", ["?unlikely"]),
        ("Zm9v" + "aZ4" * 20, ["?unlikely"]),
    ],
)
def test_an_account_is_found_by_name_provider_and_id(typed: str, found: list[str]) -> None:
    assert values(picker.token_groups(typed, FOUND, [])) == found


def test_without_a_list_recent_ids_and_what_is_typed_are_left() -> None:
    assert drawn(picker.token_groups("", None, ["EtMine0001"])) == [("Used recently", ["EtMine0001"])]
    assert drawn(picker.token_groups("EtOther1", None, ["EtMine0001"])) == [("As typed", ["Use EtOther1"])]
    assert drawn(picker.provider_groups("google", None)) == [("As typed", ["Use google"])]
    assert picker.token_groups("", None, []) == picker.provider_groups(" ", None) == []


def test_providers_are_found_by_name_and_key_with_what_they_hold() -> None:
    assert drawn(picker.provider_groups("", FOUND)) == [
        ("Providers", ["Google · google (2 accounts)", "GitHub · github (1 account)", "zoom (0 accounts)"])
    ]
    assert values(picker.provider_groups("goo", FOUND)) == ["google", "goo"]


def test_the_first_of_thousands_are_shown_and_the_others_counted() -> None:
    one = listed([Account(f"EtMany{n:06d}", "google", f"person{n}") for n in range(2500)])
    ((label, options),) = drawn(picker.token_groups("", one, []))
    assert label == "GOOGLE · google (99 of 2,500)"
    assert len(options) == picker.MOST_OPTIONS - 1
    assert "person2499 · EtMany002499" in str(drawn(picker.token_groups("person2499", one, [])))


def test_an_id_stays_whole_behind_a_long_name() -> None:
    account = Account("Et" + "x" * 38, "google", "n" * 255)
    ((_, (label,)),) = drawn(picker.token_groups("", listed([account]), []))
    assert label.endswith(f"… · {account.token_id}")


def test_a_key_that_cannot_be_sent_is_not_offered() -> None:
    assert values(picker.provider_groups("", listed([], ["google", "?", "two words", "k" * 151, "[redacted]"]))) == [
        "google"
    ]


@given(st.text(max_size=40))
def test_no_value_from_outside_makes_a_form_fail(value: str) -> None:
    for name in ("external_token_id", "provider_key"):
        if unwrap(value).startswith("?"):
            assert value not in problem_of(name, value) or len(value) < 30
        else:
            assert fields.read_id(state(name, value), name, "") == (unwrap(value) or None)


@given(st.none() | TOKEN_IDS, st.booleans(), st.lists(TOKEN_IDS, max_size=MOST_IDS, unique=True))
def test_a_form_offers_a_list_or_else_recent_ids(value: str | None, has_list: bool, recent_ids: list[str]) -> None:
    offer = fields.Offer(has_list, tuple(recent_ids))
    blocks = fields.token_fields("A hint.", value=value, optional=False, offer=offer)
    assert blocks_complaints(blocks, "modal") == []
    kinds = [block["element"]["type"] for block in blocks]
    if has_list:
        assert kinds == ["external_select"]
    else:
        assert kinds == (["static_select", "plain_text_input"] if recent_ids else ["plain_text_input"])
    assert (value is None) or json.dumps(value) in json.dumps(blocks)


def test_a_recent_token_and_a_typed_one_are_not_mixed_up() -> None:
    recent = {fields.RECENT: {fields.RECENT: {"selected_option": {"value": "EtRecent0001"}}}}

    def typed(value: str | None) -> fields.FieldValues:
        return {**recent, fields.TOKEN_ID: {fields.TOKEN_ID: {"value": value}}}

    assert fields.read_token_id(recent, "") == fields.read_token_id(typed(None), "") == "EtRecent0001"
    assert fields.read_token_id(typed(" EtRecent0001 "), "") == "EtRecent0001"
    with pytest.raises(UnusableChoice, match="not both"):
        fields.read_token_id(typed("EtOther0001"), "")
