"""What was probably meant, and that a button can carry nothing else."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands.correction import Correction, NoCorrection, correct, read
from bot.commands.parser import parse
from bot.commands.subcommand import ParsedCommand, PastedTokenError, UsageError
from bot.ids import find_token, is_id
from bot.listeners import LISTENERS
from tests.commands.test_parser import TYPED_ANYWHERE
from tests.test_ids import TOKENS

SUBCOMMANDS = [listener.subcommand for listener in LISTENERS]
OURS = {
    *(subcommand.name for subcommand in SUBCOMMANDS),
    *(option.spelling for subcommand in SUBCOMMANDS for option in subcommand.options),
    *(f"{option.spelling}=false" for subcommand in SUBCOMMANDS for option in subcommand.options if option.is_flag),
}
IDS = st.from_regex(r"Et[A-Z0-9]{5,12}", fullmatch=True)
MISTYPED = st.lists(
    st.one_of(
        st.sampled_from(
            ["gte", "delte", "hlep", "histroy", "show", "refresh", "revoke", "get", "delete", "help", "list"]
        ),
        st.sampled_from(["--forse-refresh", "--show=flase", "—provider", "provder_key=google", "--yes", "--app=A1"]),
        st.sampled_from(["Et12345ABCDE", "google", "<@U012ABCDEF>", "@ada", "5", "123456789", "A012ABCDEF", "true"]),
        st.sampled_from(["--external-token-id", "--user", "--count=3", "--topic", "--external-token-id=help", "-x"]),
        st.from_regex(r"[A-Za-z0-9_.-]{1,60}", fullmatch=True),
        st.one_of(*TOKENS.values()),
        st.text(max_size=12),
    ),
    max_size=5,
).map(" ".join)


def corrected(text: str) -> Correction | None:
    """Return the suggestion for mistyped text; None for text that is right, or can't be corrected."""
    try:
        parse(text, SUBCOMMANDS)
    except UsageError as error:
        return correct(error.meant, SUBCOMMANDS)
    except PastedTokenError:
        pass
    return None


@pytest.mark.parametrize(
    ("text", "meant", "asks_first"),
    [
        # A subcommand.
        ("gte Et1", "get Et1", False),
        ("Fetch: Et1", "get Et1", False),
        ("show Et1", "get Et1 --show", False),
        ("refresh Et1", "get Et1 --force-refresh", True),
        ("gte", "get", True),
        ("remove Et1 --yes", "delete Et1", True),
        ("delte", "delete", True),
        ("delte --yes", "delete", True),
        ("ls google", "list google", False),
        ("accounts", "list", False),
        ("histroy 5 <@U012ABCDEF|ada> Et1", "history Et1 @U012ABCDEF 5", False),
        ("hlep get", "help get", False),
        ("gte --help", "help get", False),
        # An ID, a provider, a person, or a number, with no subcommand or an unknown one.
        ("Et12345ABCDE", "get Et12345ABCDE", False),
        ("Et12345ABCDE --show", "get Et12345ABCDE --show", False),
        ("xyzzy Et12345ABCDE", "get Et12345ABCDE", False),
        ("google", "list google", False),
        ("<@U012ABCDEF|ada>", "history @U012ABCDEF", False),
        ("20", "history 20", False),
        # An option, and what it's set to.
        ("get Et1 --forse-refresh", "get Et1 --force-refresh", True),
        ("get Et1 force_refresh", "get Et1 --force-refresh", True),
        ("get Et1 --shwo", "get Et1 --show", False),
        ("get Et1 --force-refresh=flase", "get Et1 --force-refresh=false", False),
        ("get Et1 --show=ture", "get Et1 --show", False),
        ("get Et1 --show flase", "get Et1 --show=false", False),
        ("delete --provider google --app A1", "delete --provider-key google --app-id A1", True),
        ("delete provder_key=google", "delete --provider-key google", True),
        # A provider where an ID belongs.
        ("delete google", "delete --provider-key google", True),
        ("delete google --yes --app-id A1", "delete --provider-key google --app-id A1", True),
        ("history google 5", "history 5 --provider-key google", False),
        # A topic.
        ("help gte", "help get", False),
        ("help remove", "help delete", False),
        # More than one word.
        ("gte Et1 --shwo", "get Et1 --show", False),
        ("delte google", "delete --provider-key google", True),
        ("hlep gte", "help get", False),
    ],
)
def test_the_whole_command_that_was_meant_is_known(text: str, meant: str, asks_first: bool) -> None:
    found = corrected(text)
    assert found is not None
    assert (found.text, found.parsed.asks_first) == (meant, asks_first)


@pytest.mark.parametrize(
    "text",
    [
        "xyzzy",
        "gte google",  # its token ID is missing
        "get google",
        "get Et1 Et2",
        "get Et1 --yes",
        "get Et1 false",
        "get Et1 --show=flase --show",
        "delete google --provider-key github",
        "gte a/b",
        "gte @ada",
        "history google 99",
        "histroy 123456789",
        "gte " + "aZ4" * 20,
        "gte --external-token-id show",  # typed alone, it would be an option
        "delte --app-id bearer --provider-key a1b2c3d4e5f6a7b8c9d0",
        "delte --provider-key",
        "help xyzzy",
    ],
)
def test_what_cannot_be_run_or_could_be_a_secret_has_no_button(text: str) -> None:
    assert corrected(text) is None


def assert_harmless(found: Correction) -> None:
    assert find_token(found.text) is None
    assert len(found.text) <= 2000
    for word in found.text.split(" "):
        is_number = word.isascii() and word.isdigit() and len(word) <= 4
        assert word in OURS or is_number or is_id(word.removeprefix("@")), word
    assert "--yes" not in found.text
    assert read(found.text, SUBCOMMANDS) == found


@given(st.one_of(MISTYPED, TYPED_ANYWHERE))
def test_whatever_is_typed_a_button_carries_only_our_own_words_and_ids(text: str) -> None:
    found = corrected(text)
    if found is not None:
        assert_harmless(found)


VALUES = st.one_of(
    st.booleans(), st.text(), st.from_regex(r"[@A-Za-z0-9_. -]{1,60}", fullmatch=True), *TOKENS.values(), IDS
)
MEANT = st.sampled_from(SUBCOMMANDS).flatmap(
    lambda one: st.builds(
        ParsedCommand, st.just(one), st.dictionaries(st.sampled_from([option.name for option in one.options]), VALUES)
    )
)


@given(MEANT)
def test_whatever_was_meant_a_button_carries_only_our_own_words_and_ids(meant: ParsedCommand) -> None:
    found = correct(meant, SUBCOMMANDS)
    if found is not None:
        assert_harmless(found)
        assert {**found.parsed.values} == {name: value for name, value in meant.values.items() if name != "yes"}


@given(IDS, st.sampled_from(["get {} --force-refresh", "delete {} --yes", "history {} 5", "get —show {}", "list {}"]))
def test_a_button_asks_for_what_was_meant(token_id: str, line: str) -> None:
    typed = parse(line.format(token_id), SUBCOMMANDS)
    found = correct(typed, SUBCOMMANDS)
    assert found is not None
    assert found.parsed.request == typed.request


@given(st.sampled_from(["gte {}", "{}", "delte --app {}", "get Et1 --shwo={}", "help {}", "xyzzy {}"]), st.data())
def test_no_pasted_token_gets_into_a_button(line: str, data: st.DataObject) -> None:
    token = data.draw(st.one_of(*TOKENS.values()))
    with pytest.raises(PastedTokenError):
        parse(line.format(token), SUBCOMMANDS)


@pytest.mark.parametrize(
    "value",
    [
        None,
        7,
        "",
        "gte Et1",
        "GET Et1",
        " get Et1",
        "get  Et1",
        "get `Et1`",
        "get google",
        "get Et1 --force-refresh=true",
        "delete Et1 --yes",
        "delete --yes Et1",
        "get " + "aZ4" * 20,
        "get ghp_" + "a1B2" * 9,
        "history <@U012ABCDEF>",
        "get a/b",
    ],
)
def test_a_value_that_is_not_written_just_so_is_refused(value: object) -> None:
    with pytest.raises(NoCorrection):
        read(value, SUBCOMMANDS)


@given(st.text())
def test_any_other_text_is_refused_without_breaking(value: str) -> None:
    with contextlib.suppress(NoCorrection):
        assert_harmless(read(value, SUBCOMMANDS))
