"""Every failure reaches the person as its own explanation."""

from collections.abc import AsyncIterator

import pytest

from bot.operation import Operation
from bot.sandbox.slack.faults import TRANSPORT_FAULTS
from bot.settings import Transport
from tests.explanations.expected import DELETE_CODES, GET_CODES, UNKNOWN_TITLE, expected, title
from tests.harness import ADMIN, Harness, open_harness, open_hasty_harness, over_both_transports

TRANSPORT_CODES = {
    "429": "ratelimited",
    "503": "http_error",
    "500-text": "http_error",
    "html": "answer_not_json",
    "text": "answer_not_json",
    "broken-json": "answer_not_json",
    "list": "answer_not_object",
    "empty-list": "answer_not_object",
    "null": "answer_not_object",
    "no-ok": "answer_without_ok",
    "empty-object": "answer_without_ok",
    "no-token": "answer_without_token",
    "timeout": "timeout",
    "disconnect": "connection_failed",
}


def test_every_fault_of_the_simulator_is_tried() -> None:
    assert set(TRANSPORT_CODES) == set(TRANSPORT_FAULTS)


async def _assert_explains(harness: Harness, line: str, code: str, operation: Operation) -> None:
    message = await harness.types(line)
    read, row = harness.read(message), expected(code, operation)
    assert read[2:].startswith(row.title), (code, read)
    assert f"answered {code}" in read
    assert ("[Try again]" in read) == row.retry
    assert "Reference" in read


async def test_every_code_after_get_is_explained(harness: Harness) -> None:
    harness.slack.web_api.rate_limits.is_on = False
    for code in GET_CODES:
        await _assert_explains(harness, f"/extauth get EtErr.{code}", code, Operation.GET)
        await _assert_explains(harness, f"/extauth get EtErr.{code} --force-refresh", code, Operation.REFRESH)


async def test_every_code_after_delete_is_explained(harness: Harness) -> None:
    harness.slack.web_api.rate_limits.is_on = False
    for code in DELETE_CODES:
        await _assert_explains(harness, f"/extauth delete EtErr.{code} --yes", code, Operation.DELETE)
        view = await harness.opens(f"/extauth delete --provider-key err.{code}")
        message = await harness.sends(view, typed_name=f"err.{code}")
        assert harness.read(message)[2:].startswith(title(code, Operation.DELETE_MANY))


@pytest.fixture
async def hasty(transport: Transport) -> AsyncIterator[Harness]:
    """A bot to which Slack can be too slow."""
    async with open_hasty_harness(transport) as opened:
        yield opened


@pytest.mark.parametrize("fault", TRANSPORT_CODES)
async def test_every_broken_answer_is_explained(hasty: Harness, fault: str) -> None:
    harness, code = hasty, TRANSPORT_CODES[fault]
    await _assert_explains(harness, f"/extauth get EtErr.{fault}", code, Operation.GET)
    assert "may still have gone through" not in harness.read(harness.workspace.messages(ADMIN)[-1])
    if fault != "no-token":
        await _assert_explains(harness, f"/extauth delete EtErr.{fault} --yes", code, Operation.DELETE)
        read = harness.read(harness.workspace.messages(ADMIN)[-1])
        assert ("The deletion may still have gone through" in read) == (fault != "429")


@over_both_transports
async def test_a_delete_and_a_forced_refresh_are_never_repeated(harness: Harness) -> None:
    await harness.types("/extauth get EtErr.disconnect")
    assert len(harness.calls("apps.auth.external.get")) == 2
    await harness.types("/extauth get EtErr.disconnect --force-refresh")
    assert len(harness.calls("apps.auth.external.get")) == 3
    await harness.types("/extauth delete EtErr.disconnect --yes")
    assert len(harness.calls("apps.auth.external.delete")) == 1


async def test_a_code_nobody_knows_is_explained_honestly(harness: Harness) -> None:
    read = harness.read(await harness.types("/extauth get EtErr.brand_new_code"))

    assert read[2:].startswith(UNKNOWN_TITLE)
    assert "answered brand_new_code" in read


async def test_slacks_own_detail_is_passed_on(harness: Harness) -> None:
    assert "Needed: external_tokens:read · Provided: commands,users:read" in harness.read(
        await harness.types("/extauth get EtErr.missing_scope")
    )
    assert "[ERROR] provider_key needs <app_id> & more" in harness.read(
        await harness.types("/extauth delete EtErr.invalid_args --yes")
    )


async def test_the_operators_token_is_used_for_the_two_methods_only(transport: Transport) -> None:
    async with open_harness(transport, EXTAUTH_API_TOKEN="xoxp-may-use-them") as harness:
        harness.state.api_tokens = {"xoxp-may-use-them"}

        assert "Show token" in harness.read(await harness.types("/extauth get EtGoogle0001"))


async def test_a_bot_token_that_may_not_is_explained(harness: Harness) -> None:
    harness.state.api_tokens = set()

    assert "EXTAUTH_API_TOKEN" in harness.read(await harness.types("/extauth get EtGoogle0001"))


@over_both_transports
async def test_try_again_asks_again_and_replaces_the_failure(harness: Harness) -> None:
    harness.slack.web_api.failures["apps.auth.external.get"] = "internal_error"
    failure = await harness.types("/extauth get EtGoogle0001 --force-refresh")

    again = await harness.presses(failure, "Try again")
    assert title("internal_error", Operation.REFRESH) in harness.read(again)
    assert harness.workspace.messages(ADMIN) == [again]

    del harness.slack.web_api.failures["apps.auth.external.get"]
    success = await harness.presses(again, "Try again")
    assert "Token refreshed" in harness.read(success)
    assert harness.workspace.messages(ADMIN) == [success]


async def test_try_again_in_a_dialog_shows_the_token_there(harness: Harness) -> None:
    harness.slack.web_api.failures["apps.auth.external.get"] = "internal_error"
    view = await harness.opens("/extauth get EtShort00001 --show")
    assert title("internal_error", Operation.GET) in harness.read(view)

    del harness.slack.web_api.failures["apps.auth.external.get"]
    await harness.workspace.press_in_dialog(view, "Try again")
    await harness.state.until(lambda: "tiny-token" in harness.read(view))


async def test_try_again_after_a_delete_asks_first(harness: Harness) -> None:
    harness.slack.web_api.failures["apps.auth.external.delete"] = "unable_to_delete"
    failure = await harness.types("/extauth delete EtGoogle0001 --yes")
    assert "The deletion may still have gone through" in harness.read(failure)

    del harness.slack.web_api.failures["apps.auth.external.delete"]
    view = await harness.presses_for_dialog(failure, "Try again")
    message = await harness.sends(view)
    assert "Deleted" in harness.read(message)
    assert harness.workspace.messages(ADMIN) == [message]


@over_both_transports
async def test_an_answer_that_cannot_be_posted_is_logged_and_the_next_command_is_answered(
    harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    harness.slack.web_api.scopes -= {"chat:write"}
    harness.slack.web_api.latency = 1.0
    assert await harness.workspace.command(ADMIN, "/extauth get EtGoogle0001")
    assert len(harness.state.response_urls) == 1
    for address in harness.state.response_urls.values():
        address.uses = 5
    harness.slack.web_api.latency = 0
    harness.clock.advance(1.0)
    await harness.state.until(lambda: len(harness.calls("response_url")) == 1)
    assert harness.workspace.messages(ADMIN) == []

    assert "[Show token]" in harness.read(await harness.types("/extauth get EtGoogle0001"))
    assert "an answer couldn't be posted" in caplog.messages
