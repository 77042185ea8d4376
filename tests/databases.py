"""The databases that tests of the audit log run on: a SQLite file, and a PostgreSQL where one answers."""

import os
import secrets
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import pytest

from tests.audit_log import KEY, configured, open_audit_log
from tests.manual_clock import ManualClock

POSTGRES = os.environ.get("EXTAUTH_TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/test")
DATABASES = ["sqlite", "postgresql"]

_EACH_TABLE = """
DO $$ DECLARE name text; BEGIN
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE format('{}', name);
  END LOOP;
END $$
"""
_DROP = """
DO $$ DECLARE name text; BEGIN
  EXECUTE format('ALTER DATABASE %I RESET ALL', current_database());
  FOR name IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_|^information_schema$' LOOP
    EXECUTE format('DROP SCHEMA %I CASCADE', name);
  END LOOP;
END $$;
CREATE SCHEMA public; GRANT ALL ON SCHEMA public TO PUBLIC
"""
_KEEP = "CREATE SCHEMA started;" + _EACH_TABLE.format("CREATE TABLE started.%1$I AS TABLE public.%1$I")
_PUT_BACK = _EACH_TABLE.format("DELETE FROM public.%1$I; INSERT INTO public.%1$I TABLE started.%1$I")
_END_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_SHAPE = """
SELECT md5(string_agg(concat_ws(' ', c.oid, c.xmin, attnum, a.xmin), ',' ORDER BY c.oid, attnum)
    || (SELECT string_agg(nspname, ',' ORDER BY nspname) FROM pg_namespace WHERE nspname !~ '^pg_'))
FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid WHERE relnamespace = 'public'::regnamespace
"""
"""Another one after any change of a table, a column, an index, or the schemas."""

_emptied: list[str] = []
"""Databases of this process that nobody uses now."""
_started: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
"""Those on which a bot with this key has started, and their shape."""
_files: dict[str, bytes] = {}
"""The content of a SQLite file on which a bot with this key has started."""


@asynccontextmanager
async def new_database(kind: str, folder: Path) -> AsyncIterator[str]:
    """The address of an empty database, gone afterwards. Skips the test where no PostgreSQL answers."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/audit.db"
        return
    name = await _take_empty()
    try:
        yield _address(name)
    finally:
        await _empty(name)


@asynccontextmanager
async def started_database(kind: str, folder: Path, key: str = KEY) -> AsyncIterator[str]:
    """The same once a bot with this `EXTAUTH_SECRET_KEY` has started on it: it has its tables and nothing in the log.

    To make them anew for each test would cost more than most tests do.
    """
    if kind == "sqlite":
        url = f"sqlite:///{folder}/audit.db"
        await start_file(url, key)
        yield url
        return
    name, shape = _started[key].pop() if _started[key] else await _start(key)
    try:
        yield _address(name)
    finally:
        # The server may have been restarted in between.
        inside = await _connect(name)
        await inside.execute(_END_OTHERS)
        is_as_made = await inside.fetchval(_SHAPE) == shape
        if is_as_made:
            await inside.execute(_PUT_BACK)
            _started[key].append((name, shape))
        await inside.close()
        if not is_as_made:
            await _empty(name)


def is_new_file(url: str) -> bool:
    """Return whether it's a SQLite file that is still to be made."""
    kind, _, file = url.partition(":///")
    return kind == "sqlite" and not Path(file).exists()


async def start_file(url: str, key: str = KEY) -> None:
    """Make a SQLite file what it is once a bot with this `EXTAUTH_SECRET_KEY` has started."""
    if key not in _files:
        with TemporaryDirectory() as folder:
            made = Path(folder) / "made.db"
            async with open_audit_log(configured(f"sqlite:///{made}", EXTAUTH_SECRET_KEY=key), ManualClock()):
                pass
            _files[key] = made.read_bytes()
    with open(url.removeprefix("sqlite:///"), "xb", opener=_for_its_owner) as file:  # noqa: ASYNC230
        file.write(_files[key])


def _for_its_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


@asynccontextmanager
async def restarted(url: str) -> AsyncIterator[None]:
    """Restart one database, as the PostgreSQL server's restart would: it is away while the block runs."""
    name, server = url.rsplit("/", 1)[1], await asyncpg.connect(POSTGRES)
    try:
        await server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        await server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
        yield
    finally:
        await server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        await server.close()


async def drop_databases() -> None:
    """Drop what was created here."""
    for name in [*_emptied, *(name for pool in _started.values() for name, _ in pool)]:
        server = await asyncpg.connect(POSTGRES)
        await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await server.close()


async def _connect(name: str) -> asyncpg.Connection:
    """Connect to one of the databases, which a busy machine may take long for."""
    return await asyncpg.connect(_address(name), timeout=30)


def _address(name: str) -> str:
    return POSTGRES.rsplit("/", 1)[0] + f"/{name}"


async def _take_empty() -> str:
    if _emptied:
        return _emptied.pop()
    try:
        server = await asyncpg.connect(POSTGRES, timeout=30)
    except (OSError, TimeoutError, asyncpg.PostgresError):
        pytest.skip("no PostgreSQL answers (127.0.0.1:5432, or EXTAUTH_TEST_POSTGRES_URL)")
    name = f"extauth_{secrets.token_hex(6)}"
    await server.execute(f"CREATE DATABASE {name}")
    # What is committed outlives every process that a test kills; no test takes the power away.
    await server.execute(f"ALTER DATABASE {name} SET synchronous_commit TO off")
    await server.close()
    return name


async def _start(key: str) -> tuple[str, str]:
    """Make a database, have a bot start on it, and keep aside what is in it then; its name and its shape."""
    name = await _take_empty()
    async with open_audit_log(configured(_address(name), EXTAUTH_SECRET_KEY=key), ManualClock()):
        pass
    inside = await _connect(name)
    await inside.execute(_KEEP)
    shape: str = await inside.fetchval(_SHAPE)
    await inside.close()
    return name, shape


async def _empty(name: str) -> None:
    """Take out whatever is in it, and whoever: a new one would cost hundreds of files."""
    # The server may have been restarted in between.
    inside = await _connect(name)
    await inside.execute(_END_OTHERS)
    await inside.execute(_DROP)
    await inside.close()
    _emptied.append(name)
