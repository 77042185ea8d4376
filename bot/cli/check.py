"""`extauth check`."""

import json
import shutil
import sys
import textwrap
from collections import Counter
from dataclasses import asdict

import click

from bot import logs
from bot.check import examine
from bot.check.finding import Finding, Status
from bot.cli.shared import load_settings, run
from bot.cli.terminal import Command
from bot.clock import SystemClock
from bot.settings import Settings

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
    settings = load_settings()
    # A library's log lines between the results would only repeat them, in worse words.
    logs.silence()
    run(_print_json(settings) if as_json else _print_findings(settings))


async def _print_findings(settings: Settings) -> None:
    counts: Counter[Status] = Counter()
    async for finding in examine(settings, SystemClock()):
        counts[finding.status] += 1
        _print(finding)
    click.echo(f"\n{_summary(counts)}")
    _exit(all(status is Status.OK for status in counts))


async def _print_json(settings: Settings) -> None:
    findings = [finding async for finding in examine(settings, SystemClock())]
    click.echo(json.dumps({"findings": [_redacted(finding) for finding in findings]}, indent=2))
    _exit(all(finding.is_ok for finding in findings))


def _redacted(finding: Finding) -> dict[str, str]:
    return {name: logs.redact(value) for name, value in asdict(finding).items()}


def _print(finding: Finding) -> None:
    """Print a finding, wrapped to the terminal's width."""
    status = click.style(f"{finding.status:<{len(_MARGIN)}}", fg=_COLORS[finding.status])
    lines = [_wrapped(f"{finding.subject}: {finding.says}")]
    if finding.fix:
        lines.append(_wrapped(finding.fix))
    click.echo(status + f"\n{_MARGIN}".join(lines))


def _wrapped(sentence: str) -> str:
    text = logs.on_one_line(logs.redact(sentence))
    if not sys.stdout.isatty():
        return text
    width = shutil.get_terminal_size().columns - len(_MARGIN)
    return f"\n{_MARGIN}".join(textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False))


def _summary(counts: Counter[Status]) -> str:
    if not counts[Status.PROBLEM] and not counts[Status.NOT_CHECKED]:
        return "Everything is OK."
    parts = []
    if counts[Status.PROBLEM]:
        parts.append("1 problem" if counts[Status.PROBLEM] == 1 else f"{counts[Status.PROBLEM]} problems")
    if counts[Status.NOT_CHECKED]:
        parts.append(f"{counts[Status.NOT_CHECKED]} not checked")
    return f"{', '.join(parts)}."


def _exit(is_ok: bool) -> None:
    if not is_ok:
        sys.exit(1)
