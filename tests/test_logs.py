"""What is printed, and what never is."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot import logs

SECRETS = [
    "xoxb-123-456-abcDEF",
    "xoxp-1-2-3-ab",
    "xoxe.xoxb-1-abc_def",
    "xapp-1-A0-123-abc",
    "https://hooks.slack.com/commands/T1/2/abc",
    "http://127.0.0.1:8080/actions/T1/2/abc",
    "wss://wss-primary.slack.com/link/?ticket=a1b2c3d4&app_id=1",
]


@pytest.fixture
def printed() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    logs.configure("DEBUG", "json", stream)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)


def test_silence_is_complete(printed: io.StringIO, capfd: pytest.CaptureFixture[str]) -> None:
    logs.silence()
    logging.getLogger("bot.test").error("something is wrong")
    assert printed.getvalue() + "".join(capfd.readouterr()) == ""


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_redacted_wherever_it_turns_up(printed: io.StringIO, secret: str) -> None:
    log = logging.getLogger("bot.test")
    log.debug("in the message: %s", secret)
    log.info("in a field", extra={"field": {"deep": [secret]}})
    try:
        raise RuntimeError(f"in an exception: {secret}")
    except RuntimeError:
        log.exception("oh")
    assert secret not in printed.getvalue()
    assert "a1b2c3d4" not in printed.getvalue()
    assert printed.getvalue().count("[redacted]") >= 3


def test_a_traceback_of_endless_recursion_is_short(printed: io.StringIO) -> None:
    # A traceback sums up calls only where each is of the same line.
    def begin() -> None:
        again()

    def again() -> None:
        begin()

    try:
        begin()
    except RecursionError:
        logging.getLogger("bot.test").exception("oh")
    assert "RecursionError" in printed.getvalue()
    assert len(printed.getvalue()) < 10_000


def test_a_slack_error_prints_its_code_and_not_its_response(printed: io.StringIO) -> None:
    response = AsyncSlackResponse(
        client=AsyncWebClient(),
        http_verb="POST",
        api_url="https://slack.com/api/x",
        req_args={},
        data={"ok": False, "error": "internal_error", "external_token": "canary"},
        headers={},
        status_code=200,
    )
    try:
        try:
            raise SlackApiError("failed", response)  # type: ignore[no-untyped-call]
        except SlackApiError as error:
            raise ValueError("on top") from error
    except ValueError:
        logging.getLogger("bot.test").exception("oh")
    assert "canary" not in printed.getvalue()
    assert "code internal_error" in printed.getvalue()
    assert "on top" in printed.getvalue()


def test_each_line_is_an_object_with_the_reference(printed: io.StringIO) -> None:
    token = logs.reference.set("ABCD2345")
    logging.getLogger("bot.test").info("two\nlines\u2028\x85", extra={"outcome": "fetched"})
    logs.reference.reset(token)
    line = json.loads(printed.getvalue())
    assert line["reference"] == "ABCD2345"
    assert line["message"] == "two\nlines\u2028\x85"
    assert printed.getvalue().splitlines() == [printed.getvalue()[:-1]]
    assert line["outcome"] == "fetched"
    assert line["level"] == "info"


def test_what_prints_bodies_at_debug_never_is_at_debug(printed: io.StringIO) -> None:
    for name in ("slack_sdk.web.async_client", "slack_sdk.webhook", "slack_bolt.AsyncApp", "aiohttp.client"):
        assert logging.getLogger(name).getEffectiveLevel() >= logging.INFO
    # slack_sdk compares the level itself, not the effective one.
    assert logs.sdk_logger.level >= logging.INFO


FORGED = "fine\n2026-01-01T00:00:00Z error   \x1b[31mforged line\r\u2028next"


def test_no_text_from_outside_can_forge_a_line_of_text() -> None:
    stream = io.StringIO()
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    logs.configure("DEBUG", "text", stream)
    try:
        logging.getLogger("bot.test").info("message %s", FORGED, extra={"field": FORGED})
        try:
            raise ValueError(FORGED)
        except ValueError:
            logging.getLogger("bot.test").exception("broken %s", FORGED)
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    lines = stream.getvalue().split("\n")
    own = [line for line in lines if line.startswith("20")]
    assert len(own) == 2
    assert all(line.startswith(("20", "    | ")) or not line for line in lines)
    assert "\x1b" not in stream.getvalue()
    assert "\u2028" not in stream.getvalue()


@pytest.mark.parametrize(
    "token", ["gho_16C7e42F292c6912E7710c838347Ae178B4a", "ya29.a0AfH6SMBx-x_x", "Bearer abcdefgh12345"]
)
def test_a_known_token_of_any_provider_is_redacted(printed: io.StringIO, token: str) -> None:
    logging.getLogger("bot.test").error("typed %s", token, extra={"text": f"get {token}"})
    assert token.rsplit(maxsplit=1)[-1] not in printed.getvalue()


@pytest.mark.parametrize("error", ["Bad <script>", "x" * 101, "", None, 7, "ya29.a0AfH6SMBx-x"])
def test_a_code_that_is_none_of_slacks_is_unknown(error: object) -> None:
    response = AsyncSlackResponse(
        client=AsyncWebClient(),
        http_verb="POST",
        api_url="https://slack.com/api/x",
        req_args={},
        data={"ok": False, "error": error},
        headers={},
        status_code=200,
    )
    assert logs.slack_code(SlackApiError("failed", response)) == "unknown"  # type: ignore[no-untyped-call]
