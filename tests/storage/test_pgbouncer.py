"""A PostgreSQL behind PgBouncer, as platforms rent it out: each transaction may get another session."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import pytest

from bot.audit.entries import Filters
from bot.audit.log import DuplicateInteraction
from tests.audit_log import GET, came, checked, configured, open_audit_log, write
from tests.databases import POSTGRES, new_database, started_database
from tests.installing import free_port
from tests.manual_clock import ManualClock

pytestmark = pytest.mark.process

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
CONFIGURED = """
[databases]
* = host={host} port={server_port} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = {sessions}
"""


@asynccontextmanager
async def behind_pgbouncer(url: str, mode: str, folder: Path, more: str = "", options: str = "") -> AsyncIterator[str]:
    """The address of the same database behind a PgBouncer in a mode, with `more` settings.

    With `options`, an address that has them is tried until it answers.
    """
    if PGBOUNCER is None:
        pytest.skip("needs Debian's pgbouncer")
    server, port = POSTGRES.rsplit("@", 1)[1].split("/")[0], free_port()
    host, _, server_port = server.partition(":")
    user = POSTGRES.split("//")[1].split("@")[0].split(":")[0]
    # In session mode, each connection has one to itself.
    sessions = 3 if mode == "transaction" else 40
    # PgBouncer doesn't run as root.
    folder.chmod(0o777)  # noqa: ASYNC240
    written = folder / "pgbouncer.ini"
    written.write_text(
        CONFIGURED.format(
            host=host, server_port=server_port or 5432, user=user, port=port, mode=mode, sessions=sessions
        )
        + more
    )
    command = [PGBOUNCER, *(["-u", "nobody"] if os.geteuid() == 0 else []), str(written)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)  # noqa: ASYNC220
    address = f"postgresql://{user}@127.0.0.1:{port}/{url.rsplit('/', 1)[1]}"
    try:
        async with asyncio.timeout(20):
            while True:
                with suppress(OSError, asyncpg.PostgresError):
                    await (await asyncpg.connect(f"{address}?{options}", statement_cache_size=0)).close()
                    break
                await asyncio.sleep(0.1)
        yield address
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait)


@pytest.mark.parametrize("mode", ["session", "transaction"])
async def test_the_log_is_kept_behind_pgbouncer(mode: str, tmp_path: Path) -> None:
    async with (
        started_database("postgresql", tmp_path) as url,
        behind_pgbouncer(url, mode, tmp_path) as address,
        open_audit_log(configured(address), ManualClock()) as audit,
        open_audit_log(configured(address), ManualClock()) as other,
    ):
        await asyncio.gather(*(write(log, 20) for log in (audit, other) for _ in range(3)))
        await audit.attempt(came("U7"), GET)
        with pytest.raises(DuplicateInteraction):
            await other.attempt(came("U7"), GET)
        found = await asyncio.gather(*(audit.newest(5, Filters(team_id="T1")) for _ in range(30)))
        assert {len(entries) for entries in found} == {5}
        assert (await checked(audit))[0] == 2 * 3 * 20 + 2


async def test_a_start_makes_the_tables_behind_pgbouncer(tmp_path: Path) -> None:
    async with (
        new_database("postgresql", tmp_path) as url,
        behind_pgbouncer(url, "transaction", tmp_path) as address,
        open_audit_log(configured(address), ManualClock()) as audit,
    ):
        await write(audit, 1)
        assert (await checked(audit))[2] is None
