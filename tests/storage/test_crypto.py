"""What is encrypted is readable with the keys that are left, for its own purpose only, and whole or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from bot.storage.crypto import Vault

OLD, NEW, OTHER = b"o" * 32, b"n" * 32, b"x" * 32
SECRET = SecretStr("xoxb-a-token")


def opened(vault: Vault, text: object, purpose: str = "installation") -> str | None:
    found = vault.box(purpose).decrypt(text)
    return None if found is None else found.get_secret_value()


@given(st.text())
def test_every_text_comes_back_and_is_not_in_what_is_kept(text: str) -> None:
    kept = Vault([OLD]).box("installation").encrypt(SecretStr(text))
    assert opened(Vault([OLD]), kept) == text
    assert len(text) < 12 or text not in kept


def test_another_key_or_another_purpose_reads_nothing() -> None:
    kept = Vault([OLD]).box("installation").encrypt(SECRET)
    assert opened(Vault([OTHER]), kept) is None
    assert opened(Vault([OLD]), kept, "batch") is None


@given(st.one_of(st.none(), st.integers(), st.text(st.characters())))
def test_text_that_nobody_encrypted_reads_as_nothing(text: object) -> None:
    assert opened(Vault([OLD]), text) is None


def test_a_changed_ciphertext_reads_as_nothing() -> None:
    kept = Vault([OLD]).box("installation").encrypt(SECRET)
    for place in range(0, len(kept) - 2, 7):
        changed = kept[:place] + ("A" if kept[place] != "A" else "B") + kept[place + 1 :]
        assert opened(Vault([OLD]), changed) is None


def test_a_new_key_encrypts_and_an_old_one_only_reads() -> None:
    before = Vault([OLD]).box("installation").encrypt(SECRET)
    both = Vault([NEW, OLD]).box("installation")
    assert opened(Vault([NEW, OLD]), before) == "xoxb-a-token"
    assert not both.is_current(before)
    renewed = both.renew(before)
    assert both.is_current(renewed)
    assert opened(Vault([NEW]), renewed) == "xoxb-a-token"
    assert opened(Vault([OLD]), renewed) is None
    assert Vault([OTHER]).box("installation").renew(before) is None


def test_a_vault_needs_a_key() -> None:
    with pytest.raises(ValueError, match="needs a key"):
        Vault([])
