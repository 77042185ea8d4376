"""The message about a test that ran by itself fits, and names no account."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.batch import Batch, Item, ItemResult
from bot.explanations import KNOWN_CODES
from bot.jobs.run import BatchEnding, BatchOutcome
from bot.jobs.survey import Change, ChangedAccount, Survey
from bot.observers import MAX_TEXT
from bot.operation import Operation
from bot.slack.external_auth.accounts import AccountState, state_of
from bot.views.surveys import survey_text
from tests.audit_log import actor

BROKEN = [code for code in sorted(KNOWN_CODES) if state_of(code).is_broken]
ITEMS = st.builds(
    Item,
    st.text("EtABC.123", min_size=1, max_size=255),
    st.none() | st.text(max_size=255),
    st.just("canary@example.com"),
    st.just(("canary workflow",)),
)
BROKE = st.builds(
    lambda change, item, code: ChangedAccount(change, item, state_of(code), code),
    st.sampled_from([Change.BROKE, Change.NEW]),
    ITEMS,
    st.sampled_from(BROKEN),
)
CHANGES = BROKE | st.builds(ChangedAccount, st.just(Change.MENDED), ITEMS, st.just(AccountState.WORKS))
REFUSALS = st.none() | st.sampled_from(sorted(KNOWN_CODES)) | st.text(max_size=255)


@settings(max_examples=60)
@given(st.lists(CHANGES, max_size=60), REFUSALS, REFUSALS)
def test_it_fits_into_one_message_and_names_no_account(
    changes: Sequence[ChangedAccount], refusal: str | None, was_refused: str | None
) -> None:
    batch = Batch.of(actor(), Operation.TEST, [one.item for one in changes] or [Item("Et1")], 0.0)
    outcome = BatchOutcome(batch.with_result(ItemResult("works")), BatchEnding.DONE, "ABCD2345")
    text = survey_text(Survey("ABCD2345", outcome, changes, refusal, was_refused), "<https://example.com/help>")
    assert len(text) <= MAX_TEXT
    assert "canary" not in text
    assert text.endswith("Reference ABCD2345")


def test_most_of_thousands_of_changes_are_only_counted() -> None:
    changes = [
        ChangedAccount(Change.BROKE, Item(f"Et{n:06}", "google"), AccountState.GONE, "token_not_found")
        for n in range(2500)
    ]
    text = survey_text(Survey("ABCD2345", changes=changes), "a workspace admin")
    assert "✕ *Stopped working: 2,500*  Gone\n• `Et000000` · `google`\n" in text
    assert "• and 2,490 more\n" in text
