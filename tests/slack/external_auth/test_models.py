"""What can be asked of Slack, and what cannot."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from bot.slack.external_auth.models import DeleteTokens, ExternalToken, GetToken, InvalidParameter

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


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("", "empty"),
        ("a b", "space"),
        ("a\u00a0b", "space"),
        ("a\nb", "line break"),
        ("a\x07b", "U+0007"),
        ("a/b", "“/”"),
        ("ä", "“ä”"),
        ("x" * 256, "256 characters"),
    ],
)
def test_the_problem_is_named(value: str, problem: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        GetToken(value)
    assert problem in caught.value.problem


def test_a_delete_names_something_and_only_one_kind_of_thing() -> None:
    with pytest.raises(InvalidParameter, match="Nothing says what to delete"):
        DeleteTokens()
    with pytest.raises(InvalidParameter, match="one or the other"):
        DeleteTokens("Et1", provider_key="google")
    with pytest.raises(InvalidParameter, match="one or the other"):
        DeleteTokens("Et1", app_id="A1")
    assert not DeleteTokens("Et1").is_bulk
    assert DeleteTokens(app_id="A1").is_bulk
    assert DeleteTokens(provider_key="google", app_id="A1").arguments() == {"provider_key": "google", "app_id": "A1"}


def test_a_token_does_not_print() -> None:
    token = ExternalToken(SecretStr("ya29.secret"), {"id_token": "eyJ.secret"})
    assert "secret" not in repr(token)
    assert "secret" not in str(token)
