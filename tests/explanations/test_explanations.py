"""Each code has words of its own."""

import pytest

from bot.explanations import KNOWN_CODES, Explanation, explain
from bot.operation import Operation, Permission
from bot.slack.external_auth.errors import BreakdownCode, TransportCode
from tests.explanations.expected import ALL_CODES, COMMON_CODES, DELETE_CODES, GET_CODES, UNKNOWN_TITLE, expected

GETS = [operation for operation in Operation if operation.permission is Permission.GET]
DELETES = [Operation.DELETE, Operation.DELETE_MANY]
LISTS = [operation for operation in Operation if operation.permission is Permission.LIST]
LIST_CODES = [
    *COMMON_CODES,
    "app_not_found",
    "invalid_args",
    "no_tokens_found",
    "providers_not_found",
    "unknown_method",
]
OURS = [code.value for code in TransportCode]
CASES = [(code, operation) for code in [*GET_CODES, *OURS] for operation in GETS]
CASES += [(code, operation) for code in [*DELETE_CODES, *OURS] for operation in DELETES]
CASES += [(code, operation) for code in [*LIST_CODES, "method_not_supported", *OURS] for operation in LISTS]


@pytest.mark.parametrize(("code", "operation"), CASES)
def test_every_code_that_slack_documents_has_its_explanation(code: str, operation: Operation) -> None:
    explanation, row = explain(code, operation), expected(code, operation)
    assert (explanation.title, explanation.who.name, explanation.retry) == (row.title, row.who, row.retry)
    for text in (explanation.title, explanation.happened, explanation.to_do):
        assert text
        assert code not in text.split()
    assert len(explanation.title) <= 75


def test_the_codes_with_an_explanation_are_those_expected() -> None:
    assert sorted(KNOWN_CODES) == ALL_CODES


def test_an_unknown_code_gets_an_honest_explanation() -> None:
    explanation = explain("surely_nobody_knows_this", Operation.GET)
    assert explanation.title == UNKNOWN_TITLE
    assert explanation.retry
    assert "linked below" in explanation.to_do


def test_no_two_codes_share_an_explanation() -> None:
    titles: dict[str, str] = {}
    for code, operation in CASES:
        assert titles.setdefault(explain(code, operation).title, code) == code


@pytest.mark.parametrize("code", [*sorted(KNOWN_CODES), "surely_nobody_knows_this"])
def test_a_list_has_no_form_to_edit(code: str) -> None:
    assert not explain(code, Operation.LIST).edit


def test_an_unknown_code_of_the_list_leads_to_no_page_because_the_method_has_none() -> None:
    explanation = explain("surely_nobody_knows_this", Operation.LIST)
    assert explanation.title == UNKNOWN_TITLE
    assert "linked below" not in f"{explanation.happened} {explanation.to_do}"


@pytest.mark.parametrize(("code", "operation"), [case for case in CASES if case[1] is Operation.LIST])
def test_nothing_is_said_of_deleting_or_of_a_page_after_a_list(code: str, operation: Operation) -> None:
    explanation = explain(code, operation)
    assert "eleted" not in explanation.happened.replace("deleted user or workspace", "")
    assert "linked below" not in explanation.to_do


@pytest.mark.parametrize("code", [*BreakdownCode])
def test_what_may_have_happened_can_be_tried_again(code: str) -> None:
    assert explain(code, Operation.DELETE).retry


@pytest.mark.parametrize(
    ("code", "one", "other"),
    [
        ("token_not_found", Operation.GET, Operation.DELETE),
        ("invalid_auth", Operation.GET, Operation.DELETE),
        ("no_refresh_token", Operation.GET, Operation.REFRESH),
        ("timeout", Operation.GET, Operation.DELETE_MANY),
    ],
)
def test_where_it_matters_the_explanation_depends_on_the_operation(code: str, one: Operation, other: Operation) -> None:
    assert explain(code, one) != explain(code, other)


@pytest.mark.parametrize(
    ("code", "operation", "says"),
    [
        ("not_allowed_token_type", Operation.GET, "EXTAUTH_API_TOKEN"),
        ("method_not_supported", Operation.GET, "EXTAUTH_API_TOKEN"),
        ("invalid_auth", Operation.DELETE, "belongs to another app"),
        ("no_refresh_token", Operation.GET, "offline access"),
        ("no_refresh_token", Operation.REFRESH, "current token is unchanged"),
        ("not_allowed_token_type", Operation.LIST, "EXTAUTH_API_TOKEN"),
        ("invalid_arguments", Operation.LIST, "/extauth list --app-id"),
        ("token_not_found", Operation.DELETE, "Nothing changed"),
        ("unable_to_delete", Operation.DELETE_MANY, "Some tokens may be gone"),
        ("timeout", Operation.DELETE, "no token to delete, the first attempt worked"),
    ],
)
def test_the_explanation_says_what_helps(code: str, operation: Operation, says: str) -> None:
    explanation: Explanation = explain(code, operation)
    assert says in f"{explanation.happened} {explanation.to_do}"
