"""A person whose `response_url` or modal no longer takes the answer is reached another way, and never with a token."""

import pytest

from bot.listeners.replies import MODAL_RETRY_SECONDS, RESPONSE_URL_SECONDS
from bot.sandbox.slack.channels import CHANNEL, DIRECT
from bot.sandbox.slack.state import Message
from tests.harness import ADMIN, Harness, over_both_transports


async def _types_with_a_used_url(harness: Harness) -> Message:
    """Type a command whose address is used up before the answer comes."""
    harness.slack.web_api.latency = 1.0
    assert await harness.workspace.command(ADMIN, "/extauth get EtGoogle0001")
    for address in harness.state.response_urls.values():
        address.uses = 5
    harness.slack.web_api.latency = 0
    harness.clock.advance(1.0)
    await harness.state.until(lambda: len(harness.workspace.messages(ADMIN)) == 1)
    return harness.workspace.messages(ADMIN)[0]


async def test_a_used_address_is_replaced_by_a_message_in_the_channel(harness: Harness) -> None:
    message = await _types_with_a_used_url(harness)
    assert message.channel == CHANNEL
    assert "[Show token]" in harness.read(message)
    assert harness.state.tokens["EtGoogle0001"].value not in repr(harness.state.messages)
    (call,) = harness.calls("chat.postEphemeral")
    assert (call["user"], call["channel"]) == (ADMIN, CHANNEL)
    # Its buttons work like any other's.
    assert "Token refreshed" in harness.read(await harness.presses(message, "Force refresh"))


@over_both_transports
@pytest.mark.parametrize("code", ["not_in_channel", "channel_not_found", "internal_error"])
async def test_without_the_bot_in_the_channel_it_is_a_direct_message(harness: Harness, code: str) -> None:
    harness.slack.web_api.channel_failures[CHANNEL] = code
    message = await _types_with_a_used_url(harness)
    assert message.channel == DIRECT
    assert "[Show token]" in harness.read(message)


async def test_an_address_that_grew_too_old_is_not_tried(harness: Harness) -> None:
    harness.slack.web_api.latency = RESPONSE_URL_SECONDS
    assert await harness.workspace.command(ADMIN, "/extauth help")
    await harness.clock.until_asleep(RESPONSE_URL_SECONDS)
    harness.slack.web_api.latency = 0
    harness.clock.advance(RESPONSE_URL_SECONDS)
    await harness.state.until(lambda: len(harness.workspace.messages(ADMIN)) == 1)
    assert harness.calls("response_url") == []
    assert len(harness.calls("chat.postEphemeral")) == 1


@pytest.mark.parametrize("passes", [True, False])
async def test_a_token_whose_modal_cannot_be_updated_is_never_in_a_message(harness: Harness, passes: bool) -> None:
    harness.slack.web_api.failures["views.update"] = "internal_error"
    assert await harness.workspace.command(ADMIN, "/extauth get EtGoogle0001 --show")
    for tries, seconds in enumerate(MODAL_RETRY_SECONDS, start=1):
        await harness.state.until(lambda tries=tries: len(harness.calls("views.update")) == tries)  # type: ignore[misc]
        await harness.clock.until_asleep(seconds)
        if passes and seconds == MODAL_RETRY_SECONDS[-1]:
            harness.slack.web_api.failures.clear()
        harness.clock.advance(seconds)
    value = harness.state.tokens["EtGoogle0001"].value
    if passes:
        view = harness.workspace.dialog(ADMIN)
        await harness.state.until(lambda: view is not None and value in harness.read(view))
        assert harness.workspace.messages(ADMIN) == []
    else:
        await harness.state.until(lambda: len(harness.workspace.messages(ADMIN)) == 1)
        read = harness.read(harness.workspace.messages(ADMIN)[0])
        assert "Slack didn't show the result in the dialog, and it can't be in a message." in read
        assert value not in repr(harness.state.messages)


@over_both_transports
async def test_a_shortcut_whose_modal_does_not_open_is_answered_directly(harness: Harness) -> None:
    harness.slack.web_api.failures["views.open"] = "internal_error"
    assert await harness.workspace.shortcut(ADMIN, "external_tokens")
    await harness.state.until(lambda: len(harness.workspace.messages(ADMIN)) == 1)
    (message,) = harness.workspace.messages(ADMIN)
    assert message.channel == DIRECT
    assert "Slack didn't open the dialog." in harness.read(message)


async def test_who_cannot_be_reached_at_all_is_logged(harness: Harness, caplog: pytest.LogCaptureFixture) -> None:
    harness.slack.web_api.scopes -= {"chat:write"}
    harness.slack.web_api.failures["views.open"] = "internal_error"
    assert await harness.workspace.shortcut(ADMIN, "external_tokens")
    await harness.state.until(lambda: len(harness.calls("chat.postMessage")) == 1)
    await harness.types("/extauth help")
    assert "an answer couldn't be posted" in caplog.messages
