"""Every failure reaches the person as its own explanation, over both transports."""

import json
from pathlib import Path

import pytest

from bot.explanations import Asked, explain
from bot.sandbox.faults import TRANSPORT_FAULTS
from tests.office import ADMIN, Office, open_office

FACTS = json.loads((Path(__file__).parents[1] / "facts" / "external-auth.json").read_text())
COMMON = [code for group in ("common_errors", "external_auth_log_errors") for code in FACTS[group] if code[0] != "_"]
GET_CODES = [*FACTS["methods"]["apps.auth.external.get"]["errors"], *COMMON]
DELETE_CODES = [*FACTS["methods"]["apps.auth.external.delete"]["errors"], *COMMON]

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


async def _assert_explains(office: Office, line: str, code: str, asked: Asked) -> None:
    message = await office.types(line)
    read, expected = office.read(message), explain(code, asked)
    assert read.startswith(expected.title), (code, read)
    assert f"answered {code}" in read
    assert ("[Try again]" in read) == expected.retry
    assert "Reference" in read


async def test_every_code_after_get_is_explained(office: Office) -> None:
    office.slack.web_api.rate_limits.is_on = False
    for code in GET_CODES:
        await _assert_explains(office, f"/extauth get EtErr.{code}", code, Asked.GET)
        await _assert_explains(office, f"/extauth get EtErr.{code} --force-refresh", code, Asked.REFRESH)


async def test_every_code_after_delete_is_explained(office: Office) -> None:
    office.slack.web_api.rate_limits.is_on = False
    for code in DELETE_CODES:
        await _assert_explains(office, f"/extauth delete EtErr.{code} --yes", code, Asked.DELETE_ONE)
        view = await office.opens(f"/extauth delete --provider-key err.{code}")
        message = await office.sends(view, typed_name=f"err.{code}")
        assert office.read(message).startswith(explain(code, Asked.DELETE_MANY).title)


@pytest.mark.parametrize("fault", TRANSPORT_CODES)
async def test_every_broken_answer_is_explained(office: Office, fault: str) -> None:
    code = TRANSPORT_CODES[fault]
    await _assert_explains(office, f"/extauth get EtErr.{fault}", code, Asked.GET)
    assert "may have happened" not in office.read(office.workspace.messages(ADMIN)[-1])
    if fault != "no-token":
        await _assert_explains(office, f"/extauth delete EtErr.{fault} --yes", code, Asked.DELETE_ONE)
        read = office.read(office.workspace.messages(ADMIN)[-1])
        assert ("The deletion may have happened all the same" in read) == (fault != "429")


async def test_a_delete_and_a_forced_refresh_are_never_repeated(office: Office) -> None:
    await office.types("/extauth get EtErr.disconnect")
    assert len(office.calls("apps.auth.external.get")) == 2
    await office.types("/extauth get EtErr.disconnect --force-refresh")
    assert len(office.calls("apps.auth.external.get")) == 3
    await office.types("/extauth delete EtErr.disconnect --yes")
    assert len(office.calls("apps.auth.external.delete")) == 1


async def test_a_code_nobody_knows_is_explained_honestly(office: Office) -> None:
    read = office.read(await office.types("/extauth get EtErr.brand_new_code"))

    assert read.startswith("Slack refused, with a code this bot does not know")
    assert "answered brand_new_code" in read


async def test_slacks_own_detail_is_passed_on(office: Office) -> None:
    assert "Needed: external_tokens:read · provided: commands,users:read" in office.read(
        await office.types("/extauth get EtErr.missing_scope")
    )
    assert "[ERROR] provider_key needs <app_id> & more" in office.read(
        await office.types("/extauth delete EtErr.invalid_args --yes")
    )


async def test_the_operators_token_is_used_for_the_two_methods_only(transport: str) -> None:
    async with open_office(transport, EXTAUTH_API_TOKEN="xoxp-may-use-them") as office:  # type: ignore[arg-type]
        office.state.api_tokens = {"xoxp-may-use-them"}

        assert "Show token" in office.read(await office.types("/extauth get EtGoogle0001"))


async def test_a_bot_token_that_may_not_is_explained(office: Office) -> None:
    office.state.api_tokens = set()

    assert "EXTAUTH_API_TOKEN" in office.read(await office.types("/extauth get EtGoogle0001"))


async def test_try_again_asks_again_and_replaces_the_failure(office: Office) -> None:
    office.slack.web_api.failures["apps.auth.external.get"] = "internal_error"
    failure = await office.types("/extauth get EtGoogle0001 --force-refresh")

    again = await office.presses(failure, "Try again")
    assert "Slack had a hiccup" in office.read(again)
    assert office.workspace.messages(ADMIN) == [again]

    del office.slack.web_api.failures["apps.auth.external.get"]
    success = await office.presses(again, "Try again")
    assert "Refreshed just now" in office.read(success)
    assert office.workspace.messages(ADMIN) == [success]


async def test_try_again_in_a_dialog_shows_the_token_there(office: Office) -> None:
    office.slack.web_api.failures["apps.auth.external.get"] = "internal_error"
    view = await office.opens("/extauth get EtShort00001 --show")
    assert "Slack had a hiccup" in office.read(view)

    del office.slack.web_api.failures["apps.auth.external.get"]
    await office.workspace.press_in_dialog(view, "Try again")
    await office.state.until(lambda: "tiny-token" in office.read(view))


async def test_try_again_after_a_delete_asks_first(office: Office) -> None:
    office.slack.web_api.failures["apps.auth.external.delete"] = "unable_to_delete"
    failure = await office.types("/extauth delete EtGoogle0001 --yes")
    assert "The deletion may have happened all the same" in office.read(failure)

    del office.slack.web_api.failures["apps.auth.external.delete"]
    view = await office.presses_for_dialog(failure, "Try again")
    message = await office.sends(view)
    assert "Deleted" in office.read(message)
    assert office.workspace.messages(ADMIN) == [message]


async def test_a_message_that_cannot_be_posted_leaves_the_bot_well(office: Office) -> None:
    for address in office.state.response_urls.values():
        address.uses = 5
    office.state.messages.clear()

    message = await office.types("/extauth get EtGoogle0001")
    for _ in range(5):
        message = await office.presses(message, "Force refresh")
    assert "Refreshed" in office.read(message)
