"""The database's address in `DATABASE_URL`."""

import os
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError

_POOLERS_OPTIONS = {"pgbouncer", "connection_limit", "pool_timeout", "supa"}
"""Options that platforms add to an address for other clients, and that libpq doesn't know."""
_INSTEAD = {
    "ssl": "Write sslmode instead",
    "password": "Write it before the host: postgresql://user:password@host/name",
    "sslpassword": "Use a key without a password",
}
"""Options that are refused, and what to do about each. Passwords among the options wouldn't be masked everywhere."""
TRUSTED = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
"""The trusted certificates on Debian, Fedora, and Alpine or macOS, because the driver doesn't find the system's own."""


def database_url(value: str) -> URL:
    """Return the address in SQLAlchemy's form, for Extauth's drivers. Raises ValueError.

    Heroku uses `postgres://`. https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
    """
    try:
        url = make_url(value)
    except (ArgumentError, ValueError):
        # Neither error's message is passed on, because it may quote the address, and so the password.
        raise ValueError(
            "must be an address such as sqlite:///extauth.db or postgresql://user:password@host/name, with the @ : / "
            "of a password written as %40 %3A %2F."
        ) from None
    if url.drivername in {"postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg"}:
        if "@" in (url.host or ""):
            raise ValueError("has more than one @: write the @ of a password as %40, a : as %3A and a / as %2F.")
        return url.set(drivername="postgresql+psycopg", query=_libpq_options(url))
    if url.drivername in {"sqlite", "sqlite+aiosqlite"} and url.database not in {None, "", ":memory:"}:
        if url.query:
            names = ", ".join(sorted(url.query))
            raise ValueError(
                f"has options that a SQLite file can't have here: {names}. Extauth has to write. Remove them."
            )
        return url.set(drivername="sqlite")
    raise ValueError("must begin with sqlite:/// and name a file, or begin with postgresql://.")


def _libpq_options(url: URL) -> dict[str, str | tuple[str, ...]]:
    """Return the options in an address that libpq gets. Raises ValueError for any other.

    `verify-full` trusts the authorities that the system trusts, unless the operator has a file of authorities. It's
    also what `sslrootcert=system` alone means. `verify-ca` never does, because it doesn't check the host.
    """
    from psycopg.pq import Conninfo  # noqa: PLC0415 (needed only for PostgreSQL)

    options = {name: value for name, value in url.query.items() if name not in _POOLERS_OPTIONS}
    known = {option.keyword.decode() for option in Conninfo.get_defaults()} - _INSTEAD.keys()
    for name in sorted(options.keys() - known):
        instead = _INSTEAD.get(name, "Remove it")
        raise ValueError(f"has an option that PostgreSQL doesn't know, or that can't be there: {name}. {instead}.")
    own = Path("~/.postgresql/root.crt").expanduser()
    root = options.get("sslrootcert") or os.environ.get("PGSSLROOTCERT") or (str(own) if own.exists() else "system")
    mode = options.get("sslmode", "verify-full" if options.get("sslrootcert") == "system" else None)
    if mode == "verify-full" and root == "system":
        # Without a mode, libpq would demand TLS only for the word `system`.
        options["sslmode"] = mode
        options["sslrootcert"] = next((path for path in TRUSTED if Path(path).exists()), "system")
    return options


def describe(value: str) -> str:
    """Return the name of an address's database, without the password."""
    url = database_url(value)
    if url.drivername == "sqlite":
        return str(Path(str(url.database)).absolute())
    return f"{url.database} on {url.host or 'localhost'}{f':{url.port}' if url.port else ''}"
