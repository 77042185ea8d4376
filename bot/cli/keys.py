"""`extauth keys …`, for the operator's keys."""

import asyncio
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

import click
import dotenv
from sqlalchemy import Connection

from bot.audit.keys import load_key
from bot.check.database import explain_unusable
from bot.cli.shared import fail, load_settings
from bot.cli.terminal import Group, counted
from bot.environment import UnreadableEnvFile, read_env_file
from bot.settings import DatabaseSettings, read_database
from bot.storage.address import database_url
from bot.storage.engine import DatabaseError, open_database
from bot.storage.key_rotation import RotationResult, rotate
from bot.storage.schema import check_schema

_NAME = "EXTAUTH_SECRET_KEY"
_DONE = (
    "Once every process has the newest key first in EXTAUTH_SECRET_KEY, run this once more. Then the older keys can go."
)


@click.group(cls=Group, examples=["new", "rotate"])
def keys() -> None:
    """Make or change EXTAUTH_SECRET_KEY."""


@keys.command("new", examples=["", "--write"])
@click.option("--write", is_flag=True, help="Put it into .env, unless EXTAUTH_SECRET_KEY is set already.")
def new(write: bool) -> None:
    """Print a new key for EXTAUTH_SECRET_KEY, or put it into .env."""
    key = secrets.token_hex()
    if not write:
        click.echo(key)
        return
    if _NAME in os.environ:
        if not os.environ[_NAME].strip():
            fail(f"{_NAME} is set, but empty, which hides the one in .env. Unset it.", status=2)
        return
    # If .env is a symbolic link, it must remain one, so the target is changed.
    file = (Path.cwd() / ".env").resolve()
    try:
        file.touch(mode=0o600)
        kept, encoding = read_env_file(file)
        if (kept.get(_NAME) or "").strip():
            # With another key, Extauth couldn't read the existing audit log.
            return
        file.chmod(0o600)
        dotenv.set_key(file, _NAME, key, quote_mode="never", encoding=encoding)
    except UnreadableEnvFile as error:
        fail(str(error), status=2)
    except OSError as error:
        fail(f"{file} can't be written: {error.strerror}.", status=2)
    click.echo(f"Extauth wrote a new {_NAME} into {file}. Keep a copy where you keep your passwords.")


@keys.command("rotate", examples=[""])
def rotate_() -> None:
    """Encrypt everything under the newest key.

    First put the new key before the old one, EXTAUTH_SECRET_KEY=new,old, and restart each process. They can go on while
    this runs. Afterwards, drop the old key.

    Needs only DATABASE_URL and EXTAUTH_SECRET_KEY. All of it is done, or nothing.

    Exit status: 0 if everything is under the newest key, 1 if not, 2 if a setting is wrong.
    """
    settings = load_settings(read_database)
    try:
        rotated = asyncio.run(_rotate(settings))
    except DatabaseError as error:
        fail(asyncio.run(explain_unusable(settings, error)))
    renewed = ", ".join(counted(one.renewed, *one.what) for one in rotated)
    click.echo(f"Under the newest key now: {renewed}.")
    unreadable = [counted(one.unreadable, *one.what) for one in rotated if one.unreadable]
    if unreadable:
        fail(f"none of the keys can read {', '.join(unreadable)}.")
    click.echo(_DONE)


async def _rotate(settings: DatabaseSettings) -> Sequence[RotationResult]:
    database = open_database(database_url(settings.database_url.get_secret_value()), creates=False)

    def work(connection: Connection) -> Sequence[RotationResult]:
        check_schema(connection)
        return rotate(connection, load_key(connection, settings.secret_keys).vault)

    try:
        return await database.run(work, seconds=None)
    finally:
        await database.close()
