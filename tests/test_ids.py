"""What people paste: wrapped IDs, and tokens where IDs belong."""

import json
import re
import time
from pathlib import Path

import mypy.api
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.ids import (
    FORMATS,
    TokenFormat,
    find_token,
    is_contact,
    is_email,
    is_id,
    quote,
    quote_word,
    redact,
    showable,
    typed_text,
    unwrap,
)
from bot.slack.mrkdwn import mention

ALNUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def tail(smallest: int, largest: int = 80, alphabet: str = ALNUM) -> st.SearchStrategy[str]:
    return st.text(alphabet=alphabet, min_size=smallest, max_size=largest)


URL_SAFE = ALNUM + "-_"
# Each as its provider documents it, written apart from the patterns under test.
TOKENS: dict[str, st.SearchStrategy[str]] = {
    "GitHub classic": st.builds(lambda kind, rest: f"gh{kind}_{rest}", st.sampled_from("oprsu"), tail(36, 36)),
    "GitHub fine-grained": tail(22, 22).map(lambda rest: f"github_pat_{rest}_{rest * 2}"),
    "GitLab": tail(20, 20, URL_SAFE).map(lambda rest: f"glpat-{rest}"),
    "Slack bot": st.builds(lambda a, b: f"xoxb-{a}-{b}", st.integers(10**10, 10**12), tail(24, 24)),
    "Slack user": st.builds(lambda a, b: f"xoxp-{a}-{a}-{b}", st.integers(10**10, 10**12), tail(32, 32)),
    "Slack rotated": tail(40, 80).map(lambda rest: f"xoxe.xoxp-1-{rest}"),
    "Slack refresh": tail(40, 80).map(lambda rest: f"xoxe-1-{rest}"),
    "Slack app": tail(40, 64).map(lambda rest: f"xapp-1-A0123-{rest}"),
    "Google access": tail(60, 200, URL_SAFE).map(lambda rest: f"ya29.a0{rest}"),
    "Google API key": tail(35, 35, URL_SAFE).map(lambda rest: f"AIza{rest}"),
    "Google refresh": tail(40, 60, URL_SAFE).map(lambda rest: f"1//0{rest}"),
    "JWT": st.builds(lambda a, b, c: f"eyJ{a}.eyJ{b}.{c}", *[tail(20, 200, URL_SAFE)] * 3),
    "JWT cut off": tail(20, 60, URL_SAFE).map(lambda rest: f"eyJ{rest}"),
    "Salesforce": st.builds(lambda a, b: f"00D{a}!{b}", tail(12, 15), tail(80, 96, ALNUM + "._")),
    "OpenAI": tail(48, 48).map(lambda rest: f"sk-{rest}"),
    "Anthropic": tail(80, 100, URL_SAFE).map(lambda rest: f"sk-ant-api03-{rest}"),
    "Stripe": st.builds(lambda kind, rest: f"{kind}_live_{rest}", st.sampled_from(["sk", "rk", "pk"]), tail(24, 99)),
    "AWS": tail(16, 16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567").map(lambda rest: f"AKIA{rest}"),
    "Bearer": tail(20, 80, URL_SAFE).map(lambda rest: f"Bearer {rest}"),
    "Basic": tail(24, 60).map(lambda rest: f"Basic {rest}=="),
    "URL": st.builds(lambda user, word: f"https://{user}:{word}@host.example/path", tail(1, 20), tail(1, 30)),
    "Database URL": tail(8, 30).map(lambda word: f"postgres://u:{word}@db.example:5432/d"),
    "Atlassian": tail(60, 180, URL_SAFE).map(lambda rest: f"ATATT3x{rest}"),
    "Notion": tail(43, 43).map(lambda rest: f"secret_{rest}"),
    "Dropbox": tail(60, 130, URL_SAFE).map(lambda rest: f"sl.{rest}"),
    "HubSpot": tail(36, 36, "0123456789abcdef-").map(lambda rest: f"pat-na1-{rest}"),
    "SendGrid": st.builds(lambda a, b: f"SG.{a}.{b}", tail(22, 22, URL_SAFE), tail(43, 43, URL_SAFE)),
    "npm": tail(36, 36).map(lambda rest: f"npm_{rest}"),
    "PyPI": tail(150, 180, URL_SAFE).map(lambda rest: f"pypi-{rest}"),
    "private key": tail(60, 100).map(lambda rest: f"-----BEGIN RSA PRIVATE KEY-----\n{rest}"),
}
TOKEN = st.one_of(*TOKENS.values())
EACH_FORMAT = settings(max_examples=settings().max_examples // 3)
"""How often each of the thirty is tried: two tokens of one format differ by chance only."""
AROUND = st.sampled_from(["", " ", "`", '"', "“", "<", "token=", "--app-id=", "https://x.example/?access_token=", ","])


@pytest.mark.parametrize("kind", TOKENS)
def test_each_format_is_recognized_wherever_it_stands(kind: str) -> None:
    @EACH_FORMAT
    @given(TOKENS[kind], AROUND, AROUND)
    def recognized(token: str, before: str, after: str) -> None:
        assert find_token(before + token + after) is not None
        assert not is_id(token)
        assert token not in quote(token)
        assert token.rsplit(maxsplit=1)[-1] not in redact(f"{before}{token} {after}")

    recognized()


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_every_token_of_a_format_is_found_by_the_search(form: TokenFormat) -> None:
    @given(st.from_regex(re.compile(form.pattern, re.IGNORECASE | re.ASCII), fullmatch=True))
    def found(token: str) -> None:
        assert find_token(token) is not None

    found()


@given(TOKENS["GitHub classic"], st.integers(1, 30))
def test_invisible_characters_and_a_capital_do_not_hide_a_token(token: str, at: int) -> None:
    assert find_token(token[:at] + "\u200b" + token[at:]) is not None
    assert find_token(token.capitalize()) is not None


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_a_format_has_a_name_that_fits_a_sentence_and_an_https_address(form: object) -> None:
    assert form.name.startswith(("a ", "an "))  # type: ignore[attr-defined]
    assert form.revoke_url is None or form.revoke_url.startswith("https://")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "value",
    [
        *("Et12345ABCDE", "EtGoogle0001", "EtErr.invalid_auth", "A12345", "A0123456789", "A1"),
        *("google", "github", "my_provider-2", "GitHub", "salesforce.sandbox", "err.external_user_identity_not_found"),
    ],
)
def test_ids_and_provider_keys_are_quoted_whole(value: str) -> None:
    assert is_id(value)
    assert find_token(value) is None
    assert quote(value) == value


@pytest.mark.parametrize(
    ("value", "quoted"),
    [
        ("Zm9vYmFyYmF6cXV4Zm9vYmFy", "Zm9v… (24 characters)"),
        ("customProvider2", "customProvider2"),
        ("GoogleCalendar", "GoogleCalendar"),
        ("Itrt4HQtuSIYIpd6TMxnHnpg", "Itrt… (24 characters)"),
        ("Zm9vYmFyYmF6cXV4Zm9vYmFyZ", "Zm9v… (25 characters)"),
        ("0123456789abcdef", "0123… (16 characters)"),
        ("a1b2c3d4e5", "a1b2… (10 characters)"),
        ("Et" + "x" * 39, "Etxx… (41 characters)"),
        ("A" + "B" * 30, "ABBB… (31 characters)"),
        ("1234", "1234"),
        ("12345", "1234… (5 characters)"),
        ("ya29… (70 characters)", "ya29… (70 characters)"),
        ("ya29.xxx… (65 characters)", "ya29.xxx… (65 characters)"),
        ("", ""),
    ],
)
def test_what_is_not_an_id_is_quoted_by_four_characters_and_its_length(value: str, quoted: str) -> None:
    assert quote(value) == quoted
    assert quote(quoted) == quoted


@given(st.text(max_size=300))
def test_no_more_than_four_characters_of_anything_else_are_quoted(value: str) -> None:
    quoted = quote(value)
    assert quoted == value if len(value) <= 4 or is_id(value) else quoted.startswith(value[:4]) or quoted == value
    assert quote(quoted) == quoted


@pytest.mark.parametrize(
    ("word", "quoted"),
    [
        ("--force-refersh", "--force-refersh"),
        ("—" + "x1y2z3" * 10, "—x1y2… (60 characters)"),
        ("Fetch:", "Fetch:"),
        ("--", "--"),
        ("=", "="),
        ("-" * 50, "----"),
    ],
)
def test_typed_words_keep_their_dashes(word: str, quoted: str) -> None:
    assert quote_word(word) == quoted


@pytest.mark.parametrize(
    "text", ["a" * 100_000, "eyJ" * 30_000, "bearer " * 20_000, "https://" * 12_000, "-" * 100_000, "xoxb-" * 20_000]
)
def test_long_text_is_looked_through_at_once(text: str) -> None:
    started = time.process_time()
    find_token(text)
    redact(text)
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    "wrapped",
    [
        *("`Et1`,", "<Et1>", "“Et1”", " Et1;", "\u200bEt1\ufeff", "'Et1'", "‹Et1›", "«Et1»"),
        *("*Et1*", "_Et1_", "~Et1~", "*_Et1_*", "“*Et1*”,", "\u202aEt1\u202c", "\u2066Et1\u2069", "E\u202et1"),
    ],
)
def test_what_wraps_an_id_is_taken_off(wrapped: str) -> None:
    assert unwrap(wrapped) == "Et1"


@pytest.mark.parametrize("text", ["_private_", "*bold*", "Et1_", "*Et1", "8Q~abc~", "~", "**"])
def test_formatting_is_taken_off_only_around_a_token_id(text: str) -> None:
    assert unwrap(text) == text


@given(st.text())
def test_text_from_outside_cannot_turn_around_what_follows_it_and_can_be_sent(text: str) -> None:
    shown = showable(text)
    assert len(shown) == len(text)
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    shown.encode()


@pytest.mark.parametrize(
    ("contact", "shown"),
    [
        (None, "a workspace admin"),
        ("U012ABCDEF", "<@U012ABCDEF>"),
        ("W012ABCDEF", "<@W012ABCDEF>"),
        ("S012ABCDEF", "<!subteam^S012ABCDEF>"),
        ("C012ABCDEF", "<#C012ABCDEF>"),
        ("https://help.example/x?a=1&b=2", "<https://help.example/x?a=1&amp;b=2>"),
        ("mailto:help@example.com", "<mailto:help@example.com>"),
    ],
)
def test_a_contact_is_mentioned_as_what_it_is(contact: str | None, shown: str) -> None:
    assert contact is None or is_contact(contact)
    assert mention(contact) == shown


@pytest.mark.parametrize(
    "text", ["", "U", "u012abcdef", "X012ABCDEF", "the team", "http://help.example", "mailto:help", "https://"]
)
def test_nothing_else_is_a_contact(text: str) -> None:
    assert not is_contact(text)


@pytest.mark.parametrize("end", ["_", "A", "é", " ", "_-", "@"])
@pytest.mark.parametrize(
    "start", ["a" * 23, "a_" * 19, "a1_" * 13, "aB" * 12, "_ab" * 13, "a." * 5_000, "A1-" * 3_000, "x@a." * 2_000]
)
def test_no_word_takes_long_to_judge(start: str, end: str) -> None:
    started = time.process_time()
    for text in (start + end, f"a{start}{end}"):
        for judge in (is_id, is_contact, quote, quote_word, unwrap, find_token):
            judge(text)
    assert time.process_time() - started < 0.5


WORDY = r"[a-z]{1,5}([_.-][a-z1]{1,5})*"


def _is_like_a_word(part: str) -> bool:
    core = part.rstrip("0123456789")
    if len(part) - len(core) > 4 or (core and not core.isalpha()):
        return False
    if not core or (core == core.upper() and len(core) <= 15):
        return True
    humps = [place for place, letter in enumerate(core) if letter.isupper() and place]
    if not humps:
        return len(core) <= 16
    return len(humps) == 1 and humps[0] <= 16 and 1 <= len(core) - humps[0] - 1 <= 15


def is_a_word(value: str) -> bool:
    """Say in plain code what a short word is."""
    first, *rest = re.split("[_.-]", value)
    if len(value) <= 24:
        is_formed = first[:1].isalpha() and all(rest) and sum(character.isdigit() for character in value) <= 4
        return is_formed and (len(value) <= 8 or all(_is_like_a_word(part) for part in (first, *rest)))
    is_plain = first.isalpha() and all(part.isalpha() or 0 < len(part) <= 3 for part in rest)
    is_plain = is_plain and sum(character.isdigit() for character in value) <= 4
    return is_plain and value == value.lower() and len(value) <= 40


@example("a_111_11")
@example("a_B")
@given(st.text(alphabet="abcdefgBC123_-.", min_size=1, max_size=45) | st.from_regex(WORDY, fullmatch=True))
def test_a_word_is_what_plain_code_takes_for_one(value: str) -> None:
    assert is_id(value) is is_a_word(value)


@given(st.text(max_size=60))
def test_what_may_be_a_secret_is_only_its_quote_as_text(value: str) -> None:
    kept = typed_text(value)
    if isinstance(kept, str):
        assert kept == value
        assert is_id(value) or is_email(value)
        return
    shown = quote(value)
    assert [str(kept), repr(kept), f"{kept}", "%s" % kept, f"{[kept]}"] == [shown] * 4 + [f"[{shown}]"]  # noqa: UP031
    assert kept == value
    assert kept.reveal() == value
    with pytest.raises(TypeError):
        json.dumps(kept)


LEAKS = """
from bot.batch import Item
from bot.slack import mrkdwn
from bot.slack.external_auth.models import DeleteTokens
from bot.views import parts

def leak(request: DeleteTokens) -> None:
    mrkdwn.code(request.provider_key or "")
    parts.literal(request.provider_key or "")
    parts.button("", "", request.provider_key)
    Item("", request.provider_key)
    "".join([request.provider_key or ""])
"""


@pytest.mark.long
def test_mypy_finds_whoever_shows_or_keeps_what_was_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leaks = tmp_path / "leaks.py"
    leaks.write_text(LEAKS.lstrip())
    monkeypatch.chdir(Path(__file__).parents[1])
    said, _, _ = mypy.api.run([str(leaks)])
    assert re.findall(r"leaks\.py:(\d+): error: .*TypedText", said) == ["7", "8", "9", "10", "11"]
