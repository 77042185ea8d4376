"""A PostgreSQL over TLS with a private authority, in every mode that an address can ask for."""

from pathlib import Path

import pytest

from bot.check.database import check_database
from bot.check.finding import Status
from tests.audit_log import configured, open_audit_log, write
from tests.databases import new_database
from tests.manual_clock import ManualClock
from tests.server.test_nginx import write_certificate
from tests.storage.test_pgbouncer import behind_pgbouncer

pytestmark = pytest.mark.process

TLS = """
client_tls_sslmode = {mode}
client_tls_key_file = {folder}/extauth.key
client_tls_cert_file = {folder}/extauth.pem
"""


@pytest.mark.parametrize(
    ("options", "works"),
    [
        ("sslmode=disable", False),
        ("sslmode=allow", True),
        ("sslmode=prefer", True),
        ("sslmode=require", True),
        ("sslmode=verify-ca&sslrootcert={own}", True),
        ("sslmode=verify-full&sslrootcert={own}", True),
        ("sslmode=verify-full&sslrootcert={own}&channel_binding=prefer&application_name=x&connect_timeout=5", True),
        ("sslmode=require&target_session_attrs=read-write", True),
        ("sslmode=verify-full&sslrootcert=system", False),
        ("sslmode=verify-full", False),
        ("sslrootcert=system", False),
    ],
)
async def test_each_mode_does_what_it_says(options: str, works: bool, tmp_path: Path) -> None:
    write_certificate(tmp_path)
    (tmp_path / "extauth.key").chmod(0o644)  # PgBouncer doesn't run as root
    more = TLS.format(mode="require", folder=tmp_path)
    async with (
        new_database("postgresql", tmp_path) as url,
        behind_pgbouncer(url, "transaction", tmp_path, more, "sslmode=require") as address,
    ):
        settings = configured(f"{address}?{options.format(own=tmp_path / 'extauth.pem')}")
        if works:
            async with open_audit_log(settings, ManualClock()) as audit:
                await write(audit, 1)
            return
        (finding, *_) = await check_database(settings)
    assert finding.status is Status.PROBLEM
    wanted = (
        "isn't from an authority that this machine trusts"
        if "verify" in options or "system" in options
        else "can't be used"
    )
    assert wanted in finding.says or "SSL" in finding.says
