"""Entries in words, and which of them can be asked for."""

from collections.abc import Mapping
from typing import Any

import pytest

from bot.actor import Unattended
from bot.audit.entries import Filters, ReadHistory, VerificationResult, about, deed, doer
from bot.operation import Operation
from bot.slack.external_auth.models import InvalidParameter

ID = {"external_token_id": "Et1"}


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({}, ""),
        (ID, "`Et1`"),
        ({"provider_key": "google"}, "provider `google`"),
        ({"app_id": "A1"}, "app `A1`"),
        ({"provider_key": "google", "app_id": "A1"}, "provider `google` of app `A1`"),
        ({**ID, "force_refresh": True, "workspace": "T1", "version": "2"}, "`Et1`"),
        ({"tokens": "2"}, "tokens `2`"),
        ({"request": "ABCD2345", "user_id": "U1"}, "request `ABCD2345` by <@U1>"),
        ({"request": "A`<&", "user_id": "<U1>"}, "request `A'&lt;&amp;` by <@&lt;U1&gt;>"),
    ],
)
def test_parameters_are_named(parameters: Mapping[str, str | bool], said: str) -> None:
    assert about(parameters).replace("ˋ", "'") == said


def test_a_long_parameter_is_cut() -> None:
    assert len(about({"contact": "x" * 500})) < 320


@pytest.mark.parametrize(
    ("action", "parameters", "outcome", "said"),
    [
        ("get", ID, "fetched", "get `Et1`"),
        ("refresh", {**ID, "force_refresh": True}, "fetched", "get `Et1`, refreshed"),
        ("refresh", {**ID, "force_refresh": True}, "withheld", "get `Et1`, refreshed"),
        ("refresh", {**ID, "force_refresh": True}, "failed", "get `Et1` with a refresh"),
        ("refresh", {**ID, "force_refresh": True}, None, "get `Et1` with a refresh"),
        ("show", {**ID, "force_refresh": False}, "fetched", "show `Et1`"),
        ("list", {}, "listed", "list"),
    ],
)
def test_a_deed_is_said(action: str, parameters: Mapping[str, str | bool], outcome: str | None, said: str) -> None:
    assert deed(action, parameters, outcome) == said


@pytest.mark.parametrize(
    ("user_id", "said"),
    [
        ("U1", "<@U1>"),
        ("<U1>", "<@&lt;U1&gt;>"),
        (None, "from the command line"),
        (Unattended.TERMINAL.value, "from the command line"),
        (Unattended.SCHEDULE.value, "by itself"),
    ],
)
def test_the_person_is_named(user_id: str | None, said: str) -> None:
    assert doer(user_id) == said


@pytest.mark.parametrize(
    ("given", "name", "problem"),
    [
        ({"count": 0}, "count", "It must be a number from 1 to 25."),
        ({"count": 26}, "count", "It must be a number from 1 to 25."),
        ({"count": True}, "count", "It must be a number from 1 to 25."),
        ({"count": 10, "before": 1, "after": 2}, "before", "A page begins at one entry."),
        ({"count": 10, "before": 0}, "before", "It must be an entry's number."),
        ({"count": 10, "after": 0}, "before", "It must be an entry's number."),
        ({"count": 10, "after": 2**63}, "before", "It must be an entry's number."),
        ({"count": 10, "before": "3"}, "before", "It must be an entry's number."),
        ({"count": 10, "user_id": "google"}, "user_id", "“google” doesn't look like one."),
        (
            {"count": 10, "user_id": "U1/"},
            "user_id",
            "It can't have “/”, only letters, digits, and the characters _ - .",
        ),
        (
            {"count": 10, "external_token_id": "q8Zt7Lk2Vn5Xc9Rb3Wm6Yd1Hf4Js0Pg"},
            "external_token_id",
            "“q8Zt… (31 characters)” doesn't look like one.",
        ),
        (
            {"count": 10, "external_token_id": "Et1", "provider_key": "google"},
            "external_token_id",
            "Use a token ID or a provider key: no entry has both.",
        ),
    ],
)
def test_a_page_that_cannot_be_asked_for_is_refused(given: dict[str, Any], name: str, problem: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        ReadHistory(**given)
    assert (refused.value.name, refused.value.problem) == (name, problem)


@pytest.mark.parametrize("place", [{}, {"before": 1}, {"after": 2**63 - 1}])
@pytest.mark.parametrize("count", [1, 25])
def test_a_page_is_asked_for_by_its_filters(count: int, place: dict[str, Any]) -> None:
    read = ReadHistory(count, "U1", "Et1", **place)
    assert read.operation is Operation.HISTORY
    assert read.arguments() == {"user_id": "U1", "external_token_id": "Et1"}
    assert read.filters("T1") == Filters(user_id="U1", team_id="T1", external_token_id="Et1", **place)
    assert ReadHistory(count, provider_key="google").filters("T1") == Filters(team_id="T1", provider_key="google")


def test_results_of_chains_add_up_to_the_first_problem() -> None:
    one = VerificationResult(1, 2, None, "a note", 3)
    other = VerificationResult(10, 20, "a problem", "another note", 30)
    assert one.plus(other) == VerificationResult(11, 22, "a problem", "a note", 33)
    assert other.plus(one) == VerificationResult(11, 22, "a problem", "another note", 33)
