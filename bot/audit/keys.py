"""The key that proves the audit log and turns tokens into fingerprints."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

from pydantic import SecretStr
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.engine import DatabaseError
from bot.storage.tables import installation_keys

_MADE_HERE = "master"
_CHECK = "check"


@dataclass(frozen=True, slots=True)
class AuditKey:
    """Two keys derived from one: neither use reveals anything about the other."""

    _master: bytes = field(repr=False)

    def of_chain(self, text: bytes) -> str:
        """Return the hash that a row carries: 64 hexadecimal digits."""
        return self._hmac("extauth audit chain", text)

    def of_token(self, token: SecretStr) -> str:
        """Return the fingerprint of a token: 64 hexadecimal digits."""
        return self._hmac("extauth token fingerprint", token.get_secret_value().encode())

    def check(self) -> str:
        """Return what tells this key from another, and nothing else."""
        return self._hmac("extauth key check", b"")

    def _hmac(self, purpose: str, text: bytes) -> str:
        derived = hmac.digest(self._master, purpose.encode(), hashlib.sha256)
        return hmac.new(derived, text, hashlib.sha256).hexdigest()


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
