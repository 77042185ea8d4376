"""What an export holds, and that a spreadsheet runs none of it."""

import csv
import io
import re

from hypothesis import given
from hypothesis import strategies as st

from bot.batch import Batch, Item, ItemResult
from bot.operation import Operation
from bot.slack.external_auth.accounts import state_of
from bot.views.exports import as_csv
from tests.audit_log import actor

CODES = st.sampled_from([None, "token_not_found", "no_refresh_token", "internal_error"])
KEYS = st.one_of(st.none(), st.text(st.sampled_from("=+-@\t\r\n'\",;ab"), min_size=1, max_size=6))
ROWS = st.lists(
    st.tuples(st.from_regex(r"[A-Za-z0-9_.-]{1,20}", fullmatch=True), KEYS, CODES),
    max_size=8,
    unique_by=lambda row: row[0],
)


@given(ROWS)
def test_no_cell_is_a_formula_and_each_can_be_read_back(rows: list[tuple[str, str | None, str | None]]) -> None:
    items = [Item(token_id, key, "ada@example.com", ("workflow",)) for token_id, key, _ in rows]
    batch = Batch.of(actor(), Operation.TEST, items, 1e9)
    for _, _, code in rows:
        batch = batch.with_result(ItemResult("failed" if code else "works", code))
    text = as_csv(batch)
    assert "ada@example.com" not in text
    assert "workflow" not in text
    header, *read = csv.reader(io.StringIO(text, newline=""))
    assert header == ["external_token_id", "provider_key", "state", "code"]
    assert all(cell[:1] not in "=+-@\t\r" for line in read for cell in line if cell)
    assert [[cell.removeprefix("'") for cell in line] for line in read] == [
        [token_id, re.sub(r"[\t\r\n]", " ", key or ""), state_of(code).value, code or ""]
        for token_id, key, code in rows
    ]
