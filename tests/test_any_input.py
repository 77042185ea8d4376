"""Every function that takes text from outside takes but a moment over it, whatever it is."""

import time
from collections.abc import Callable
from contextlib import suppress
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot import ids, logs
from bot.commands.parser import MAX_TEXT, parse, unescape
from bot.commands.subcommand import PastedTokenError, UsageError
from bot.server.http import parse_body
from bot.server.payloads import MalformedPayload, parse_payload
from bot.slack import mrkdwn
from bot.views import fields, picker
from tests.commands.test_parser import SUBCOMMANDS

DEADLINE = 0.1
"""Seconds of CPU: ten times what the slowest takes on a slow machine, a tenth of what one that backtracks took."""
MAX_FIELD = 3000
ATOMS = [
    *("a", "a_", "a.", "A-", "-", "--", "<", "<a|", "'", '"', "“", "bearer ", "basic ", "a://", "a:", "a@", "://"),
    *("gh", "ghp_", "xox", "xoxb-", "eyJ", "1//0", "sk-", "-----BEGIN ", "00D", "@", ".", "/ ", "\n", "=", "--x="),
    *("get ", "Et", "&amp;", "\u200b", "_", "a1", "pat-na1-", "a@a.a", "glpat-", "--toke Et1 ", "tru ", "é", "\ud800"),
]


def _parse(text: str) -> None:
    with suppress(UsageError, PastedTokenError):
        parse(text, SUBCOMMANDS)


def _command(text: str) -> None:
    with suppress(MalformedPayload):
        parse_payload({"command": "/extauth", "text": text, "user_id": text, "team_id": "T1", "trigger_id": text})


def _body(text: str) -> None:
    with suppress(MalformedPayload):
        parse_payload(parse_body(text.encode("utf-8", "surrogatepass")))


FUNCTIONS: list[Callable[[str], object]] = [
    *(_parse, _command, _body, unescape),
    *(ids.find_token, ids.redact, ids.is_id, ids.quote, ids.typed_text, ids.quote_word, ids.unwrap, ids.is_contact),
    *(ids.PROVIDER_NAME.fullmatch, logs.redact, logs.on_one_line, mrkdwn.escape),
    lambda text: fields.read_text({"a": {"a": {"value": text}}}, "a"),
    lambda text: picker.find_problem("external_token_id", text, "/extauth get ID"),
]


def _quick(text: str) -> None:
    for function in FUNCTIONS:
        before = time.thread_time()
        function(text)
        assert time.thread_time() - before < DEADLINE, (function, text[:60])


@pytest.mark.parametrize("atom", ATOMS)
def test_repeated_text_is_parsed_in_a_moment(atom: str) -> None:
    for other, (before, after) in product(ATOMS, [("", ""), ("get ", "!"), ("delete ", "_")]):
        repeated = atom + other
        _quick(before + (repeated * MAX_FIELD)[: MAX_FIELD - len(before + after)] + after)


@settings(max_examples=100, deadline=None, suppress_health_check=[*HealthCheck])
@given(st.lists(st.one_of(st.sampled_from(ATOMS), st.text(max_size=20)), max_size=200).map("".join))
def test_any_text_is_parsed_in_a_moment(text: str) -> None:
    _quick(text)


@pytest.mark.parametrize("text", ["get " + "--forse " * 400, "x" * 49_999, "delete " + "--external-tokn-id Et1 " * 120])
def test_no_command_is_too_long_to_be_answered(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse(text, SUBCOMMANDS)
    assert len(text) <= MAX_TEXT or "A command can have 3,000." in refused.value.problem
