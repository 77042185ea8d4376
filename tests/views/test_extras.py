"""What a provider sends beside the token is shown only under a harmless name, and where it holds no secret."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.views.extras import HARMLESS, HIDDEN, extras_block

TOKEN = "ya29.A0ARrdaM-keep-this-to-yourself-k3J9xQ"


def shown(key: str, value: object) -> tuple[str, str]:
    """Return the list's line about one field."""
    block = extras_block({key: value}, TOKEN)
    texts = [leaf["text"] for leaf in block["elements"][1]["elements"][0]["elements"]]
    return texts[0], texts[2]


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("token_type", "Bearer", "Bearer"),
        ("scope", "openid email profile", "openid email profile"),
        ("scope", "https://www.googleapis.com/auth/drive.readonly", "https://www.googleapis.com/auth/drive.readonly"),
        ("scope", "read:jira-work, offline_access", "read:jira-work, offline_access"),
        ("expires_in", 3599, "3599"),
        ("created_at", "2026-11-30T12:00:00", "2026-11-30T12:00:00"),
        ("instance_url", "https://na139.my.salesforce.com", "https://na139.my.salesforce.com"),
        ("email", "ada.lovelace1815@example.com", "ada.lovelace1815@example.com"),
        ("user_id", "U012ABCDEF", "U012ABCDEF"),
        ("email_verified", True, "true"),
        ("name", "Ada Lovelace", "Ada Lovelace"),
        ("scopes", ["repo", "user"], '["repo", "user"]'),
        ("team", {"id": "T012ABCDEF", "name": "One"}, '{"id": "T012ABCDEF", "name": "One"}'),
        ("name", "", "(empty)"),
    ],
)
def test_a_harmless_extra_is_shown(key: str, value: object, said: str) -> None:
    assert shown(key, value) == (key, said)


SECRETS = [
    "https://hooks.slack.com/services/T012ABCDEF/B012ABCDEF/abcdefghijklmnopqrstuvwx",
    "https://discord.com/api/webhooks/112233445566778899/AbCdEfGhIjKlMnOpQrStUvWxYz-0123456789",
    "https://user:hunter2@example.com",
    "https://example.com/?access_token=abc",
    "https://example.com/x#code=abc",
    *("xoxb-1-2-abcdefgh", "AKIAIOSFODNN7EXAMPLE", "sk-proj-abcdefghijklmnop", "ghp_abcdefgh12345678"),
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA",
    *("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "bearer abcdefgh12345678"),
    *("9f86d081884c7d659a2feaa0c55ad015", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "Zm9vYmFyYmF6cXV4Y29ycmVjdA=="),
    *("aB3xY9aB3xY9aB3xY9", "abcdefghijklmnopqrstuvwxyzabcdef", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "p4ssw0rd!", "a" * 5000),
    *(TOKEN, TOKEN[3:30]),
]


@pytest.mark.parametrize("key", ["scope", "name", "id", "instance_url", "site"])
@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_under_a_harmless_name_is_hidden(key: str, secret: str) -> None:
    for value in (secret, [secret], f"read {secret} write", {"name": secret}):
        assert secret[:12] not in shown(key, value)[1]
        assert HIDDEN in shown(key, value)[1]


@pytest.mark.parametrize(
    "key", ["access_token", "clientSecret", "PASSWORD", "api_key", "code", "note", "webhook", "pin"]
)
@pytest.mark.parametrize("value", ["abcd", 1234, ["abcd"], {"abcd": "abcd"}])
def test_an_extra_of_an_unknown_name_is_hidden(key: str, value: object) -> None:
    name, said = shown(key, value)
    assert name == key
    assert "1234" not in said
    assert '"abcd"' not in said.replace('{"abcd"', "")


@pytest.mark.parametrize("key", [*SECRETS, "a1b2c3d4e5f6g7h8i9j0", "<b>", "*bold*"])
def test_a_name_that_may_be_a_secret_is_hidden(key: str) -> None:
    assert shown(key, "x") == (HIDDEN, HIDDEN)
    assert key[:12] not in shown("team", {key: {"name": "One"}})[1]


@given(
    st.sampled_from(sorted(HARMLESS)),
    st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+/=", min_size=24, max_size=200),
)
def test_no_long_random_text_is_shown(key: str, text: str) -> None:
    said = json.dumps(shown(key, text)[1])
    letters = {character for character in text if character.isalpha()}
    digits = sum(character.isdigit() for character in text)
    if digits > 16 and len(letters) > 6:
        assert text[:20] not in said
