"""What is said of a batch fits into a message and a modal, whatever is in it and however it went."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.access import AllowList, Decision, Reason
from bot.batch import Batch, Item, ItemResult
from bot.explanations import KNOWN_CODES
from bot.ids import typed_text
from bot.jobs.run import BatchEnding, BatchOutcome
from bot.operation import Operation, Permission
from bot.outcomes import Denied
from bot.slack.external_auth.models import DeleteTokens
from bot.views.batches import (
    MOST_GROUPS,
    STOPPING,
    batch_screen,
    left_over,
    no_accounts_screen,
    no_such_account_screen,
    progress_screen,
)
from bot.views.exports import as_csv, copyable_export_screen, exported_screen
from tests.audit_log import actor
from tests.views.limits import assert_passes

CONTACT = "<@U0123456789>"
CODES = [None, *sorted(KNOWN_CODES), "a_code_of_tomorrow", "x" * 100]
MANY = 2500
OPERATIONS = pytest.mark.parametrize("operation", [Operation.TEST, Operation.DELETE])


def longest(operation: Operation, done: int) -> Batch:
    """2,500 items with the longest names, of which the first end with each code in turn."""
    items = [Item(f"{number}{'E' * 250}", "&" * 255, "<" * 255, ("w" * 255,) * 5) for number in range(MANY)]
    batch = Batch.of(actor(), operation, items, 1e9)
    results = [ItemResult("failed" if code else "works", code, bool(number % 3)) for number, code in _codes(done)]
    return Batch(**{**{name: getattr(batch, name) for name in Batch.__slots__}, "results": tuple(results)})


def _codes(count: int) -> list[tuple[int, str | None]]:
    return [(number, CODES[number % len(CODES)]) for number in range(count)]


@OPERATIONS
@pytest.mark.parametrize("done", [0, 1, 300, MANY])
@pytest.mark.parametrize(
    "ending", [ending for ending in BatchEnding if ending not in (BatchEnding.DONE, BatchEnding.ELSEWHERE)]
)
def test_the_longest_result_passes_the_limits(operation: Operation, done: int, ending: BatchEnding) -> None:
    batch = longest(operation, done)
    denial = Decision(False, Reason.NOT_LISTED, Permission.DELETE, AllowList.parse(["admins"]))
    last = Denied(DeleteTokens("Et1"), denial, "ABCD2345") if ending is BatchEnding.DENIED else None
    outcome = BatchOutcome(batch, ending, "ABCD2345", last, is_cut=ending is BatchEnding.RESTARTED)
    assert_passes(batch_screen(outcome, CONTACT, "n" * 300))
    assert_passes(progress_screen(batch, 600))
    assert_passes(STOPPING[operation])


@OPERATIONS
def test_more_kinds_of_failure_than_fit_share_one_list(operation: Operation) -> None:
    screen = batch_screen(BatchOutcome(longest(operation, MANY), BatchEnding.DONE, "R"), CONTACT)
    said = str(screen.blocks)
    assert said.count("*What to do:*") == MOST_GROUPS
    assert "Failed for other reasons: " in said


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([Operation.TEST, Operation.DELETE]),
    st.lists(st.tuples(st.sampled_from(CODES[:9]), st.booleans()), max_size=12),
    st.integers(0, 5),
    st.booleans(),
)
def test_every_token_is_accounted_for(
    operation: Operation, ends: list[tuple[str | None, bool]], not_begun: int, is_cut: bool
) -> None:
    items = [Item(f"Et{number}") for number in range(len(ends) + not_begun)]
    if not items:
        return
    batch = Batch.of(actor(), operation, items, 1e9)
    for code, is_sure in ends:
        batch = batch.with_result(ItemResult("failed" if code else "good", code, is_sure))
    ending = BatchEnding.RESTARTED if not_begun else BatchEnding.DONE
    screen = batch_screen(BatchOutcome(batch, ending, "R", is_cut=is_cut and not_begun > 0), CONTACT)
    assert_passes(screen)
    said = str(screen.blocks)
    assert all(f"'Et{number}'" in said for number in range(len(ends))), "each that was begun is named"
    doing = "tested" if operation is Operation.TEST else "deleted"
    surely = not_begun - (is_cut and not_begun > 0)
    assert (f"n't {doing}." in said) is (surely > 0)
    assert (f"1 more may have been {doing}." in said) is (is_cut and not_begun > 0)
    gone = [number for number, (code, _) in enumerate(ends) if code in (None, "token_not_found")]
    assert [*left_over(batch)] == [item for number, item in enumerate(items) if number not in gone]


def test_an_export_of_any_size_passes_the_limits_and_says_what_is_left_out() -> None:
    for count in (0, 1, 44, MANY):
        batch = longest(Operation.TEST, count)
        screen = copyable_export_screen(as_csv(batch), lacks_scope=True)
        assert_passes(screen)
        assert ("There is more than fits here" in str(screen.blocks)) is (count == MANY)
    assert_passes(exported_screen(MANY))


@given(st.one_of(st.none(), st.text(min_size=1, max_size=300)), st.text(min_size=1, max_size=300))
def test_an_answer_about_no_accounts_passes_the_limits(provider_key: str | None, account: str) -> None:
    assert_passes(no_accounts_screen(provider_key, is_complete=True))
    assert_passes(no_such_account_screen(account))


@pytest.mark.parametrize("account", ["ada@example.com", "ada-codes", "a.b+c@mail.example.org"])
def test_the_name_of_an_account_is_repeated(account: str) -> None:
    assert str(typed_text(account)) == account


SECRETS = ["q8Zt7Lk2Vn5Xc9Rb3Wm6Yd1Hf4Js0Pg", "ghp_" + "a1B2" * 9, "a b c d " * 5, "x@" + "y1Z" * 30]


@pytest.mark.parametrize("secret", SECRETS)
def test_the_name_of_an_account_that_may_be_a_secret_is_not_repeated(secret: str) -> None:
    assert secret not in str(typed_text(secret))
    assert secret not in str(no_such_account_screen(typed_text(secret)).blocks)
