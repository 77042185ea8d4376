"""Sends a test's results to the person as a file."""

import csv
import io
import logging
from datetime import UTC, datetime

from slack_sdk.errors import SlackApiError

from bot.audit.batches import Batch
from bot.listeners import flow
from bot.listeners.direct import reason
from bot.listeners.interaction import Interaction
from bot.listeners.runtime import Runtime
from bot.slack.client import send_file
from bot.slack.external_auth.accounts import state_of
from bot.ui.exports import copyable_export_screen, exported_screen

log = logging.getLogger(__name__)


_FORMULA = frozenset("=+-@'")


def as_csv(batch: Batch) -> str:
    """Return the tested tokens as CSV: IDs and states only.

    What a spreadsheet would take for a formula gets an apostrophe in front, as what begins with one does: so each value
    can be read back by taking one off. What can't be printed becomes a space.
    https://owasp.org/www-community/attacks/CSV_Injection
    """
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow(("external_token_id", "provider_key", "state", "code"))
    for item, result in zip(batch.items, batch.results, strict=False):
        cells = (item.token_id, item.provider_key or "", state_of(result.code).value, result.code or "")
        rows.writerow([_cell(value) for value in cells])
    return written.getvalue()


def _cell(value: str) -> str:
    shown = "".join(character if character.isprintable() else " " for character in value)
    return f"'{shown}" if shown[:1] in _FORMULA else shown


async def send(runtime: Runtime, clicked: Interaction, batch: Batch) -> None:
    """Send the results to the person as a file; where Slack doesn't take one, show them to be copied."""
    text, made = as_csv(batch), datetime.fromtimestamp(batch.at, UTC)
    name = f"extauth-test-{made:%Y-%m-%d-%H%M}.csv"
    try:
        await send_file(runtime.clients, clicked.actor.bot_token, clicked.actor.user_id, name, text)
    except Exception as error:
        log.warning("an export couldn't be sent as a file", extra={"code": reason(error)})
        lacks_scope = isinstance(error, SlackApiError) and reason(error) == "missing_scope"
        await flow.show(clicked, copyable_export_screen(text, lacks_scope=lacks_scope))
    else:
        await flow.show(clicked, exported_screen(len(batch.results)))
