"""Which tokens are meant by what is typed, and that nothing else gets through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack.external_auth.models import (
    ACCOUNT,
    MOST_TYPED,
    PROVIDER_KEY,
    TOKEN_IDS,
    InvalidParameter,
    PastedToken,
    Selection,
    select,
)

IDS = st.from_regex(r"Et[A-Za-z0-9_.-]{1,38}", fullmatch=True)
PASTED = "ghp_" + "a1B2" * 9


@given(st.lists(IDS, min_size=1, max_size=10))
def test_each_id_is_meant_once_however_it_is_wrapped(token_ids: list[str]) -> None:
    typed = [wrapped for token_id in token_ids for wrapped in (token_id, f"`{token_id}`,", f"<{token_id}>")]
    assert select([*typed, "", ","], None, None) == Selection(tuple(dict.fromkeys(token_ids)))


@pytest.mark.parametrize(
    ("token_ids", "account", "provider_key", "name", "says"),
    [
        ([], None, None, TOKEN_IDS, "Enter token IDs or an account."),
        ([","], "", None, TOKEN_IDS, "Enter token IDs or an account."),
        ([], None, "google", PROVIDER_KEY, "Enter token IDs or an account."),
        (["Et1"], "ada", None, TOKEN_IDS, "not both"),
        (["Et1"], None, "google", TOKEN_IDS, "not both"),
        (["Et1", "Et/2"], None, None, TOKEN_IDS, "One of them isn't a token ID."),
        (["E" * 256], None, None, TOKEN_IDS, "One of them isn't a token ID."),
        ([f"Et{number}" for number in range(MOST_TYPED + 1)], None, None, TOKEN_IDS, "at most 100"),
        ([], "ada", "a b", PROVIDER_KEY, "space"),
    ],
)
def test_what_cannot_be_meant_is_told(
    token_ids: list[str], account: str | None, provider_key: str | None, name: str, says: str
) -> None:
    with pytest.raises(InvalidParameter) as raised:
        select(token_ids, account, provider_key)
    assert raised.value.name == name
    assert says in raised.value.problem


@pytest.mark.parametrize(
    ("token_ids", "account", "provider_key"),
    [(["Et1", PASTED], None, None), ([], PASTED, None), ([], f"ada {PASTED}", None), ([], "ada", PASTED)],
)
def test_a_pasted_token_is_turned_away_and_not_repeated(
    token_ids: list[str], account: str | None, provider_key: str | None
) -> None:
    with pytest.raises(PastedToken) as raised:
        select(token_ids, account, provider_key)
    assert PASTED[4:] not in str(raised.value)


def test_an_account_may_have_any_name_and_be_of_one_provider() -> None:
    assert select([], "Ada Lovelace <ada@example.com>", "google") == Selection(
        (), "Ada Lovelace <ada@example.com>", "google"
    )
    assert ACCOUNT not in select([], "ada", None).arguments()
