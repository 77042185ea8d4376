"""`python -m bot check`."""

import sys

import click

from bot.check import examine
from bot.cli.shared import read_settings, run
from bot.clock import SystemClock
from bot.settings import Settings


@click.command()
def check() -> None:
    """Look at everything that can be wrong before the first command, and say how to mend it."""
    run(_print_findings(read_settings()))


async def _print_findings(settings: Settings) -> None:
    is_well = True
    async for finding in examine(settings, SystemClock()):
        is_well = is_well and finding.is_well
        click.echo(f"{'ok  ' if finding.is_well else 'FAIL'}  {finding.subject}: {finding.says}")
        if finding.fix:
            click.echo(f"      {finding.fix}")
    if not is_well:
        sys.exit(1)
