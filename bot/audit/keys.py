"""The key that proves the audit log, turns tokens into fingerprints, and encrypts what is kept for a while."""

import base64
import hashlib
import hmac
import json
import secrets

from cryptography.fernet import Fernet, InvalidToken
from pydantic import SecretStr
from sqlalchemy import insert, select

from bot.storage.database import DatabaseError, Transaction
from bot.storage.tables import installation_keys

MADE_HERE = "master"
"""The name under which the database holds a key that Extauth made itself."""
_CHECK = "check"


class Box:
    """Encrypts one kind of text: what another box encrypted, or nobody did, can't be read with it."""

    def __init__(self, key: bytes) -> None:
        self._fernet = Fernet(base64.urlsafe_b64encode(key))

    def encrypt(self, text: SecretStr) -> str:
        """Return the text, readable only with this key."""
        return self._fernet.encrypt(text.get_secret_value().encode()).decode()

    def decrypt(self, text: object) -> SecretStr | None:
        """Return what was encrypted; None for what this key didn't encrypt."""
        try:
            return SecretStr(self._fernet.decrypt(str(text).encode()).decode())
        except InvalidToken:
            return None


class AuditKey:
    """Keys derived from one master key: no use of one reveals anything about the others.

    `addresses` encrypts where to reply, `batches` what a batch holds.
    """

    def __init__(self, master: bytes) -> None:
        self._chain = _derive(master, "extauth audit chain of a workspace")
        self._single_chain = _derive(master, "extauth audit chain 0.2")
        self._old_chain = _derive(master, "extauth audit chain")
        self._head = _derive(master, "extauth audit head")
        self._root = _derive(master, "extauth audit root")
        self._checkpoint = _derive(master, "extauth audit checkpoint")
        self._verified = _derive(master, "extauth audit verified")
        self._fingerprint = _derive(master, "extauth token fingerprint")
        self._check = _derive(master, "extauth key check")
        self.addresses = Box(_derive(master, "extauth reply address"))
        self.batches = Box(_derive(master, "extauth batch"))

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


def _derive(master: bytes, use: str) -> bytes:
    return hmac.digest(master, use.encode(), hashlib.sha256)


def _hmac(key: bytes, text: bytes) -> str:
    return hmac.digest(key, text, hashlib.sha256).hex()


async def load_key(transaction: Transaction, given: SecretStr | None, *, creates: bool) -> AuditKey:
    """Return the key that was given, or the one in the database, which the first start makes if it `creates`.

    Call it in the transaction that migrated the tables, so that processes starting together agree on one key. Raises
    DatabaseError when there is none, or when the given key isn't the one that the log was written with.
    """
    rows = await transaction.execute(select(installation_keys.c.name, installation_keys.c.value))
    kept: dict[str, str] = {row.name: row.value for row in rows}
    if given is not None:
        key = AuditKey(given.get_secret_value().encode())
    elif MADE_HERE in kept:
        try:
            key = AuditKey(bytes.fromhex(kept[MADE_HERE]))
        except ValueError:
            raise DatabaseError("the key in it was altered: put back a copy of the database") from None
    elif _CHECK in kept or not creates:
        raise DatabaseError("EXTAUTH_SECRET_KEY is not set, but the records were made with one: set it again.")
    else:
        master = secrets.token_hex(32)
        key = AuditKey(bytes.fromhex(master))
        await transaction.execute(insert(installation_keys).values(name=MADE_HERE, value=master))
    if _CHECK in kept:
        if not is_equal(kept[_CHECK], key.check()):
            raise DatabaseError("EXTAUTH_SECRET_KEY is not the one that the records were made with.")
    elif creates:
        await transaction.execute(insert(installation_keys).values(name=_CHECK, value=key.check()))
    return key
