"""Fetching a token, as the people of a workspace do it."""

import pytest

from bot.operation import Operation
from bot.settings import Transport
from tests.explanations.expected import title
from tests.harness import ADMIN, GUEST, MEMBER, Harness, open_harness, over_both_transports


@over_both_transports
async def test_a_typed_id_gives_the_masked_token_with_its_buttons(harness: Harness) -> None:
    token = harness.state.tokens["EtGoogle0001"]

    message = await harness.types("/extauth get EtGoogle0001")

    read = harness.read(message)
    assert f"{token.value[:4]}••••••••{token.value[-4:]}" in read
    assert f"{len(token.value)} characters" in read
    assert "[Show token] [Force refresh] [Delete…]" in read
    assert "• scope: openid email" in read
    assert "• token_type: Bearer" in read
    assert "• id_token: ••••••••" in read
    assert harness.calls("apps.auth.external.get") == [{"external_token_id": "EtGoogle0001"}]


@pytest.mark.parametrize(
    ("line", "sent"),
    [
        ("/extauth get EtGoogle0001 --force-refresh", True),
        ("/extauth get —force-refresh EtGoogle0001", True),
        ("/extauth GET external_token_id=EtGoogle0001 force_refresh=true", True),
        ("/extauth get --external-token-id `EtGoogle0001`, –force_refresh=false", False),
    ],
)
async def test_a_forced_refresh_is_sent_as_it_was_typed(harness: Harness, line: str, sent: bool) -> None:
    await harness.types(line)

    assert harness.calls("apps.auth.external.get") == [{"external_token_id": "EtGoogle0001", "force_refresh": sent}]
    assert harness.state.tokens["EtGoogle0001"].refreshes == int(sent)


async def test_show_opens_the_whole_token_in_a_dialog_and_nowhere_else(harness: Harness) -> None:
    token = harness.state.tokens["EtLong000001"].value
    assert len(token) == 6000

    view = await harness.opens("/extauth get EtLong000001 --show")

    shown = [
        element["elements"][0]["text"]
        for block in view.content["blocks"]
        if block["type"] == "rich_text"
        for element in block["elements"]
    ]
    assert shown == [token]
    assert harness.workspace.messages(ADMIN) == []


@over_both_transports
async def test_the_show_button_fetches_again_and_shows_the_token_in_a_dialog(harness: Harness) -> None:
    message = await harness.types("/extauth get EtGoogle0001")
    harness.state.tokens["EtGoogle0001"].value = "a-newer-token-than-was-masked"

    view = await harness.presses_for_dialog(message, "Show token")

    assert "a-newer-token-than-was-masked" in harness.read(view)
    assert len(harness.calls("apps.auth.external.get")) == 2


@over_both_transports
async def test_the_refresh_button_replaces_the_message(harness: Harness) -> None:
    first = await harness.types("/extauth get EtGoogle0001")

    second = await harness.presses(first, "Force refresh")

    assert "Token refreshed" in harness.read(second)
    assert harness.workspace.messages(ADMIN) == [second]
    assert harness.state.tokens["EtGoogle0001"].refreshes == 1


async def test_a_failed_refresh_leaves_the_message_in_place(harness: Harness) -> None:
    first = await harness.types("/extauth get EtGitHub0001")

    second = await harness.presses(first, "Force refresh")

    assert title("no_refresh_token", Operation.REFRESH) in harness.read(second)
    assert harness.workspace.messages(ADMIN) == [first, second]


async def test_a_jwt_tells_when_it_expires(harness: Harness) -> None:
    harness.state.tokens["EtGoogle0002"].is_expired = False

    message = await harness.types("/extauth get EtGoogle0002")

    assert "Expires " in harness.read(message)


@over_both_transports
async def test_the_dialog_of_the_command_answers_in_the_channel(harness: Harness) -> None:
    view = await harness.opens("/extauth get")

    message = await harness.sends(view, external_token_id=" `EtGoogle0001` ", options=["force_refresh"])

    assert "Token refreshed" in harness.read(message)
    assert harness.calls("apps.auth.external.get") == [{"external_token_id": "EtGoogle0001", "force_refresh": True}]


async def test_the_dialog_can_show_the_token_right_away(harness: Harness) -> None:
    view = await harness.opens("/extauth get")

    shown = await harness.submits(view, external_token_id="EtShort00001", options=["show"])

    assert "tiny-token" in harness.read(shown)
    assert harness.calls("apps.auth.external.get") == [{"external_token_id": "EtShort00001"}]


@over_both_transports
async def test_the_dialog_says_beside_the_field_what_is_wrong(transport: Transport) -> None:
    async with open_harness(transport, EXTAUTH_LIST_ALLOW="owners") as harness:
        view = await harness.opens("/extauth get")

        await harness.submits(view, external_token_id="Et 1")
        wrong = "That isn't a token ID. It can't have a space or a line break inside."
        assert view.errors == {"external_token_id": wrong}

        await harness.submits(view, external_token_id="` `")
        assert view.errors == {"external_token_id": "Enter a token ID."}
        assert harness.calls("apps.auth.external.get") == []


async def test_flags_without_an_id_open_the_dialog_with_them_ticked(harness: Harness) -> None:
    view = await harness.opens("/extauth get --force-refresh --show")

    assert "[x] Force a refresh" in harness.read(view)
    assert "[x] Show the token in full" in harness.read(view)


@over_both_transports
async def test_the_shortcut_answers_inside_its_dialog(harness: Harness) -> None:
    view = await harness.opens_by_shortcut()
    assert "What do you want to do?" in harness.read(view)

    result = await harness.submits(view, external_token_id="EtGoogle0001")
    assert "[Show token] [Force refresh] [Delete…]" in harness.read(result)

    shown = await harness.presses_in_dialog(result, "Show token")
    assert harness.state.tokens["EtGoogle0001"].value in harness.read(shown)
    assert harness.workspace.messages(ADMIN) == []


async def test_a_dialog_that_was_open_for_half_an_hour_answers_inside_itself(harness: Harness) -> None:
    view = await harness.opens("/extauth get")
    harness.clock.advance(30 * 60)

    result = await harness.submits(view, external_token_id="EtGoogle0001")

    assert "[Show token]" in harness.read(result)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("/extauth", "fetch tokens"),
        ("/extauth get", "fetch tokens"),
        ("/extauth get EtGoogle0001", "fetch tokens"),
        ("/extauth get Et1 --show", "show tokens in full"),
        ("/extauth test Et1", "test accounts"),
    ],
)
async def test_a_guest_is_refused_everywhere(harness: Harness, line: str, what: str) -> None:
    message = await harness.types(line, GUEST)

    assert f"You don't have permission to {what}" in harness.read(message)
    assert "Guests can't use external tokens. Ask workspace admins and owners." in harness.read(message)
    assert harness.workspace.dialog(GUEST) is None
    assert harness.calls("apps.auth.external.get") == []


async def test_a_guest_is_refused_in_the_shortcuts_dialog(harness: Harness) -> None:
    view = await harness.opens_by_shortcut(GUEST)

    assert "You don't have permission to fetch tokens" in harness.read(view)


async def test_a_member_learns_whom_to_ask(harness: Harness) -> None:
    message = await harness.types("/extauth get EtGoogle0001", MEMBER)

    assert "Only workspace admins and owners can. Ask one of them." in harness.read(message)


async def test_standing_that_went_away_between_dialog_and_submission_counts(harness: Harness) -> None:
    view = await harness.opens("/extauth get")
    harness.demote(ADMIN)

    message = await harness.sends(view, external_token_id="EtGoogle0001")

    assert "You don't have permission to fetch tokens" in harness.read(message)
    assert harness.calls("apps.auth.external.get") == []


async def test_standing_that_went_away_between_message_and_button_counts(harness: Harness) -> None:
    message = await harness.types("/extauth get EtGoogle0001")
    harness.demote(ADMIN)

    assert "You don't have permission to show" in harness.read(await harness.presses(message, "Show token"))
    assert "You don't have permission to fetch" in harness.read(await harness.presses(message, "Force refresh"))
    assert "You don't have permission to delete" in harness.read(await harness.presses(message, "Delete…"))


async def test_nobody_is_let_in_when_slack_does_not_say_who_they_are(harness: Harness) -> None:
    harness.slack.web_api.failures["users.info"] = "missing_scope"

    message = await harness.types("/extauth get EtGoogle0001")

    assert "Slack couldn't say who you are" in harness.read(message)
    assert harness.calls("apps.auth.external.get") == []
