"""What each of Slack's codes says of the account behind a token."""

import json
from pathlib import Path

import pytest

from bot.slack.external_auth.accounts import AccountState, state_of
from bot.slack.external_auth.errors import BreakdownCode, TransportCode

FACTS = json.loads((Path(__file__).parents[2] / "facts" / "external-auth.json").read_text())
OF_THE_ACCOUNT = {
    "no_refresh_token": AccountState.EXPIRED,
    "token_not_found": AccountState.GONE,
    "access_token_exchange_failed": AccountState.REJECTED,
    "external_user_identity_not_found": AccountState.REJECTED,
    "invalid_identity_config_response": AccountState.REJECTED,
    "invalid_token_response": AccountState.REJECTED,
    "missing_client_secret": AccountState.REJECTED,
    "oauth2_callback_error": AccountState.REJECTED,
    "oauth2_exchange_error": AccountState.REJECTED,
    "scope_mismatch_error": AccountState.REJECTED,
    "answer_without_token": AccountState.REJECTED,
}
"""The codes that are about one account, by what Slack says of them; the others are about the request or Slack."""


def codes() -> set[str]:
    """Every code that the facts know."""
    return {
        code
        for name, table in FACTS.items()
        if name.endswith("errors") and isinstance(table, dict)
        for code in table
        if not code.startswith("_")
    } | {code for method in FACTS["methods"].values() for code in method["errors"]}


def test_every_code_of_the_facts_has_the_state_that_is_meant() -> None:
    found = codes()
    assert len(found) > 40
    assert set(OF_THE_ACCOUNT) - found == {"answer_without_token"}
    assert {code: state_of(code) for code in found} == {
        code: OF_THE_ACCOUNT.get(code, AccountState.UNKNOWN) for code in found
    }


@pytest.mark.parametrize("code", [*TransportCode, *BreakdownCode, "ratelimited", "a_code_of_tomorrow"])
def test_trouble_on_the_way_says_nothing_of_the_account(code: str) -> None:
    assert state_of(code) is OF_THE_ACCOUNT.get(code, AccountState.UNKNOWN)


def test_a_token_that_was_returned_works_and_only_what_somebody_can_fix_is_broken() -> None:
    assert state_of(None) is AccountState.WORKS
    assert {state for state in AccountState if state.is_broken} == {
        AccountState.EXPIRED,
        AccountState.REJECTED,
        AccountState.GONE,
    }
