"""`extauth audit …`, for the audit log in a terminal. Only `prune` changes entries. `verify` stores its result."""

import asyncio
import csv
import json
import logging
import re
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Concatenate, ParamSpec

import click
from pydantic import SecretStr

from bot.app import open_existing_log
from bot.audit.chain import BadCheckpoint, utc
from bot.audit.entries import Entry, Filters, VerificationResult
from bot.audit.log import AuditLog
from bot.check.database import explain_unusable
from bot.cli.entries import filtered, of_workspace, print_entries
from bot.cli.shared import fail, load_settings
from bot.cli.terminal import Group, counted, progress, read_secret
from bot.clock import SystemClock
from bot.ids import unwrap
from bot.settings import key_source, read_database
from bot.storage.engine import DatabaseError
from bot.views import parts
from bot.views.exports import cell

logger = logging.getLogger(__name__)
"""The process log, which isn't named `log` here because `log` is the audit log."""

P = ParamSpec("P")
_COLUMNS = list(Entry.__dataclass_fields__)


def _on_log(command: Callable[Concatenate[AuditLog, P], Awaitable[None]]) -> Callable[P, None]:
    """Decorate a command to run on the existing log, or exit with one line that names the database and the fix."""

    @wraps(command)
    def run(*args: P.args, **options: P.kwargs) -> None:
        settings = load_settings(read_database)

        async def work() -> None:
            async with open_existing_log(settings, SystemClock()) as log:
                await command(log, *args, **options)

        try:
            asyncio.run(work())
        except DatabaseError as error:
            fail(asyncio.run(explain_unusable(settings, error)))
        except BadCheckpoint as error:
            fail(str(error), status=2)

    return run


@click.group(cls=Group, examples=["list -n 50", "verify", "export --format csv > log.csv"])
def audit() -> None:
    """Read, verify, search, and prune the audit log.

    These commands need only DATABASE_URL and EXTAUTH_SECRET_KEY. They create nothing.
    """


@audit.command("list", examples=["-n 50", "--user U012ABCDEF --since 2026-01-01", "--token-id EtGoogle0001"])
@click.option(
    "-n", "count", default=20, show_default=True, type=click.IntRange(1, 10_000), metavar="COUNT", help="How many."
)
@filtered
@_on_log
async def list_(log: AuditLog, count: int, chosen: Filters) -> None:
    """Show the newest entries, newest first."""
    entries = await log.newest(count, chosen)
    if entries:
        print_entries(entries)
    else:
        click.echo("No entries found.", err=True)


@audit.command(examples=["> log.jsonl", "--format csv --since 2026-01-01 > log.csv"])
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "csv"]),
    default="jsonl",
    show_default=True,
    help="JSON Lines or CSV.",
)
@filtered
@_on_log
async def export(log: AuditLog, form: str, chosen: Filters) -> None:
    """Write every entry to standard output, oldest first."""
    table = csv.DictWriter(sys.stdout, _COLUMNS)
    if form == "csv":
        table.writeheader()
    # If the entries also go to the terminal, the progress bar would overwrite them.
    shows = sys.stderr.isatty() and not sys.stdout.isatty()
    total = await log.count(chosen) if shows else 0
    done = 0

    def write(entry: Entry) -> None:
        nonlocal done
        fields = {**{name: getattr(entry, name) for name in _COLUMNS}, "at": utc(entry.at)}
        if form == "csv":
            fields["parameters"] = json.dumps(entry.parameters)
            table.writerow({name: "" if value is None else cell(str(value)) for name, value in fields.items()})
        else:
            sys.stdout.write(f"{json.dumps(fields, ensure_ascii=False)}\n")
        done += 1
        tell(done)

    with progress("Exporting", total, "entries") as tell:
        await log.export(chosen, write)


@audit.command(
    examples=["", "--workspace T012ABCDEF", "--checkpoint 'extauth-checkpoint …'", "--checkpoint - < checkpoint.txt"]
)
@click.option(
    "--checkpoint",
    "line",
    metavar="LINE",
    help="Also compare with checkpoints; - reads them from standard input.",
)
@of_workspace
@_on_log
async def verify(log: AuditLog, line: str | None, workspace: str | None) -> None:
    """Check that nobody altered, added, moved, or removed entries.

    Exit status: 0 if the audit log is intact, 1 if it isn't.
    """
    text = sys.stdin.read() if line == "-" else line
    checkpoints = log.read_checkpoints(text) if text is not None else ()
    total = await _rows(log, workspace)
    with progress("Verifying", total, "rows") as tell:
        result = await log.verify(tell, checkpoints, workspace)
        tell(result.rows)
    if workspace is None:
        try:
            await log.note_verified(result)
        except DatabaseError as error:
            # Verification must also work for a person with read-only access to the database.
            logger.info("this verification couldn't be noted for /metrics", extra={"why": str(error)})
    elif result.problem is None:
        await _check_known(log, workspace)
    if result.problem is not None:
        rows_are = "row before it is" if result.rows == 1 else f"{result.rows:,} rows before it are"
        before = f" The {rows_are} intact." if result.rows else ""
        click.echo(f"The audit log is NOT intact. {result.problem}{before}")
        sys.exit(1)
    size = f"{counted(result.entries, 'entry', 'entries')} in {parts.count(result.rows, 'row')}"
    click.echo(f"The audit log is intact: {size}.{_held(result, text)}")
    if result.note is not None:
        click.echo(result.note)
    click.echo(f"Checked with the key that EXTAUTH_SECRET_KEY, from {key_source()}, unlocks.")


async def _check_known(log: AuditLog, workspace: str | None) -> None:
    """Exit if a workspace has no entries, because a mistyped ID must not look like an intact log."""
    if workspace is not None and not await log.heads(workspace):
        fail(f"There are no entries of {workspace}. `audit list` shows the workspaces.", status=2)


async def _rows(log: AuditLog, workspace: str | None) -> int:
    """Return the number of rows for the progress bar, or 0 after an error, which `verify` then explains better."""
    try:
        heads = await log.heads(workspace) if sys.stderr.isatty() else ()
        return sum(head.number - head.pruned_number for head in heads)
    except DatabaseError:
        return 0


def _held(result: VerificationResult, checkpoint: str | None) -> str:
    were = "row was" if result.pruned == 1 else "rows were"
    pruned = f" {result.pruned:,} older {were} pruned." if result.pruned else ""
    if checkpoint is None or result.note is not None:
        return pruned
    seen = "checkpoint" if checkpoint.count("extauth-checkpoint") == 1 else "checkpoints"
    rest = f"Everything {'else ' if result.pruned else ''}the {seen} saw"
    return f"{pruned} {rest} is still there."


@audit.command(examples=["> checkpoint.txt"])
@of_workspace
@_on_log
async def checkpoint(log: AuditLog, workspace: str | None) -> None:
    """Print signed lines that say where the audit log ends.

    There is one for each workspace, and one for what belongs to none. Keep them somewhere else. `verify --checkpoint`
    compares the audit log with them, and so finds an old copy.
    """
    await _check_known(log, workspace)
    for line in await log.checkpoints(workspace):
        click.echo(line)


@audit.command("find-token", examples=["", "< leaked.txt"])
def find_token() -> None:
    """Name everyone who fetched a leaked token.

    Asks for the token, so that it stays out of the shell's history.
    """
    typed = read_secret("Token (hidden)")
    # A pasted token may come with the rest of an Authorization header, or with quotes.
    token = re.sub(r"^(?:authorization:)?\s*(?:bearer|token)[\s:=]+", "", unwrap(typed), flags=re.IGNORECASE)
    token = "".join(unwrap(token).split())
    if not token:
        fail("No token was given. Paste the whole token.", status=2)
    _print_found(SecretStr(token))


@_on_log
async def _print_found(log: AuditLog, token: SecretStr) -> None:
    found = await log.find_token(token)
    since = f"goes back to {utc(found.since)}" if found.since is not None else "is empty"
    if found.entries:
        print_entries(found.entries)
        people = sorted({entry.user_id or "?" for entry in found.entries})
        times = "once" if len(found.entries) == 1 else f"{len(found.entries)} times"
        click.echo(f"Fetched {times} with Extauth, by: {', '.join(people)}. The audit log {since}.")
    else:
        click.echo(f"No entry has this token. The audit log {since}.")
    click.echo(
        "Only a whole token is found, not part of one. Others may have gotten it without Extauth: from Slack's "
        "API, from the provider, or from someone who had it."
    )


@audit.command(examples=["--older-than 400", "--older-than 400 --yes"])
@click.option("--older-than", "days", required=True, type=click.IntRange(1), metavar="DAYS", help="How old, in days.")
@click.option("--yes", is_flag=True, help="Don't ask.")
@of_workspace
@_on_log
async def prune(log: AuditLog, days: int, yes: bool, workspace: str | None) -> None:
    """Delete old entries for good.

    Says what would be deleted, and asks. The rest can still be verified, and the audit log records the pruning.
    """
    before = (datetime.now(UTC) - timedelta(days=days)).timestamp()
    await _check_known(log, workspace)
    count, oldest = await log.count_before(before, workspace)
    if not count or oldest is None:
        click.echo(f"No entries are older than {utc(before)}.")
        return
    going = f"{counted(count, 'entry', 'entries')}, from {utc(oldest)} to {utc(before)}"
    if not yes:
        await asyncio.to_thread(click.confirm, f"Delete {going}? This can't be undone.", abort=True, err=True)
    click.echo(f"Deleted {counted(await log.prune(before, workspace), 'entry', 'entries')}.")
