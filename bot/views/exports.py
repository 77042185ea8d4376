"""The results of a test as CSV, and the screens for their export."""

import csv
import io

from bot.batch import Batch
from bot.slack.external_auth.accounts import state_of
from bot.views import parts
from bot.views.parts import Screen, notice

_FORMULA = frozenset("=+-@'")
_LONGEST_BLOCK = 2900
_MOST_BLOCKS = 12
"""Maximum number of blocks in one message, because Slack accepts about 40,000 characters of text in total."""


def as_csv(batch: Batch) -> str:
    """Return the tested tokens as CSV, with only IDs, provider keys, states, and error codes."""
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow(("external_token_id", "provider_key", "state", "code"))
    for item, result in zip(batch.items, batch.results, strict=False):
        cells = (item.token_id, item.provider_key or "", state_of(result.code).value, result.code or "")
        rows.writerow([cell(value) for value in cells])
    return written.getvalue()


def cell(value: str) -> str:
    """Return a cell of a CSV file that no spreadsheet interprets as a formula.

    A value gets an apostrophe in front if it begins like a formula or with an apostrophe, so removing one apostrophe
    restores it. Unprintable characters become spaces. https://owasp.org/www-community/attacks/CSV_Injection
    """
    shown = "".join(character if character.isprintable() else " " for character in value)
    return f"'{shown}" if shown[:1] in _FORMULA else shown


def exported_screen(count: int) -> Screen:
    """Return the screen for an export sent as a file."""
    said = f"The results of {parts.count(count, 'account')} are in your messages with Extauth, as a CSV file."
    return notice("Export", "Export sent", said, mark=parts.Mark.DONE)


def copyable_export_screen(text: str, *, lacks_scope: bool) -> Screen:
    """Return the screen with the export as text to copy, for when the file couldn't be sent."""
    title = "Copy the results"
    why = (
        "To get them as a file, Extauth needs the scopes `files:write` and `im:write`."
        if lacks_scope
        else "Slack didn't take the file."
    )
    pieces: list[str] = []
    for line in text.splitlines(keepends=True):
        if not pieces or len(pieces[-1]) + len(line) > _LONGEST_BLOCK:
            pieces.append("")
        pieces[-1] += line
    blocks: list[parts.Block] = [parts.heading(parts.Mark.UNSURE, title), parts.paragraph(why)]
    blocks += [parts.copyable(piece) for piece in pieces[:_MOST_BLOCKS]]
    if len(pieces) > _MOST_BLOCKS:
        blocks.append(parts.small_print("There is more than fits here: test one provider at a time."))
    return Screen("Export", title, tuple(blocks), is_failure=True)
