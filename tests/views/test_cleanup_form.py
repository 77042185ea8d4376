"""The modals for deleting several tokens: what they read, what confirms, and Slack's limits."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.batch import Batch, Item
from bot.operation import Operation
from bot.sandbox.slack.block_kit import view_complaints
from bot.slack.external_auth.models import Selection
from bot.views import cleanup_form as cleanup
from bot.views import metadata
from bot.views.metadata import ModalState, Origin, PendingBatch, UnreadableMetadata
from tests.audit_log import actor
from tests.submissions import submission

LONGEST = Item("E" * 255, "&" * 255, "&" * 255, tuple(f"&{number}{'<' * 250}" for number in range(30)))
ORIGIN = Origin("https://hooks.slack.com/commands/T0123456789/1234567890123/" + "x" * 200, 1e9, True, "C" * 64)


def filled(**values: str) -> dict[str, Any]:
    return {name: {name: {"type": "plain_text_input", "value": value}} for name, value in values.items()}


def batch(count: int, item: Item = LONGEST) -> Batch:
    items = [Item(f"{number}{item.token_id}"[:255], *_rest(item)) for number in range(count)]
    return Batch.of(actor(), Operation.DELETE, items, 1e9)


def _rest(item: Item) -> tuple[Any, ...]:
    return item.provider_key, item.account, item.workflows


@pytest.mark.parametrize("is_listed", [True, False])
@pytest.mark.parametrize("count", [1, 2, 21, 2500])
def test_the_confirmation_passes_the_limits_and_says_how_many(count: int, is_listed: bool) -> None:
    remembered = metadata.write(ORIGIN, batch=PendingBatch("f" * 32, count))
    view = cleanup.build_confirmation(remembered, batch(count), is_listed=is_listed)
    assert view_complaints(view) == []
    assert len(remembered) <= 3000
    assert f"This deletes {count:,} token" in json.dumps(view)
    assert metadata.read(remembered) == ModalState(ORIGIN, batch=PendingBatch("f" * 32, count))


def test_the_form_passes_the_limits() -> None:
    assert view_complaints(cleanup.build_form(metadata.write(ORIGIN))) == []


@pytest.mark.parametrize(
    ("typed", "count", "confirms"),
    [
        ("delete 2 tokens", 2, True),
        ("  DELETE  2   Tokens ", 2, True),
        ("delete 1 token", 1, True),
        ("delete 2,500 tokens", 2500, True),
        ("delete 2500 tokens", 2500, True),
        ("delete 1 tokens", 1, False),
        ("delete 2 token", 2, False),
        ("delete 3 tokens", 2, False),
        ("2", 2, False),
        ("delete", 2, False),
        ("yes", 2, False),
    ],
)
def test_only_the_exact_count_confirms(typed: str, count: int, confirms: bool) -> None:
    pending = PendingBatch("0" * 32, count)
    read = cleanup.parse_confirmation(submission(filled(typed_count=typed), metadata.write(None, batch=pending)))
    assert (read == pending) is confirms
    assert confirms or (isinstance(read, dict) and "Nothing was deleted." in read["typed_count"])


@pytest.mark.parametrize("values", [{}, {"typed_count": {}}, {"typed_count": {"typed_count": {"value": None}}}])
def test_an_empty_confirmation_confirms_nothing(values: dict[str, Any]) -> None:
    read = cleanup.parse_confirmation(submission(values, metadata.write(None, batch=PendingBatch("0" * 32, 2))))
    assert isinstance(read, dict)


def test_the_form_reads_ids_between_spaces_lines_and_commas() -> None:
    read = cleanup.parse_form(submission(filled(external_token_ids="Et1, Et2\nEt3 Et1,Et4")))
    assert read == Selection(("Et1", "Et2", "Et3", "Et4"))
    assert cleanup.parse_form(submission(filled(account="ada@example.com", provider_key="google"))) == Selection(
        (), "ada@example.com", "google"
    )


def test_what_is_wrong_is_told_beside_its_field() -> None:
    assert set(cleanup.parse_form(submission(filled(external_token_ids="Et1 Et/2")))) == {"external_token_ids"}  # type: ignore[arg-type]
    assert set(cleanup.parse_form(submission(filled(account="ada", provider_key="a b")))) == {"provider_key"}  # type: ignore[arg-type]


@settings(max_examples=60)
@given(
    st.one_of(
        st.text(max_size=40),
        st.recursive(
            st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8)),
            lambda inner: st.one_of(
                st.lists(inner, max_size=3),
                st.dictionaries(st.sampled_from(["batch", "batch_id", "count", "origin"]), inner, max_size=3),
            ),
            max_leaves=6,
        ).map(json.dumps),
    )
)
def test_metadata_of_another_form_is_not_read(text: str) -> None:
    try:
        pending = metadata.read(text).batch
    except UnreadableMetadata:
        return
    assert pending is None or isinstance(pending.batch_id, str)
    assert pending is None or type(pending.count) is int
