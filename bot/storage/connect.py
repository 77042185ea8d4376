"""From an address to a database."""

from sqlalchemy.engine import URL

from bot.storage.database import Database


def open_database(url: URL, *, creates: bool = True) -> Database:
    """Make a database ready to be used. Only one that `creates` makes a missing SQLite file."""
    # Each driver is imported only where it is used.
    if url.drivername.startswith("postgresql"):
        from bot.storage.postgresql import PostgresDatabase  # noqa: PLC0415

        return PostgresDatabase(url)
    from bot.storage.sqlite import SqliteDatabase  # noqa: PLC0415

    return SqliteDatabase(url, creates=creates)
