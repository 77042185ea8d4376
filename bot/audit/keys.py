"""The key that authenticates the audit log and turns tokens into fingerprints.

The key is random, and stored in the database, encrypted under EXTAUTH_SECRET_KEY. An operator can therefore change
EXTAUTH_SECRET_KEY without invalidating older signatures.
"""

import functools
import hashlib
import hmac
import json
import secrets
from collections.abc import Sequence

from pydantic import SecretStr
from sqlalchemy import Connection, insert, select

from bot.storage.crypto import Vault, derive
from bot.storage.engine import DatabaseError
from bot.storage.key_rotation import WRAPPED
from bot.storage.tables import installation_keys

FINGERPRINT = "token fingerprint"
"""The use of the MAC that recognizes a token without revealing anything else about the token."""


class AuditKey:
    """Keys derived from one master key, so that none reveals anything about the others.

    `vault` encrypts the rest of the database's secrets.
    """

    def __init__(self, master: bytes, vault: Vault) -> None:
        self.master = master
        self.vault = vault
        self._derived = functools.cache(lambda use: derive(master, f"extauth {use}"))

    def mac(self, use: str, value: object) -> str:
        """Return the MAC of a JSON value for one use, such as `chain`, as 64 hexadecimal digits.

        Raises TypeError, ValueError.
        """
        text = json.dumps(value, sort_keys=True, separators=(",", ":"))
        return hmac.digest(self._derived(use), text.encode(), hashlib.sha256).hex()


def is_equal(stored: object, expected: str) -> bool:
    """Compare a stored value of any type with a hash or MAC, in constant time."""
    return hmac.compare_digest(str(stored).encode(errors="surrogatepass"), expected.encode())


def new_key(connection: Connection, given: Sequence[SecretStr]) -> AuditKey:
    """Create the key of a new log, and store it encrypted under the newest `given` key."""
    key = AuditKey(secrets.token_bytes(32), vault_of(given))
    wrapped = key.vault.box(WRAPPED).encrypt(SecretStr(key.master.hex()))
    connection.execute(insert(installation_keys).values(name=WRAPPED, value=wrapped))
    return key


def load_key(connection: Connection, given: Sequence[SecretStr]) -> AuditKey:
    """Return the key that the log was written with. Raises DatabaseError if no `given` key decrypts it."""
    kept = select(installation_keys.c.value).where(installation_keys.c.name == WRAPPED)
    vault = vault_of(given)
    opened = vault.box(WRAPPED).decrypt(connection.execute(kept).scalar())
    if opened is None:
        raise DatabaseError("EXTAUTH_SECRET_KEY is not the one that the audit log was written with.")
    return AuditKey(bytes.fromhex(opened.get_secret_value()), vault)


def vault_of(given: Sequence[SecretStr]) -> Vault:
    """Return the vault for the operator's keys, which are given newest first."""
    return Vault([one.get_secret_value().encode() for one in given])
