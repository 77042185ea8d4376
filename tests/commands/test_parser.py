"""The grammar: what people type, and what is understood."""

import contextlib
import re
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.commands.parser import parse, unescape
from bot.commands.subcommand import ParsedCommand, PastedTokenError, UsageError
from bot.listeners import LISTENERS
from bot.sandbox.slack.channels import CHANNELS
from bot.sandbox.slack.escaping import entities, escape
from bot.sandbox.slack.seed import ADMIN
from bot.slack.external_auth.models import InvalidParameter
from tests.test_ids import EACH_FORMAT, TOKENS

NEVER = re.compile(r"(?!)")
SUBCOMMANDS = [
    replace(
        listener.subcommand,
        wanted=lambda _: None,
        options=tuple(replace(option, refuses=NEVER) for option in listener.subcommand.options),
    )
    for listener in LISTENERS
]
"""The grammar alone: what the values ask for isn't looked at."""


def understood(text: str) -> tuple[str | None, dict[str, str | bool]]:
    parsed = parse(text, SUBCOMMANDS)
    return parsed.subcommand.name if parsed.subcommand else None, dict(parsed.values)


@pytest.mark.parametrize(
    ("text", "subcommand", "values"),
    [
        ("", None, {}),
        ("  \n ", None, {}),
        ("help", "help", {}),
        ("?", "help", {}),
        ("h", "help", {}),
        ("H", "help", {}),
        ("/help!", "help", {}),
        ("Get: Et1", "get", {"external_token_id": "Et1"}),
        ("get &amp;Et1", "get", {"external_token_id": "&Et1"}),
        ("get Et1 --show=ON", "get", {"external_token_id": "Et1", "show": True}),
        ("get Et1 --show=Yes", "get", {"external_token_id": "Et1", "show": True}),
        ("get Et1 --show TRUE", "get", {"external_token_id": "Et1", "show": True}),
        ("get --show False Et1", "get", {"external_token_id": "Et1", "show": False}),
        ("get Et1 --show=off", "get", {"external_token_id": "Et1", "show": False}),
        ("--help", "help", {}),
        ("get", "get", {}),
        ("GET Et1", "get", {"external_token_id": "Et1"}),
        ("get\nEt1", "get", {"external_token_id": "Et1"}),
        ("get `Et1`,", "get", {"external_token_id": "Et1"}),
        ("get &lt;Et1&gt;", "get", {"external_token_id": "Et1"}),
        ("get “Et1”", "get", {"external_token_id": "Et1"}),
        ("get \u2068Et1".replace("\u2068", "\u200b"), "get", {"external_token_id": "Et1"}),
        ("get Et1 --force-refresh", "get", {"external_token_id": "Et1", "force_refresh": True}),
        ("get Et1 —force-refresh", "get", {"external_token_id": "Et1", "force_refresh": True}),
        ("get Et1 –force_refresh", "get", {"external_token_id": "Et1", "force_refresh": True}),
        ("get Et1 -—Force-Refresh", "get", {"external_token_id": "Et1", "force_refresh": True}),
        ("get Et1 --force‑refresh", "get", {"external_token_id": "Et1", "force_refresh": True}),
        ("get --force-refresh false Et1", "get", {"external_token_id": "Et1", "force_refresh": False}),
        ("get force_refresh=no external_token_id=Et1", "get", {"external_token_id": "Et1", "force_refresh": False}),
        ("get --external-token-id='Et1' --show", "get", {"external_token_id": "Et1", "show": True}),
        ("delete Et1 --yes", "delete", {"external_token_id": "Et1", "yes": True}),
        ("delete --provider-key google --app-id=A1", "delete", {"provider_key": "google", "app_id": "A1"}),
        ("delete provider_key=“google”", "delete", {"provider_key": "google"}),
        ("list", "list", {}),
        ("LIST google,", "list", {"provider_key": "google"}),
        ("list —provider-key google --app-id=A1", "list", {"provider_key": "google", "app_id": "A1"}),
        ("history", "history", {}),
        ("history 5", "history", {"count": "5"}),
        ("history Et1 5", "history", {"count": "5", "external_token_id": "Et1"}),
        ("history 5 <@U012ABCDEF|ada>", "history", {"count": "5", "user": "@U012ABCDEF"}),
        ("history <@W012ABCDEF>,", "history", {"user": "@W012ABCDEF"}),
        ("history &lt;@U012ABCDEF&gt;", "history", {"user": "@U012ABCDEF"}),
        ("history user=<@U012ABCDEF|a b> `Et1`", "history", {"user": "@U012ABCDEF", "external_token_id": "Et1"}),
        ("history U012ABCDEF", "history", {"user": "U012ABCDEF"}),
        ("history WORKDAY", "history", {"external_token_id": "WORKDAY"}),
        ("history @ada", "history", {"user": "@ada"}),
        ("history <!subteam^S1|@admins>", "history", {"user": "@admins"}),
        ("history <!here>", "history", {"user": "@here"}),
        ("history <#C1|general>", "history", {"external_token_id": "#general"}),
        ("history <#C1>", "history", {"external_token_id": "#C1"}),
        ("history <C1|>", "history", {"external_token_id": "C1"}),
        ("history —provider-key <http://acme.com|acme.com>", "history", {"provider_key": "acme.com"}),
        ("history provider_key=<http://acme.com|acme.com>", "history", {"provider_key": "acme.com"}),
        ("get <http://Et1.me|Et1.me>,", "get", {"external_token_id": "Et1.me"}),
        ("get <https://a.example/Et1?x&amp;y>", "get", {"external_token_id": "https://a.example/Et1?x&y"}),
        ("get <mailto:ada@acme.com|ada@acme.com>", "get", {"external_token_id": "ada@acme.com"}),
        ("get <mailto:ada@acme.com>", "get", {"external_token_id": "ada@acme.com"}),
        ("get <Et1>", "get", {"external_token_id": "Et1"}),
        ("get <Et1 --show>", "get", {"external_token_id": "Et1", "show": True}),
    ],
)
def test_every_form_of_a_command_is_understood(
    text: str, subcommand: str | None, values: dict[str, str | bool]
) -> None:
    assert understood(text) == (subcommand, values)


HISTORY = "/extauth history [N] [ID | @PERSON] [--provider-key KEY]"
GET = "/extauth get ID [--force-refresh] [--show]"
DELETE = "/extauth delete ID… [--yes] | [--provider-key KEY] [--app-id APP] | --account NAME"
LIST = "/extauth list [WORD] [--provider-key KEY] [--account NAME] [--unused] [--stale DAYS] [--app-id APP]"
ALL = "/extauth [get | delete | list | test | connect | history | help]"


@pytest.mark.parametrize(
    ("text", "problem", "suggestion", "usage"),
    [
        ("gte Et1", "/extauth has no command “gte”.", "/extauth get", ALL),
        ("Fetch: Et1", "/extauth has no command “Fetch:”.", "/extauth get", ALL),
        ("remove Et1", "/extauth has no command “remove”.", "/extauth delete", ALL),
        ("revoke Et1", "/extauth has no command “revoke”.", "/extauth delete", ALL),
        ("Et12345ABCDE", "/extauth has no command “Et12345ABCDE”.", None, ALL),
        ("xyzzy", "/extauth has no command “xyzzy”.", None, ALL),
        ("x" * 60, "/extauth has no command “xxxx… (60 characters)”.", None, ALL),
        ("get Et1 --" + "x" * 61, "/extauth get has no option “--xxxx… (61 characters)”.", None, GET),
        ("get Et1 --show=" + "x" * 61, "--show takes true or false, not “xxxx… (61 characters)”.", "--show", GET),
        ("get Et1 --force-refersh", "/extauth get has no option “--force-refersh”.", "--force-refresh", GET),
        ("get Et1 --refresh", "/extauth get has no option “--refresh”.", "--force-refresh", GET),
        ("get Et1 --force", "/extauth get has no option “--force”.", "--force-refresh", GET),
        ("get Et1 --f", "/extauth get has no option “--f”.", "--force-refresh", GET),
        ("get Et1 force_refresh", "“force_refresh” needs dashes in front.", "--force-refresh", GET),
        ("get Et1 Et2", "Unexpected argument “Et2”.", None, GET),
        ("get Et1 forcerefresh", "Unexpected argument “forcerefresh”.", "--force-refresh", GET),
        ("get Et1 external_token_id=Et1", "--external-token-id is there twice.", None, GET),
        ("get Et1 --yes", "“--yes” only works with /extauth delete.", None, GET),
        (
            "get Et1 --force-refresh=perhaps",
            "--force-refresh takes true or false, not “perhaps”.",
            "--force-refresh",
            GET,
        ),
        ("get Et1 --show=flase", "--show takes true or false, not “flase”.", "--show=false", GET),
        ("delete --provider-key", "--provider-key needs a value.", None, DELETE),
        ("delete --provider-key --app-id A1", "--provider-key needs a value.", None, DELETE),
        ("delete --app-id=", "--app-id needs a value.", None, DELETE),
        ("get --", "/extauth get has no option “--”.", None, GET),
        ("get =", "/extauth get has no option “=”.", None, GET),
        ("ls", "/extauth has no command “ls”.", "/extauth list", ALL),
        ("accounts", "/extauth has no command “accounts”.", "/extauth list", ALL),
        ("list google github", "Unexpected argument “github”.", None, LIST),
        ("list --provider", "/extauth list has no option “--provider”.", "--provider-key", LIST),
        ("list --force-refresh", "“--force-refresh” only works with /extauth get.", None, LIST),
        ("history 1 2", "Unexpected argument “2”.", None, HISTORY),
        ("history Et1 Et2", "Unexpected argument “Et2”.", None, HISTORY),
        ("history @ada @max", "Unexpected argument “@max”.", None, HISTORY),
        ("history Et1 external_token_id=Et2", "--external-token-id is there twice.", None, HISTORY),
    ],
)
def test_what_is_not_understood_gets_a_suggestion_and_the_usage(
    text: str, problem: str, suggestion: str | None, usage: str
) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text, SUBCOMMANDS)
    error = caught.value
    assert (error.problem, error.suggestion, error.usage, str(error)) == (problem, suggestion, usage, problem)


@pytest.mark.parametrize(("name", "label"), [("app_id", "app ID"), ("external_token_id", "token ID")])
def test_an_invalid_parameter_is_told_in_the_words_of_the_command(name: str, label: str) -> None:
    error = UsageError.about(InvalidParameter(name, "It's empty."), SUBCOMMANDS[1])
    assert (error.problem, error.suggestion) == (f"Check the {label}. It's empty.", None)
    assert error.usage == DELETE


WORDS = st.one_of(
    st.sampled_from(["get", "delete", "help", "GET", "Et1", "`Et1`,", "“", "'", "true", ",", "=", "--"]),
    st.sampled_from(["--yes", "—force-refresh", "--show", "provider_key=google", "--app-id", "A1"]),
)
TYPED = st.one_of(st.text(), st.lists(st.one_of(WORDS, st.text(max_size=8))).map(" ".join))


@given(TYPED)
def test_any_text_is_understood_or_told_what_is_wrong(text: str) -> None:
    with contextlib.suppress(UsageError):
        assert isinstance(parse(text, SUBCOMMANDS), ParsedCommand)


@given(TYPED)
def test_nothing_is_understood_that_was_not_typed(text: str) -> None:
    try:
        typed = parse(text, SUBCOMMANDS)
    except UsageError:
        return
    letters = re.sub(r"[^a-z]", "", text.lower())
    for name, value in typed.values.items():
        if isinstance(value, str):
            # Several IDs are joined by spaces, whatever stood between them.
            pieces = re.split(r"[“”„‟«»″‘’‚‛′&\"' ]|(?:amp|lt|gt);", value)
            # The name of a command, and only that, may be typed in capitals.
            source = text.lower() if name == "topic" else text
            pieces = [piece.lower() for piece in pieces] if name == "topic" else pieces
            assert all(piece in source for piece in pieces if piece)
        bare = typed.subcommand.argument if typed.subcommand else None
        if isinstance(value, bool) or name in {"provider_key", "app_id"} - {bare}:
            assert name.replace("_", "") in letters


@given(st.text(alphabet=st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=40))
def test_an_id_is_the_same_however_it_is_wrapped(token_id: str) -> None:
    assume(token_id.lower() not in {"yes", "account", "help"})  # the names of options, and a call for help
    for before, after in (("", ""), ("`", "`"), ("&lt;", "&gt;"), ("“", "”"), (" ", ","), ("‘", "’;")):
        assert understood(f"delete {before}{token_id}{after}")[1] == {"external_token_id": token_id}


@pytest.mark.parametrize("text", ["ghp_" + "a1B2" * 9, "get ghp_" + "a1B2" * 9, "history --count ghp_" + "a1B2" * 9])
def test_a_known_token_is_refused_by_the_name_of_its_format(text: str) -> None:
    with pytest.raises(PastedTokenError) as caught:
        parse(text, SUBCOMMANDS)
    assert caught.value.token_format.name in str(caught.value)
    assert str(caught.value).startswith("The text holds ")
    assert "a1B2" not in str(caught.value)


TYPED_ANYWHERE = st.one_of(
    st.text(),
    st.lists(
        st.one_of(
            WORDS,
            st.sampled_from(
                ["https://a.example/x?a=1&b=2", "acme.com", "Et1.me,", "<acme.io>", "ada@acme.com", "u:pw@acme.com"]
            ),
            st.sampled_from(["@nobody", "#nothing", "&lt;", "<", ">", "<@x>", "a|b", "http://", "x.com/a(b)."]),
            st.text(max_size=6),
        )
    ).map(" ".join),
)


@given(TYPED_ANYWHERE)
def test_what_slack_escapes_comes_back_as_it_was_typed(text: str) -> None:
    assert unescape(escape(text, [], [])) == text
    assert unescape(entities(text)) == text


def test_only_people_and_channels_are_replaced() -> None:
    escaped = escape("history @Ada #general ada@acme.com @nobody.", [ADMIN], CHANNELS)
    assert escaped == ("history <@U0ADMIN|ada> <#C0GENERAL|general> <mailto:ada@acme.com|ada@acme.com> @nobody.")
    assert unescape(escaped) == "history @U0ADMIN #general ada@acme.com @nobody."


@pytest.mark.parametrize("kind", TOKENS)
def test_a_token_is_recognized_whatever_slack_makes_of_it(kind: str) -> None:
    @EACH_FORMAT
    @given(TOKENS[kind], st.sampled_from(["", "<", "x.com/", "https://a.example/?t=", "me@", "@ada "]))
    def refused(token: str, before: str) -> None:
        for sent in (escape(f"get {before}{token}", [ADMIN], []), f"get <https://a.example/|{token}>"):
            with pytest.raises(PastedTokenError):
                parse(sent, SUBCOMMANDS)

    refused()


LINES_WITH_A_TOKEN = [
    *("TOKEN", "get TOKEN", "get TOKEN --show", "get Et1 TOKEN", "get external_token_id=TOKEN", "get --TOKEN"),
    *("get Et1 --force-refresh=TOKEN", "delete TOKEN", "delete TOKEN --yes", "delete --provider-key TOKEN"),
    *("delete --app-id=TOKEN", "history TOKEN", "history @TOKEN", "history --provider-key=TOKEN", "help TOKEN"),
    *("list --provider-key TOKEN", "test TOKEN", "delete Et1 TOKEN", "delete --account TOKEN", "gte TOKEN --shwo"),
]


@pytest.mark.parametrize("kind", TOKENS)
def test_a_token_is_recognized_wherever_it_is_typed(kind: str) -> None:
    @EACH_FORMAT
    @given(TOKENS[kind])
    def refused(token: str) -> None:
        for line in LINES_WITH_A_TOKEN:
            with pytest.raises(PastedTokenError) as caught:
                parse(line.replace("TOKEN", token), SUBCOMMANDS)
            assert token.rsplit(maxsplit=1)[-1] not in str(caught.value) or len({*token.rsplit(maxsplit=1)[-1]}) <= 8

    refused()


@pytest.mark.parametrize(
    "text",
    [
        "get <https://user:pass@host.example/x>",
        "get https://user:<mailto:pass@acme.com|pass@acme.com>",
        "get <https://a.example/?token=ghp_a1B2a1B2a1B2a1B2|Et1>",
        "get ghp_<http://a1B2a1B2.com|a1B2a1B2.com>",
        "get Bearer <mailto:abcdefgh@acme.com|abcdefgh@acme.com>",
    ],
)
def test_a_token_is_recognized_in_pieces_of_links(text: str) -> None:
    with pytest.raises(PastedTokenError):
        parse(text, SUBCOMMANDS)
