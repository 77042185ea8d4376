"""The key that proves the audit log and turns tokens into fingerprints, and where it comes from."""

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence

from pydantic import SecretStr
from sqlalchemy import insert, select

from bot.storage.crypto import Vault, derive
from bot.storage.database import DatabaseError, Transaction
from bot.storage.tables import installation_keys

MADE_HERE = "master"
"""The name under which the database holds a key that Extauth made itself."""
WRAPPED = "wrapped"
"""The name under which it holds the log's key encrypted, once `extauth keys rotate` has run."""
CHECK = "check"
"""The name under which it holds what tells the log's key from another."""
WRAPPING = "audit log key"
"""The purpose of the box that encrypts the log's key."""


class AuditKey:
    """Keys derived from one master key: no use of one reveals anything about the others.

    `vault` encrypts what the database holds, under keys that can be changed; `addresses` where to reply, `batches` what
    a batch holds.
    """

    def __init__(self, master: bytes, vault: Vault | None = None) -> None:
        self.master = master
        self.vault = vault or Vault([master])
        self._chain = derive(master, "extauth audit chain of a workspace")
        self._single_chain = derive(master, "extauth audit chain 0.2")
        self._old_chain = derive(master, "extauth audit chain")
        self._head = derive(master, "extauth audit head")
        self._root = derive(master, "extauth audit root")
        self._checkpoint = derive(master, "extauth audit checkpoint")
        self._verified = derive(master, "extauth audit verified")
        self._fingerprint = derive(master, "extauth token fingerprint")
        self._check = derive(master, "extauth key check")
        self.addresses = self.vault.box("reply address")
        self.batches = self.vault.box("batch")

    def of_chain(self, text: bytes) -> str:
        """Return the hash that a row carries: 64 hexadecimal digits."""
        return _hmac(self._chain, text)

    def of_single_chain(self, text: bytes) -> str:
        """Return the hash that a row carries from when all workspaces shared a chain: nothing new gets one."""
        return _hmac(self._single_chain, text)

    def of_old_chain(self, text: bytes) -> str:
        """Return the hash that a row of version 0.1 carries: nothing new gets one."""
        return _hmac(self._old_chain, text)

    def of_head(self, text: bytes) -> str:
        """Return the MAC that a head carries."""
        return _hmac(self._head, text)

    def of_root(self, text: bytes) -> str:
        """Return the MAC that the count of chains carries."""
        return _hmac(self._root, text)

    def of_checkpoint(self, text: bytes) -> str:
        """Return the MAC that a checkpoint carries."""
        return _hmac(self._checkpoint, text)

    def of_verified(self, text: bytes) -> str:
        """Return the MAC that a note of a verification carries."""
        return _hmac(self._verified, text)

    def of_token(self, token: SecretStr) -> str:
        """Return the fingerprint of a token."""
        return _hmac(self._fingerprint, token.get_secret_value().encode())

    def check(self) -> str:
        """Return what tells this key from another, and nothing else."""
        return _hmac(self._check, b"")


_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


def canonical(value: object) -> bytes:
    """Return the one form of a value, of JSON's types, that is hashed or signed. Raises TypeError, ValueError."""
    return _encode(value).encode()


def is_equal(stored: object, expected: str) -> bool:
    """Compare what a database holds, whatever it is, with a hash or MAC in constant time."""
    return hmac.compare_digest(str(stored).encode(errors="surrogatepass"), expected.encode())


def _hmac(key: bytes, text: bytes) -> str:
    return hmac.digest(key, text, hashlib.sha256).hex()


async def load_key(transaction: Transaction, given: Sequence[SecretStr], *, creates: bool) -> AuditKey:
    """Return the key that the log was written with. A new log gets the newest `given` key, or one made here.

    Only one that `creates` notes it. Call it in the transaction that migrated the tables, so that processes starting
    together agree on one key. Raises DatabaseError when there is none, or when no given key fits.
    """
    rows = await transaction.execute(select(installation_keys.c.name, installation_keys.c.value))
    kept: dict[str, str] = {row.name: row.value for row in rows}
    if given:
        key = _fitting([one.get_secret_value().encode() for one in given], kept)
    elif MADE_HERE in kept:
        key = _fitting([_made_here(kept)], kept)
    elif CHECK in kept or not creates:
        raise DatabaseError("EXTAUTH_SECRET_KEY is not set, but the records were made with one: set it again.")
    else:
        master = secrets.token_hex(32)
        key = AuditKey(bytes.fromhex(master))
        await transaction.execute(insert(installation_keys).values(name=MADE_HERE, value=master))
    if CHECK not in kept and creates:
        await transaction.execute(insert(installation_keys).values(name=CHECK, value=key.check()))
    return key


def _fitting(keys: Sequence[bytes], kept: Mapping[str, str]) -> AuditKey:
    """Return the key of the log: encrypted under one of the keys, or else one of them itself. Raises DatabaseError."""
    vault = Vault(keys)
    if WRAPPED in kept:
        opened = vault.box(WRAPPING).decrypt(kept[WRAPPED])
        masters = [] if opened is None else [bytes.fromhex(opened.get_secret_value())]
    else:
        masters = [*keys]
    for master in masters:
        key = AuditKey(master, vault)
        if CHECK not in kept or is_equal(kept[CHECK], key.check()):
            return key
    hint = (
        " If the key has been in the database so far, run `extauth keys rotate --from-database`."
        if MADE_HERE in kept
        else ""
    )
    raise DatabaseError(f"EXTAUTH_SECRET_KEY is not the one that the records were made with.{hint}")


def _made_here(kept: Mapping[str, str]) -> bytes:
    try:
        return bytes.fromhex(kept[MADE_HERE])
    except ValueError:
        raise DatabaseError("the key in it was altered: put back a copy of the database") from None
