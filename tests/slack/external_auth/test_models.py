"""What can be asked of Slack, and what cannot."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from bot.operation import Operation
from bot.slack.external_auth.models import DeleteTokens, ExternalToken, GetToken, InvalidParameter, PastedToken

IDS = st.text(alphabet="ABCxyz019_-.", min_size=1, max_size=255)


@given(IDS, st.sampled_from([None, True, False]))
def test_exactly_what_was_asked_is_sent(token_id: str, force_refresh: bool | None) -> None:
    arguments = GetToken(token_id, force_refresh).arguments()
    expected = {"external_token_id": token_id} | ({} if force_refresh is None else {"force_refresh": force_refresh})
    assert arguments == expected


@given(st.text())
def test_what_cannot_be_an_id_is_turned_away_and_everything_else_is_slacks_to_judge(text: str) -> None:
    could_be = 0 < len(text) <= 255 and all(c.isascii() and (c.isalnum() or c in "_-.") for c in text)
    if could_be:
        assert GetToken(text).external_token_id == text
    else:
        with pytest.raises(InvalidParameter, match=r"\.$"):
            GetToken(text)


NOT_IDS = [
    ("", "It's empty."),
    (None, "It's empty."),
    (7, "It's empty."),
    ("a b", "It can't have a space or a line break inside."),
    ("a\u00a0b", "It can't have a space or a line break inside."),
    ("a\nb", "It can't have a space or a line break inside."),
    ("a\x07b", "It can't have the control character U+0007, only letters, digits, and the characters _ - ."),
    ("a/b", "It can't have “/”, only letters, digits, and the characters _ - ."),
    ("ä", "It can't have “ä”, only letters, digits, and the characters _ - ."),
    ("x" * 256, "It has 256 characters. Slack allows at most 255."),
]


@pytest.mark.parametrize(("value", "problem"), NOT_IDS)
def test_what_cannot_be_an_id_is_named_with_its_problem(value: Any, problem: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        GetToken(value)
    assert (caught.value.name, caught.value.problem, str(caught.value)) == ("external_token_id", problem, problem)


@pytest.mark.parametrize("name", ["external_token_id", "provider_key", "app_id"])
def test_each_parameter_of_a_delete_is_checked(name: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        DeleteTokens(**{name: "a b"})
    assert caught.value.name == name


def test_the_longest_id_is_taken() -> None:
    assert GetToken("x" * 255).external_token_id == "x" * 255


@pytest.mark.parametrize("name", ["force_refresh", "show"])
def test_a_flag_is_true_or_false(name: str) -> None:
    wrong: dict[str, Any] = {name: "yes"}
    with pytest.raises(InvalidParameter) as caught:
        GetToken("Et1", **wrong)
    assert (caught.value.name, caught.value.problem) == (name, "It must be true or false.")


@pytest.mark.parametrize(
    ("request_", "operation", "mutates"),
    [
        (GetToken("Et1"), Operation.GET, False),
        (GetToken("Et1", False), Operation.GET, False),
        (GetToken("Et1", True), Operation.REFRESH, True),
        (GetToken("Et1", show=True), Operation.SHOW, False),
        (GetToken("Et1", True, show=True), Operation.SHOW, True),
        (DeleteTokens("Et1"), Operation.DELETE, True),
        (DeleteTokens(app_id="A1"), Operation.DELETE_MANY, True),
    ],
)
def test_a_request_knows_its_operation(request_: GetToken | DeleteTokens, operation: Operation, mutates: bool) -> None:
    assert (request_.operation, request_.mutates) == (operation, mutates)


def test_a_delete_names_something_and_only_one_kind_of_thing() -> None:
    with pytest.raises(InvalidParameter) as caught:
        DeleteTokens()
    assert (caught.value.name, caught.value.problem) == ("external_token_id", "Say what to delete.")
    for others in ({"provider_key": "google"}, {"app_id": "A1"}):
        with pytest.raises(InvalidParameter) as caught:
            DeleteTokens("Et1", **others)
        assert (caught.value.name, caught.value.problem) == (
            "external_token_id",
            "Use a token ID on its own: it deletes one token. A provider key or an app ID deletes all of theirs.",
        )
    assert not DeleteTokens("Et1").is_bulk
    assert DeleteTokens(app_id="A1").is_bulk
    assert DeleteTokens(provider_key="google", app_id="A1").arguments() == {"provider_key": "google", "app_id": "A1"}


def test_a_token_does_not_print() -> None:
    token = ExternalToken(SecretStr("ya29.secret"), {"id_token": "eyJ.secret"})
    assert "secret" not in repr(token)
    assert "secret" not in str(token)


def test_a_known_token_is_no_id_and_says_where_to_revoke_it() -> None:
    with pytest.raises(PastedToken) as caught:
        GetToken("ghp_" + "a1B2" * 9)
    assert caught.value.name == "external_token_id"
    known = caught.value.token_format
    assert caught.value.problem == (
        f"This looks like {known.name}, not an ID. It wasn't sent to Slack's API or kept. If anyone else could have "
        f"seen it, revoke it at {known.revoke_url}."
    )
    with pytest.raises(PastedToken) as caught:
        DeleteTokens(
            app_id="eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
        )
    assert caught.value.name == "app_id"
    assert caught.value.problem.endswith("revoke it with its provider.")
