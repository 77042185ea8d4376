"""`python -m bot audit …`: the audit log in a terminal."""

import asyncio
import csv
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import click
from pydantic import SecretStr

from bot.app import open_audit_log
from bot.audit.entries import Entry, Filters
from bot.audit.log import AuditLog, AuditLogUnavailable
from bot.clock import SystemClock
from bot.operation import Operation
from bot.settings import Settings
from bot.storage.engine import DatabaseError

ReadSettings = Callable[[], Settings]
"""Reads the settings, which `--help` doesn't need."""

ACTIONS = [*dict.fromkeys(operation.action for operation in Operation), "denied", "prune"]
_COLUMNS = list(Entry.__dataclass_fields__)


@click.group()
def audit() -> None:
    """Read, check, search and shorten the audit log."""


def _filtered(function: Any) -> Any:
    options = (
        click.option("--user", help="Only this user id."),
        click.option("--action", help=f"Only {', '.join(ACTIONS)}."),
        click.option("--workspace", help="Only this workspace id."),
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
@click.pass_obj
def list_(read_settings: ReadSettings, /, count: int, **wanted: Any) -> None:
    """Show the newest entries, newest first."""

    async def work(log: AuditLog) -> None:
        for entry in await log.newest(count, _filters(**wanted)):
            click.echo(_line(entry))

    _with_log(read_settings, work)


@audit.command()
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), default="jsonl", show_default=True)
@_filtered
@click.pass_obj
def export(read_settings: ReadSettings, /, form: str, **wanted: Any) -> None:
    """Write every entry to standard output, oldest first."""

    async def work(log: AuditLog) -> None:
        table = csv.DictWriter(sys.stdout, _COLUMNS)
        if form == "csv":
            table.writeheader()
        async for entry in log.oldest_first(_filters(**wanted)):
            fields = {**asdict(entry), "at": _time(entry.at)}
            if form == "csv":
                table.writerow({name: _harmless(value) for name, value in fields.items()})
            else:
                click.echo(json.dumps(fields, ensure_ascii=False))

    _with_log(read_settings, work)


@audit.command()
@click.pass_obj
def verify(read_settings: ReadSettings, /) -> None:
    """Check that no record was altered, removed, inserted or moved. Exit status 1 if one was."""

    def progress(checked: int) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r{checked:,} checked", nl=False, err=True)

    async def work(log: AuditLog) -> None:
        result = await log.verify(progress)
        if result.problem is not None:
            click.echo(f"The record is NOT whole. {result.problem} {result.checked:,} before it are well.")
            sys.exit(1)
        click.echo(f"The record is whole: {result.checked:,} checked.")

    _with_log(read_settings, work)


@audit.command("find-token")
@click.pass_obj
def find_token(read_settings: ReadSettings, /) -> None:
    """Name everyone to whom a token was ever handed out.

    The token is asked for, so that it stays out of the shell's history.
    """
    token = SecretStr(click.prompt("Token (it is not shown)", hide_input=True, err=True).strip())

    async def work(log: AuditLog) -> None:
        found = await log.find_token(token)
        for entry in found:
            click.echo(_line(entry))
        people = sorted({entry.user_id or "?" for entry in found})
        click.echo(f"Handed out {len(found)} times, to: {', '.join(people)}." if found else "It was never handed out.")

    _with_log(read_settings, work)


@audit.command()
@click.option("--older-than", "days", required=True, type=click.IntRange(1), help="In days.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def prune(read_settings: ReadSettings, /, days: int, yes: bool) -> None:
    """Drop old records. What stays can still be checked, and that something was dropped is recorded."""
    before = datetime.now(UTC) - timedelta(days=days)
    if not yes:
        click.confirm(f"Drop every record from before {before:%Y-%m-%d %H:%M} UTC, for good?", abort=True, err=True)

    async def work(log: AuditLog) -> None:
        click.echo(f"{await log.prune(before.timestamp()):,} records dropped.")

    _with_log(read_settings, work)


def _with_log(read_settings: ReadSettings, work: Callable[[AuditLog], Awaitable[None]]) -> None:
    settings = read_settings()

    async def run() -> None:
        async with open_audit_log(settings, SystemClock()) as log:
            await work(log)

    try:
        asyncio.run(run())
    except (AuditLogUnavailable, DatabaseError) as error:
        click.echo(f"extauth: the database of DATABASE_URL cannot be used: {error}", err=True)
        sys.exit(1)


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _harmless(value: object) -> object:
    """A CSV's cell. One that begins like a formula would be run by a spreadsheet."""
    text = json.dumps(value) if isinstance(value, dict) else value
    return f"'{text}" if isinstance(text, str) and text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _line(entry: Entry) -> str:
    what = " ".join(f"{name}={value}" for name, value in entry.parameters.items())
    code = f" ({entry.code})" if entry.code else ""
    took = f" in {entry.milliseconds} ms" if entry.milliseconds is not None else ""
    ended = f"{entry.outcome}{code}{took}" if entry.outcome else "NO ENDING RECORDED"
    where = f"{entry.team_id or '-'} {entry.user_id or '-'}"
    return f"{entry.number:>7}  {_time(entry.at)}  {where}  {entry.action:<8} {what}  {ended}  {entry.reference}"
