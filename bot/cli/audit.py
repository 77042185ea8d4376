"""`python -m bot audit …`: the audit log in a terminal. Only `prune` changes anything, and nothing is ever created."""

import asyncio
import csv
import json
import re
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from pydantic import SecretStr

from bot import logs
from bot import settings as settings_module
from bot.app import open_existing_log
from bot.audit.checkpoint import BadCheckpoint, utc
from bot.audit.entries import Entry, Filters, VerificationResult
from bot.audit.log import AuditLog, AuditLogUnavailable
from bot.cli.shared import exit_over_settings
from bot.clock import SystemClock
from bot.operation import Operation
from bot.pasted import unwrap
from bot.settings import DatabaseSettings, SettingsError
from bot.storage.engine import DatabaseError, describe

ACTIONS = [*dict.fromkeys(operation.action for operation in Operation), "denied", "prune"]
_COLUMNS = list(Entry.__dataclass_fields__)
_USER_ID = re.compile(r"[UW][A-Z0-9]+", re.ASCII)
_TEAM_ID = re.compile(r"[TE][A-Z0-9]+", re.ASCII)


@click.group()
def audit() -> None:
    """Read, check, search and shorten the audit record."""


def _id_of(
    pattern: re.Pattern[str], example: str
) -> Callable[[click.Context, click.Parameter, str | None], str | None]:
    """Check the form of an ID: a name would find nothing, and look as if nothing had been done."""

    def check(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
        if value is not None and not pattern.fullmatch(value):
            raise click.BadParameter(f"“{value}” is not an ID such as {example}.")
        return value

    return check


def _filtered(function: Any) -> Any:
    options = (
        click.option("--user", callback=_id_of(_USER_ID, "U012ABCDEF"), help="Only this user ID."),
        click.option("--action", type=click.Choice(ACTIONS), help="Only what was asked for, denied or pruned."),
        click.option("--workspace", callback=_id_of(_TEAM_ID, "T012ABCDEF"), help="Only this workspace ID."),
        click.option("--since", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]), help="From then on (UTC)."),
    )
    for option in reversed(options):
        function = option(function)
    return function


def _filters(user: str | None, action: str | None, workspace: str | None, since: datetime | None) -> Filters:
    at = since.replace(tzinfo=UTC).timestamp() if since is not None else None
    return Filters(user_id=user, action=action, team_id=workspace, since=at)


@audit.command("list")
@click.option("-n", "count", default=20, show_default=True, type=click.IntRange(1, 10_000), help="How many.")
@_filtered
def list_(count: int, **wanted: Any) -> None:
    """Show the newest entries, newest first."""

    async def work(log: AuditLog) -> None:
        for entry in await log.newest(count, _filters(**wanted)):
            click.echo(_line(entry))

    _with_log(work)


@audit.command()
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), default="jsonl", show_default=True)
@_filtered
def export(form: str, **wanted: Any) -> None:
    """Write every entry to standard output, oldest first."""

    async def work(log: AuditLog) -> None:
        table = csv.DictWriter(sys.stdout, _COLUMNS)
        if form == "csv":
            table.writeheader()
        async for entry in log.oldest_first(_filters(**wanted)):
            fields = {**vars_of(entry), "at": utc(entry.at)}
            if form == "csv":
                table.writerow({name: _harmless(value) for name, value in fields.items()})
            else:
                sys.stdout.write(f"{json.dumps(fields, ensure_ascii=False)}\n")

    _with_log(work)


@audit.command()
@click.option("--checkpoint", "text", help="A checkpoint, to see that what it saw is still there; - reads it.")
def verify(text: str | None) -> None:
    """Check that nothing was altered, removed, inserted or moved. Exit status 1 if something was."""
    line = sys.stdin.read() if text == "-" else text

    def progress(checked: int) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r{checked:,} rows checked", nl=False, err=True)

    async def work(log: AuditLog) -> None:
        result = await log.verify(progress, log.read_checkpoint(line) if line is not None else None)
        if result.problem is not None:
            click.echo(f"The record is NOT whole. {result.problem} {result.rows:,} rows before it are well.")
            sys.exit(1)
        click.echo(f"The record is whole: {_entries(result.entries)} in {result.rows:,} rows.{_held(result, line)}")
        if result.note is not None:
            click.echo(result.note)

    _with_log(work)


def _held(result: VerificationResult, checkpoint: str | None) -> str:
    pruned = f" Rows up to {result.pruned:,} were pruned." if result.pruned else ""
    if checkpoint is None or result.note is not None:
        return pruned
    what = "Of the others, it" if result.pruned else "It"
    return f"{pruned} {what} holds everything that the checkpoint saw."


@audit.command()
def checkpoint() -> None:
    """Print where the record ends, signed. Keep it elsewhere: `verify --checkpoint` compares."""

    async def work(log: AuditLog) -> None:
        click.echo(await log.checkpoint())

    _with_log(work)


@audit.command("find-token")
def find_token() -> None:
    """Name everyone who was given a token.

    The token is asked for, so that it stays out of the shell's history.
    """
    token = _read_token()

    async def work(log: AuditLog) -> None:
        found = await log.find_token(token)
        for entry in found.entries:
            click.echo(_line(entry))
        since = f"goes back to {utc(found.since)}" if found.since is not None else "is empty"
        if found.entries:
            people = sorted({entry.user_id or "?" for entry in found.entries})
            times = "once" if len(found.entries) == 1 else f"{len(found.entries)} times"
            click.echo(f"Fetched {times} through this bot, by: {', '.join(people)}. The record {since}.")
        else:
            click.echo(f"No entry has this token. The record {since}.")
        click.echo(
            "Only a whole token is found, not a part of one. Others may have got it without this bot: from Slack's "
            "API, from the provider, or from somebody who had it."
        )

    _with_log(work)


def _read_token() -> SecretStr:
    """Ask for a token, and take off what a paste wraps around it."""
    typed = click.prompt("Token (it is not shown)", hide_input=True, err=True, default="", show_default=False)
    # Of several lines only the first was asked for; the rest waits where it was pasted from.
    more = "" if sys.stdin.isatty() else sys.stdin.read()
    token = re.sub(r"^(?:authorization:)?\s*(?:bearer|token)[\s:=]+", "", unwrap(typed + more), flags=re.IGNORECASE)
    token = "".join(unwrap(token).split())
    if not token:
        click.echo("extauth: no token was given, so there is nothing to look for.", err=True)
        sys.exit(2)
    return SecretStr(token)


@audit.command()
@click.option("--older-than", "days", required=True, type=click.IntRange(1), help="In days.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def prune(days: int, yes: bool) -> None:
    """Delete old entries. What stays can still be verified, and that something was deleted is recorded."""
    before = (datetime.now(UTC) - timedelta(days=days)).timestamp()

    async def work(log: AuditLog) -> None:
        count, oldest = await log.count_before(before)
        if not count or oldest is None:
            click.echo(f"There is nothing from before {utc(before)}.")
            return
        going = f"{_entries(count)}, from {utc(oldest)} to {utc(before)}"
        if not yes:
            await asyncio.to_thread(click.confirm, f"Delete {going}, for good?", abort=True, err=True)
        click.echo(f"{_entries(await log.prune(before))} deleted.")

    _with_log(work)


def _with_log(work: Callable[[AuditLog], Awaitable[None]]) -> None:
    """Work with the log as it is, or exit with one line that names the database."""
    try:
        settings = settings_module.read_database(settings_module.environment(Path.cwd()))
    except SettingsError as error:
        exit_over_settings(error)
    logs.configure(settings.log_level, settings.log_format)
    try:
        asyncio.run(_run(settings, work))
    except (AuditLogUnavailable, DatabaseError) as error:
        where = describe(settings.database_url.get_secret_value())
        click.echo(f"extauth: the database of DATABASE_URL ({where}) cannot be used: {error}", err=True)
        sys.exit(1)
    except BadCheckpoint as error:
        click.echo(f"extauth: {error}", err=True)
        sys.exit(2)


async def _run(settings: DatabaseSettings, work: Callable[[AuditLog], Awaitable[None]]) -> None:
    async with open_existing_log(settings, SystemClock()) as log:
        await work(log)


def vars_of(entry: Entry) -> dict[str, Any]:
    """Return an entry's fields by name, without copying what is in them."""
    return {name: getattr(entry, name) for name in _COLUMNS}


def _entries(count: int) -> str:
    return "1 entry" if count == 1 else f"{count:,} entries"


def _harmless(value: object) -> object:
    """A CSV's cell. One that begins like a formula would be run by a spreadsheet."""
    text = json.dumps(value) if isinstance(value, dict) else value
    return f"'{text}" if isinstance(text, str) and text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _line(entry: Entry) -> str:
    what = " ".join(f"{name}={value}" for name, value in entry.parameters.items())
    code = f" ({entry.code})" if entry.code else ""
    took = f" in {entry.milliseconds} ms" if entry.milliseconds is not None else ""
    ended = f"{entry.outcome}{code}{took}" if entry.outcome else "NO RESULT RECORDED"
    where = f"{entry.team_id or '-'} {entry.user_id or '-'}"
    return f"{entry.number:>7}  {utc(entry.at)}  {where}  {entry.action:<8} {what}  {ended}  {entry.reference}"
