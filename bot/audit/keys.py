"""The key that proves the audit log and turns tokens into fingerprints."""

import hashlib
import hmac
import secrets

from pydantic import SecretStr
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.engine import DatabaseError
from bot.storage.tables import installation_keys

_MADE_HERE = "master"
_CHECK = "check"


class AuditKey:
    """Keys derived from one master key: no use of one reveals anything about the others."""

    def __init__(self, master: bytes) -> None:
        self._chain = _derive(master, "extauth audit chain")
        self._fingerprint = _derive(master, "extauth token fingerprint")
        self._check = _derive(master, "extauth key check")

    def of_chain(self, text: bytes) -> str:
        """Return the hash that a row carries: 64 hexadecimal digits."""
        return hmac.digest(self._chain, text, hashlib.sha256).hex()

    def of_token(self, token: SecretStr) -> str:
        """Return the fingerprint of a token: 64 hexadecimal digits."""
        return hmac.digest(self._fingerprint, token.get_secret_value().encode(), hashlib.sha256).hex()

    def check(self) -> str:
        """Return what tells this key from another, and nothing else."""
        return hmac.digest(self._check, b"", hashlib.sha256).hex()


def _derive(master: bytes, use: str) -> bytes:
    return hmac.digest(master, use.encode(), hashlib.sha256)


async def load_key(connection: AsyncConnection, given: SecretStr | None) -> AuditKey:
    """Return the key that was given, or the one in the database, which the first start makes.

    Call it in the transaction that migrated the tables, so that processes starting together agree on one key. Raises
    DatabaseError when the given key isn't the one that the log was written with.
    """
    rows = await connection.execute(select(installation_keys.c.name, installation_keys.c.value))
    kept: dict[str, str] = {row.name: row.value for row in rows}
    if given is not None:
        key = AuditKey(given.get_secret_value().encode())
    else:
        if _MADE_HERE not in kept and _CHECK in kept:
            raise DatabaseError("EXTAUTH_SECRET_KEY is not set, but the records were made with one: set it again.")
        master = kept.get(_MADE_HERE) or secrets.token_hex(32)
        key = AuditKey(bytes.fromhex(master))
        if _MADE_HERE not in kept:
            await connection.execute(insert(installation_keys).values(name=_MADE_HERE, value=master))
    if _CHECK not in kept:
        await connection.execute(insert(installation_keys).values(name=_CHECK, value=key.check()))
    elif not hmac.compare_digest(kept[_CHECK], key.check()):
        raise DatabaseError("EXTAUTH_SECRET_KEY is not the one that the records were made with.")
    return key
