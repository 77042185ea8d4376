"""The note of the last verification, which who watches the log can trust."""

from pathlib import Path

import pytest

from bot.audit.entries import VerificationResult
from bot.audit.keys import AuditKey
from bot.audit.verify import Verified
from bot.storage.crypto import Vault
from tests.audit_log import change, configured, open_audit_log, write
from tests.databases import DATABASES, started_database
from tests.manual_clock import ManualClock

INTACT, ALTERED = VerificationResult(3, 6), VerificationResult(0, 1, "Row 2 was altered.")


@pytest.mark.parametrize("kind", DATABASES)
async def test_the_last_verification_is_known_to_who_reads_the_status(kind: str, tmp_path: Path) -> None:
    clock = ManualClock()
    async with started_database(kind, tmp_path) as url, open_audit_log(configured(url), clock) as audit:
        await write(audit)
        assert await audit.status() == (4, None)
        await audit.note_verified(INTACT)
        assert await audit.status() == (4, Verified(int(clock.now()), 6, True))
        clock.advance(60)
        await audit.note_verified(ALTERED)
        assert await audit.status() == (4, Verified(int(clock.now()), 1, False))
        await change(url, "UPDATE installation_keys SET value = replace(value, 'altered', 'intact')")
        assert await audit.status() == (4, None), "only who has the key can note one"


@pytest.mark.parametrize("text", ["", "1 2 intact", f"1 2 intact {'0' * 64}", f"x 2 intact {'0' * 64}"])
def test_what_the_key_did_not_write_is_not_read(text: str) -> None:
    assert Verified.read(text, AuditKey(b"k" * 32, Vault([b"k" * 32]))) is None


def test_a_note_fits_the_column_and_is_read_as_it_was() -> None:
    key = AuditKey(b"k" * 32, Vault([b"k" * 32]))
    longest = Verified(999_999_999_999, 10**18 - 1, False)
    assert len(longest.write(key)) <= 128
    assert Verified.read(longest.write(key), key) == longest
