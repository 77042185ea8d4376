"""`extauth check`."""

import json
import shutil
import sys
import textwrap
from collections import Counter
from dataclasses import asdict
from functools import partial

import click

from bot import logs
from bot.check import examine
from bot.check.finding import Finding, Status
from bot.cli.shared import load_settings, run
from bot.cli.terminal import Command, counted
from bot.clock import SystemClock
from bot.settings import Settings, read

_COLORS = {Status.OK: "green", Status.PROBLEM: "red", Status.NOT_CHECKED: "yellow"}
_MARGIN = " " * (max(len(status) for status in Status) + 2)


@click.command(cls=Command, examples=["", "--json"])
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for a program to read.")
def check(as_json: bool) -> None:
    """Check the setup and say how to fix what's wrong.

    Checks the tokens, the scopes, the connection to Slack, the database and its key, the allow lists, and the audit
    channel. Nothing is posted or changed.

    Exit status: 0 if everything is OK, 1 if something needs fixing or couldn't be checked, 2 if a setting is wrong.
    """
    settings = load_settings(partial(read, need="some"))
    # Log lines of libraries would appear between the results and only repeat them less clearly.
    logs.silence()
    run(_check(settings, as_json=as_json))


async def _check(settings: Settings, *, as_json: bool) -> None:
    findings: list[Finding] = []
    async for finding in examine(settings, SystemClock()):
        findings.append(finding)
        if not as_json:
            _print(finding)
    if as_json:
        redacted = [{name: logs.redact(value) for name, value in asdict(finding).items()} for finding in findings]
        click.echo(json.dumps({"findings": redacted}, indent=2))
    else:
        counts = Counter(finding.status for finding in findings)
        parts = []
        if counts[Status.PROBLEM]:
            parts.append(counted(counts[Status.PROBLEM], "problem", "problems"))
        if counts[Status.NOT_CHECKED]:
            parts.append(f"{counts[Status.NOT_CHECKED]} not checked")
        click.echo(f"\n{', '.join(parts)}." if parts else "\nEverything is OK.")
    if any(finding.status is not Status.OK for finding in findings):
        sys.exit(1)


def _print(finding: Finding) -> None:
    """Print a finding, wrapped to the terminal's width."""
    status = click.style(f"{finding.status:<{len(_MARGIN)}}", fg=_COLORS[finding.status])
    width = shutil.get_terminal_size().columns - len(_MARGIN)
    lines = []
    for sentence in filter(None, (f"{finding.subject}: {finding.says}", finding.fix)):
        text = logs.on_one_line(logs.redact(sentence))
        if sys.stdout.isatty():
            lines += textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
        else:
            lines.append(text)
    click.echo(status + f"\n{_MARGIN}".join(lines))
