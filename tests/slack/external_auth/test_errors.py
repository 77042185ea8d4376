"""Every way a call can fail, and the family each belongs to."""

import aiohttp
import pytest

from bot.slack.calls import HttpAnswer
from bot.slack.external_auth.errors import (
    BreakdownCode,
    ExternalAuthError,
    RateLimitedError,
    RefusedError,
    TransportCode,
    UnconfirmedError,
    UnreachableError,
    from_answer,
    from_exception,
)

METHOD = "apps.auth.external.get"
JSON = {"Content-Type": "application/json; charset=utf-8"}
HTML = {"content-type": "text/html"}


@pytest.mark.parametrize(
    ("answer", "family", "code"),
    [
        (HttpAnswer(200, JSON, {"ok": False, "error": "token_not_found"}), RefusedError, "token_not_found"),
        (HttpAnswer(403, JSON, {"ok": False, "error": "no_permission"}), RefusedError, "no_permission"),
        (HttpAnswer(503, JSON, {"error": "service_unavailable"}), UnconfirmedError, "service_unavailable"),
        *((HttpAnswer(200, JSON, {"error": code.value}), UnconfirmedError, code.value) for code in BreakdownCode),
        (HttpAnswer(429, JSON, {"error": "ratelimited"}), RateLimitedError, "ratelimited"),
        (HttpAnswer(429, HTML, None), RateLimitedError, "ratelimited"),
        (HttpAnswer(200, JSON, {}), UnconfirmedError, "answer_without_ok"),
        (HttpAnswer(200, JSON, {"error": ""}), UnconfirmedError, "answer_without_ok"),
        (HttpAnswer(200, JSON, {"error": 7}), UnconfirmedError, "answer_without_ok"),
        (HttpAnswer(200, JSON, {"error": "<script> & ya29.x"}), UnconfirmedError, "answer_without_ok"),
        (HttpAnswer(200, JSON, {"error": "x" * 100}), RefusedError, "x" * 100),
        (HttpAnswer(200, JSON, {"error": "x" * 101}), UnconfirmedError, "answer_without_ok"),
        (HttpAnswer(500, JSON, {}), UnconfirmedError, "http_error"),
        (HttpAnswer(503, HTML, None), UnconfirmedError, "http_error"),
        (HttpAnswer(200, HTML, None), UnconfirmedError, "answer_not_json"),
        (HttpAnswer(200, {}, None), UnconfirmedError, "answer_not_json"),
        (HttpAnswer(200, JSON, None), UnconfirmedError, "answer_not_object"),
        (HttpAnswer(200, JSON, [1]), UnconfirmedError, "answer_not_object"),
    ],
)
def test_an_answer_has_a_code_and_a_family(answer: HttpAnswer, family: type[ExternalAuthError], code: str) -> None:
    error = from_answer(METHOD, answer, {})
    assert type(error) is family
    assert (error.code, error.method, error.status) == (code, METHOD, answer.status)
    assert str(error) == f"{METHOD}: {code}"


@pytest.mark.parametrize(
    ("exception", "family", "code"),
    [
        (aiohttp.ConnectionTimeoutError(), UnreachableError, TransportCode.CONNECTION_FAILED),
        (aiohttp.SocketTimeoutError(), UnconfirmedError, TransportCode.TIMEOUT),
        (TimeoutError(), UnconfirmedError, TransportCode.TIMEOUT),
        (aiohttp.ServerDisconnectedError(), UnconfirmedError, TransportCode.CONNECTION_FAILED),
        (aiohttp.ClientPayloadError(), UnconfirmedError, TransportCode.CONNECTION_FAILED),
        (ConnectionResetError(), UnconfirmedError, TransportCode.CONNECTION_FAILED),
        (ValueError("truncated"), UnconfirmedError, TransportCode.ANSWER_NOT_JSON),
    ],
)
def test_an_exception_has_a_code_and_a_family(
    exception: Exception, family: type[ExternalAuthError], code: TransportCode
) -> None:
    error = from_exception(METHOD, exception)
    assert type(error) is family
    assert (error.code, error.method, error.status) == (code, METHOD, None)


def test_slacks_own_words_are_kept() -> None:
    body = {"error": "x", "needed": "a", "provided": "b", "response_metadata": {"messages": ["one", 2]}}
    error = from_answer(METHOD, HttpAnswer(200, JSON, body), {})
    assert (error.needed, error.provided, error.detail) == ("a", "b", ("one", "2"))


@pytest.mark.parametrize("metadata", [None, [], "x", {}, {"messages": "x"}, {"messages": None}])
def test_odd_details_are_left_out(metadata: object) -> None:
    body = {"error": "x", "needed": "", "provided": 7, "response_metadata": metadata}
    error = from_answer(METHOD, HttpAnswer(200, JSON, body), {})
    assert (error.needed, error.provided, error.detail) == (None, None, ())


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "30"}, 30),
        ({"retry-after": ["7", "8"]}, 7),
        ({"RETRY-AFTER": " 5 "}, 5),
        ({"Retry-After": "0"}, 1),
        ({"Retry-After": "99999"}, 99999),
        ({"Retry-After": "100000"}, None),
        ({"Retry-After": "-1"}, None),
        ({"Retry-After": "1.5"}, None),
        ({"Retry-After": "٣"}, None),
        ({"Retry-After": []}, None),
        ({"Other": "3"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_strictly(headers: dict[str, object], seconds: int | None) -> None:
    error = from_answer(METHOD, HttpAnswer(429, headers, {}), {})
    assert isinstance(error, RateLimitedError)
    assert error.retry_after == seconds


def test_slacks_words_do_not_repeat_what_was_pasted() -> None:
    pasted = "Zm9vYmFyYmF6cXV4" * 3
    body = {
        "error": "x",
        "response_metadata": {"messages": [f"bad: {pasted}", "Bearer abcdefghijklmnop", "Et1 is odd"]},
    }
    error = from_answer(METHOD, HttpAnswer(200, JSON, body), {"external_token_id": pasted, "force_refresh": True})
    assert error.detail == ("bad: Zm9v… (48 characters)", "[redacted]", "Et1 is odd")


def test_only_the_first_of_endless_details_are_kept() -> None:
    said = ["the first", "x" * 1990 + " ghp_" + "a1B2" * 9, *["another"] * 100_000]
    error = from_answer("m", HttpAnswer(200, {}, {"error": "failed", "response_metadata": {"messages": said}}), {})
    assert error.detail[0] == "the first"
    assert len(error.detail) == 20
    assert len(error.detail[1]) <= 2000
    assert "ghp_" not in error.detail[1]
