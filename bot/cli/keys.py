"""`python -m bot keys …`: the operator's keys."""

import asyncio
import sys
from collections.abc import Sequence

import click

from bot.audit.key_rotation import Rotated, rotate
from bot.check.database import explain_unusable
from bot.cli.shared import exit_over_settings, read_database_settings
from bot.cli.terminal import Group
from bot.settings import DatabaseSettings, SettingsError
from bot.storage.address import database_url
from bot.storage.connect import open_database
from bot.storage.database import DatabaseError

_DONE = (
    "Once every process has the newest key first in EXTAUTH_SECRET_KEY, run this once more. Then the older keys can go."
)


@click.group(cls=Group, examples=["rotate"])
def keys() -> None:
    """Change EXTAUTH_SECRET_KEY."""


@keys.command("rotate", examples=["", "--from-database"])
@click.option("--from-database", is_flag=True, help="Take over from the key in the database: it was unset so far.")
def rotate_(from_database: bool) -> None:
    """Encrypt everything under the newest key.

    First put the new key before the old one, EXTAUTH_SECRET_KEY=new,old, and restart each process. They can go on while
    this runs. Afterwards, drop the old key.

    Needs only DATABASE_URL and EXTAUTH_SECRET_KEY. All of it is done, or nothing.

    Exit status: 0 if everything is under the newest key, 1 if not, 2 if a setting is wrong.
    """
    settings = read_database_settings()
    if not settings.secret_keys:
        exit_over_settings(SettingsError(["EXTAUTH_SECRET_KEY is missing: there is no key to encrypt with."]))
    try:
        rotated = asyncio.run(_rotate(settings, from_database))
    except DatabaseError as error:
        why = str(error) if from_database else asyncio.run(explain_unusable(settings, error))
        click.echo(f"extauth: {why}", err=True)
        sys.exit(1)
    renewed = ", ".join(_count(one.renewed, one.what) for one in rotated)
    click.echo(f"Under the newest key now: the audit log's key; {renewed}.")
    unreadable = [_count(one.unreadable, one.what) for one in rotated if one.unreadable]
    if unreadable:
        click.echo(f"extauth: none of the keys can read {', '.join(unreadable)}.", err=True)
        sys.exit(1)
    click.echo(_DONE)


def _count(number: int, what: tuple[str, str]) -> str:
    return f"1 {what[0]}" if number == 1 else f"{number:,} {what[1]}"


async def _rotate(settings: DatabaseSettings, from_database: bool) -> Sequence[Rotated]:
    database = open_database(database_url(settings.database_url.get_secret_value()), creates=False)
    try:
        return await rotate(database, settings.secret_keys, from_database=from_database)
    finally:
        await database.close()
