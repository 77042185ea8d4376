"""`extauth check`."""

import json
import secrets
import shutil
import sys
import textwrap
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict
from functools import partial

import click

from bot import logs
from bot.check import check_token, examine
from bot.check.finding import Finding, Status
from bot.cli.shared import load_settings, run
from bot.cli.terminal import Command, counted, read_secret
from bot.clock import SystemClock
from bot.ids import SECRET, unwrap
from bot.settings import Settings, SettingsError, read

CAN_RUN = 3
"""The exit status if the only problems are such that Extauth can still start."""
_FOR_CALLS = (
    *("SLACK_API_URL", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE"),
    *("EXTAUTH_APP_ID", "LOG_LEVEL", "LOG_FORMAT"),
)
"""The settings that matter for calls with a typed token."""
_COLORS = {Status.OK: "green", Status.PROBLEM: "red", Status.NOT_CHECKED: "yellow"}
_MARGIN = " " * (max(len(status) for status in Status) + 2)


@click.command(cls=Command, examples=["", "--json", "--token"])
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for a program to read.")
@click.option("--token", "of_token", is_flag=True, help="Ask for a token, and say what Slack lets it do.")
def check(as_json: bool, of_token: bool) -> None:
    """Check the setup and say how to fix what's wrong.

    Checks the tokens, the scopes, the connection to Slack, the database and its key, the allow lists, and the audit
    channel. Nothing is posted or changed. With --token, only a token is checked, and nothing needs to be set up.

    Exit status: 0 if everything is OK, 3 if Extauth can start but something needs fixing, 1 if it can't or something
    couldn't be checked, 2 if a setting is wrong.
    """
    if of_token:
        settings = load_settings(_with_token)
        findings = check_token(settings, SystemClock())
    else:
        settings = load_settings(partial(read, need="some"))
        findings = examine(settings, SystemClock())
    # Log lines of libraries would appear between the results and only repeat them less clearly.
    logs.silence()
    run(_check(findings, as_json=as_json))


def _with_token(environment: Mapping[str, str]) -> Settings:
    """Read the settings for calls to Slack, with a token that the person types in place of all others."""
    token = "".join(unwrap(read_secret("Token (hidden)")).split())
    if not SECRET.fullmatch(token):
        raise SettingsError(["That isn't a whole token. Copy it again."])
    kept = {name: environment[name] for name in _FOR_CALLS if name in environment}
    return read({**kept, "SLACK_BOT_TOKEN": token, "EXTAUTH_SECRET_KEY": secrets.token_hex()})


async def _check(found: AsyncIterator[Finding], *, as_json: bool) -> None:
    findings: list[Finding] = []
    async for finding in found:
        findings.append(finding)
        if not as_json:
            _print(finding)
    counts = Counter(finding.status for finding in findings)
    can_run = all(finding.can_run for finding in findings)
    if as_json:
        redacted = [
            {name: logs.redact(value) if isinstance(value, str) else value for name, value in asdict(finding).items()}
            for finding in findings
        ]
        click.echo(json.dumps({"findings": redacted}, indent=2))
    else:
        parts = []
        if counts[Status.PROBLEM]:
            parts.append(counted(counts[Status.PROBLEM], "problem", "problems"))
        if counts[Status.NOT_CHECKED]:
            parts.append(f"{counts[Status.NOT_CHECKED]} not checked")
        end = f"{', '.join(parts)}.{' Extauth can still start.' if can_run else ''}"
        click.echo(f"\n{end}" if parts else "\nEverything is OK.")
    if counts.keys() - {Status.OK}:
        sys.exit(CAN_RUN if can_run else 1)


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
