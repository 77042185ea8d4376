"""What changed between two tests of all accounts."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from bot.batch import Batch, Item, ItemResult
from bot.jobs.account_states import LastTest
from bot.jobs.run import BatchEnding, BatchOutcome
from bot.jobs.survey import Change, Survey, changes_between
from bot.operation import Operation
from bot.slack.external_auth.accounts import AccountState, state_of
from tests.audit_log import actor

CODES = st.sampled_from(
    [None, "no_refresh_token", "access_token_exchange_failed", "token_not_found", "internal_error", "ratelimited"]
)
FOUND = st.dictionaries(st.sampled_from(["Et1", "Et2", "Et3", "Et4"]), CODES)
KNOWN = st.dictionaries(st.sampled_from(["Et1", "Et2", "Et3", "Et4", "Et5"]), st.sampled_from(AccountState))


def batch_of(found: Mapping[str, str | None], of: int | None = None) -> Batch:
    batch = Batch.of(actor(), Operation.TEST, [Item(token_id, "google", "ada@example.com") for token_id in found], 0.0)
    for code in list(found.values())[:of]:
        batch = batch.with_result(ItemResult("failed" if code else "works", code))
    return batch


def before(known: Mapping[str, AccountState]) -> Mapping[str, LastTest]:
    return {token_id: LastTest(token_id, "google", 0.0, state) for token_id, state in known.items()}


@given(KNOWN, FOUND)
def test_a_change_is_the_difference_between_two_tests(
    known: Mapping[str, AccountState], found: Mapping[str, str | None]
) -> None:
    changes = {one.item.token_id: one for one in changes_between(before(known), batch_of(found))}
    for token_id, code in found.items():
        was, now = known.get(token_id), state_of(code)
        change = changes[token_id].change if token_id in changes else None
        if now is AccountState.UNKNOWN or now is was:
            assert change is None
        elif now is AccountState.WORKS:
            assert change is (Change.MENDED if was is not None and was.is_broken else None)
        else:
            assert change is (Change.NEW if was is None else Change.BROKE)
    assert {*changes} <= {*found}


@given(FOUND)
def test_the_same_again_is_no_news(found: Mapping[str, str | None]) -> None:
    known = {token_id: state_of(code) for token_id, code in found.items()}
    assert not Survey("ABCD2345", changes=changes_between(before(known), batch_of(found))).is_news


@given(FOUND, st.integers(0, 4))
def test_every_account_works_is_broken_or_was_not_batch_of(found: Mapping[str, str | None], of: int) -> None:
    batch = batch_of(found, of)
    survey = Survey("ABCD2345", BatchOutcome(batch, BatchEnding.DONE, "ABCD2345"))
    broken, untested = survey.items(broken=True), survey.items(broken=False)
    works = sum(result.code is None for result in batch.results)
    assert len(broken) + len(untested) + works == len(found)
    assert all(code is not None and state_of(code).is_broken for _, code in broken)
    assert survey.is_whole == (not untested)


def test_a_refusal_is_news_once() -> None:
    assert Survey("ABCD2345", refusal="invalid_auth").is_news
    assert not Survey("ABCD2345", refusal="invalid_auth", was_refused="invalid_auth").is_news
    assert Survey("ABCD2345", was_refused="invalid_auth").is_news
    assert not Survey("ABCD2345", refusal="invalid_auth").is_whole
