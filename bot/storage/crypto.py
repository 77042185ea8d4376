"""Encryption of the database's secrets, under keys that can be changed."""

import base64
import hashlib
import hmac
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr


class Box:
    """An encryptor for one kind of text. It can't decrypt another box's text.

    The first key encrypts; the others only decrypt older text. A person who can write to the database can move
    encrypted text to another row. If that matters, store the row's ID inside the text, and compare both on reading.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        fernets = [Fernet(base64.urlsafe_b64encode(key)) for key in keys]
        self._newest, self._all = fernets[0], MultiFernet(fernets)

    def encrypt(self, text: SecretStr) -> str:
        """Encrypt a text with the newest key."""
        return self._newest.encrypt(text.get_secret_value().encode()).decode()

    def decrypt(self, text: object) -> SecretStr | None:
        """Return the decrypted text; None if none of the keys encrypted it."""
        return _decrypt(self._all, text)

    def is_current(self, text: object) -> bool:
        """Return whether the newest key encrypted a text, so that the older keys aren't needed."""
        return _decrypt(self._newest, text) is not None

    def renew(self, text: object) -> str | None:
        """Return the same text under the newest key; None if none of the keys encrypted it."""
        opened = self.decrypt(text)
        return None if opened is None else self.encrypt(opened)


class Vault:
    """A source of boxes, one for each purpose, derived from the operator's keys, the newest first.

    No box's key reveals anything about another box's key, or about the operator's keys.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise ValueError("a vault needs a key")
        self._keys = tuple(keys)

    def box(self, purpose: str) -> Box:
        """Return the box for a purpose, such as `installation`."""
        return Box([derive(key, f"extauth {purpose}") for key in self._keys])


def derive(master: bytes, use: str) -> bytes:
    return hmac.digest(master, use.encode(), hashlib.sha256)


def _decrypt(fernet: Fernet | MultiFernet, text: object) -> SecretStr | None:
    try:
        return SecretStr(fernet.decrypt(str(text).encode(errors="surrogatepass")).decode())
    except (InvalidToken, UnicodeDecodeError):
        return None
