"""The database's address in `DATABASE_URL`."""

from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError

_POSTGRES_OPTIONS = {"ssl", "host", "port"}


def database_url(value: str) -> URL:
    """Return the address in SQLAlchemy's form, for Extauth's drivers. Raises ValueError.

    Heroku writes `postgres://`, and libpq's `sslmode` is asyncpg's `ssl`.
    """
    try:
        url = make_url(value)
    except (ArgumentError, ValueError):
        # Neither message can be passed on: both quote parts of the address, and so of its password.
        raise ValueError(
            "must be an address such as sqlite:///extauth.db or postgresql://user:password@host/name, with the @ : / "
            "of a password written as %40 %3A %2F."
        ) from None
    if url.drivername in {"postgres", "postgresql", "postgresql+asyncpg"}:
        if "@" in (url.host or ""):
            raise ValueError("has more than one @: write the @ of a password as %40, a : as %3A and a / as %2F.")
        return url.set(drivername="postgresql+asyncpg", query=_postgres_options(url))
    if url.drivername in {"sqlite", "sqlite+aiosqlite"} and url.database not in {None, "", ":memory:"}:
        return url.set(drivername="sqlite")
    raise ValueError("must begin with sqlite:/// and name a file, or begin with postgresql://.")


def _postgres_options(url: URL) -> dict[str, str | tuple[str, ...]]:
    """Translate the options of libpq's addresses to asyncpg's. Raises ValueError."""
    options = {("ssl" if name == "sslmode" else name): value for name, value in url.query.items()}
    unknown = sorted(set(options) - _POSTGRES_OPTIONS)
    if unknown:
        known = ", ".join(sorted({*_POSTGRES_OPTIONS, "sslmode"} - {"ssl"}))
        raise ValueError(f"has an option that this bot doesn't know: {unknown[0]}. Remove it; it knows {known}.")
    return options


def describe(value: str) -> str:
    """Return the name of an address's database, without the password."""
    url = database_url(value)
    if url.drivername == "sqlite":
        return str(Path(str(url.database)).absolute())
    return f"{url.database} on {url.host or 'localhost'}{f':{url.port}' if url.port else ''}"
