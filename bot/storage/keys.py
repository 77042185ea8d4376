"""The installation's key: what proves the record, and turns tokens into fingerprints."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

from pydantic import SecretStr
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.storage.engine import DatabaseError, transaction
from bot.storage.tables import installation_keys

_MADE_HERE = "master"
_CHECK = "check"


@dataclass(frozen=True, slots=True)
class InstallationKey:
    """Two keys from one: neither use tells anything of the other."""

    _master: bytes = field(repr=False)

    def of_chain(self, text: bytes) -> str:
        """The hash that a record carries, 64 hexadecimal digits."""
        return self._hmac("extauth audit chain", text)

    def of_token(self, token: SecretStr) -> str:
        """The fingerprint of a token, 64 hexadecimal digits."""
        return self._hmac("extauth token fingerprint", token.get_secret_value().encode())

    def check(self) -> str:
        """What tells this key from another, and nothing else."""
        return self._hmac("extauth key check", b"")

    def _hmac(self, purpose: str, text: bytes) -> str:
        derived = hmac.digest(self._master, purpose.encode(), hashlib.sha256)
        return hmac.new(derived, text, hashlib.sha256).hexdigest()


async def installation_key(engine: AsyncEngine, given: SecretStr | None) -> InstallationKey:
    """The key that was given, or the one in the database, made at first start.

    Raises DatabaseError, also when the given key is not the one that the records were made with.
    """
    async with transaction(engine) as connection:
        rows = await connection.execute(select(installation_keys.c.name, installation_keys.c.value))
        kept: dict[str, str] = {row.name: row.value for row in rows}
        if given is not None:
            key = InstallationKey(given.get_secret_value().encode())
        else:
            if _MADE_HERE not in kept and _CHECK in kept:
                raise DatabaseError("EXTAUTH_SECRET_KEY is not set, but the records were made with one: set it again.")
            master = kept.get(_MADE_HERE) or secrets.token_hex(32)
            key = InstallationKey(bytes.fromhex(master))
            if _MADE_HERE not in kept:
                await connection.execute(insert(installation_keys).values(name=_MADE_HERE, value=master))
        if _CHECK not in kept:
            await connection.execute(insert(installation_keys).values(name=_CHECK, value=key.check()))
        elif not hmac.compare_digest(kept[_CHECK], key.check()):
            raise DatabaseError("EXTAUTH_SECRET_KEY is not the one that the records were made with.")
    return key
