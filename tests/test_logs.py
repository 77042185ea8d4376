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
    logging.getLogger("bot.test").info("two\nlines", extra={"outcome": "fetched"})
    logs.reference.reset(token)
    line = json.loads(printed.getvalue())
    assert line["reference"] == "ABCD2345"
    assert line["message"] == "two\nlines"
    assert line["outcome"] == "fetched"
    assert line["level"] == "info"


def test_what_prints_bodies_at_debug_never_is_at_debug(printed: io.StringIO) -> None:
    for name in ("slack_sdk.web.async_client", "slack_sdk.webhook", "slack_bolt.AsyncApp", "aiohttp.client"):
        assert logging.getLogger(name).getEffectiveLevel() >= logging.INFO
    # slack_sdk compares the level itself, not the effective one.
    assert logs.sdk_logger.level >= logging.INFO
