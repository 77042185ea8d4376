"""Fetching a token, as the people of a workspace do it."""

import pytest

from tests.office import ADMIN, GUEST, MEMBER, Office


async def test_a_typed_id_gives_the_masked_token_with_its_buttons(office: Office) -> None:
    token = office.state.tokens["EtGoogle0001"]

    message = await office.types("/extauth get EtGoogle0001")

    read = office.read(message)
    assert f"{token.value[:4]}••••••••{token.value[-4:]}" in read
    assert f"{len(token.value)} characters" in read
    assert "[Show token] [Force refresh] [Delete…]" in read
    assert "• scope: openid email" in read
    assert "• token_type: Bearer" in read
    assert "• id_token: ••••••••" in read
    assert office.calls("apps.auth.external.get") == [{"external_token_id": "EtGoogle0001"}]


@pytest.mark.parametrize(
    ("line", "sent"),
    [
        ("/extauth get EtGoogle0001 --force-refresh", True),
        ("/extauth get —force-refresh EtGoogle0001", True),
        ("/extauth GET external_token_id=EtGoogle0001 force_refresh=true", True),
        ("/extauth get --external-token-id `EtGoogle0001`, –force_refresh=false", False),
    ],
)
async def test_a_forced_refresh_is_sent_as_it_was_typed(office: Office, line: str, sent: bool) -> None:
    await office.types(line)

    assert office.calls("apps.auth.external.get") == [{"external_token_id": "EtGoogle0001", "force_refresh": sent}]
    assert office.state.tokens["EtGoogle0001"].refreshes == int(sent)


async def test_show_opens_the_whole_token_in_a_dialog_and_nowhere_else(office: Office) -> None:
    token = office.state.tokens["EtLong000001"].value
    assert len(token) == 6000

    view = await office.opens("/extauth get EtLong000001 --show")

    shown = [
        element["elements"][0]["text"]
        for block in view.content["blocks"]
        if block["type"] == "rich_text"
        for element in block["elements"]
    ]
    assert shown == [token]
    assert office.workspace.messages(ADMIN) == []


async def test_the_show_button_fetches_again_and_shows_the_token_in_a_dialog(office: Office) -> None:
    message = await office.types("/extauth get EtGoogle0001")
    office.state.tokens["EtGoogle0001"].value = "a-newer-token-than-was-masked"

    view = await office.presses_for_dialog(message, "Show token")

    assert "a-newer-token-than-was-masked" in office.read(view)
    assert len(office.calls("apps.auth.external.get")) == 2


async def test_the_refresh_button_replaces_the_message(office: Office) -> None:
    first = await office.types("/extauth get EtGoogle0001")

    second = await office.presses(first, "Force refresh")

    assert "Refreshed just now" in office.read(second)
    assert office.workspace.messages(ADMIN) == [second]
    assert office.state.tokens["EtGoogle0001"].refreshes == 1


async def test_a_failed_refresh_leaves_the_message_in_place(office: Office) -> None:
    first = await office.types("/extauth get EtGitHub0001")

    second = await office.presses(first, "Force refresh")

    assert "This token cannot be refreshed" in office.read(second)
    assert office.workspace.messages(ADMIN) == [first, second]


async def test_a_jwt_tells_when_it_expires(office: Office) -> None:
    office.state.tokens["EtGoogle0002"].is_expired = False

    message = await office.types("/extauth get EtGoogle0002")

    assert "Expires " in office.read(message)


async def test_the_dialog_of_the_command_answers_in_the_channel(office: Office) -> None:
    view = await office.opens("/extauth get")

    message = await office.sends(view, external_token_id=" `EtGoogle0001` ", options=["force_refresh"])

    assert "Refreshed just now" in office.read(message)
    assert office.calls("apps.auth.external.get") == [{"external_token_id": "EtGoogle0001", "force_refresh": True}]


async def test_the_dialog_can_show_the_token_right_away(office: Office) -> None:
    view = await office.opens("/extauth get")

    shown = await office.submits(view, external_token_id="EtShort00001", options=["show"])

    assert "tiny-token" in office.read(shown)
    assert office.calls("apps.auth.external.get") == [{"external_token_id": "EtShort00001"}]


async def test_the_dialog_says_beside_the_field_what_is_wrong(office: Office) -> None:
    view = await office.opens("/extauth get")

    await office.submits(view, external_token_id="Et 1")
    assert view.errors == {"external_token_id": "This cannot be a token id. It has a space or a line break inside."}

    await office.submits(view, external_token_id="` `")
    assert view.errors == {"external_token_id": "Please fill in the id of a token."}
    assert office.calls("apps.auth.external.get") == []


async def test_flags_without_an_id_open_the_dialog_with_them_ticked(office: Office) -> None:
    view = await office.opens("/extauth get --force-refresh --show")

    assert "(x) Force a refresh" in office.read(view)
    assert "(x) Show the token right away" in office.read(view)


async def test_the_shortcut_answers_inside_its_dialog(office: Office) -> None:
    view = await office.opens_by_shortcut()
    assert "What do you want to do?" in office.read(view)

    result = await office.submits(view, external_token_id="EtGoogle0001")
    assert "[Show token] [Force refresh] [Delete…]" in office.read(result)

    shown = await office.presses_in_dialog(result, "Show token")
    assert office.state.tokens["EtGoogle0001"].value in office.read(shown)
    assert office.workspace.messages(ADMIN) == []


async def test_a_dialog_that_was_open_for_half_an_hour_answers_inside_itself(office: Office) -> None:
    view = await office.opens("/extauth get")
    office.clock.advance(30 * 60)

    result = await office.submits(view, external_token_id="EtGoogle0001")

    assert "[Show token]" in office.read(result)


@pytest.mark.parametrize("line", ["/extauth", "/extauth get", "/extauth get EtGoogle0001", "/extauth get Et1 --show"])
async def test_a_guest_is_refused_everywhere(office: Office, line: str) -> None:
    message = await office.types(line, GUEST)

    assert "You may not fetch tokens here" in office.read(message)
    assert "Guests of a workspace cannot use external tokens" in office.read(message)
    assert office.workspace.dialog(GUEST) is None
    assert office.calls("apps.auth.external.get") == []


async def test_a_guest_is_refused_in_the_shortcuts_dialog(office: Office) -> None:
    view = await office.opens_by_shortcut(GUEST)

    assert "You may not fetch tokens here" in office.read(view)


async def test_a_member_learns_whom_to_ask(office: Office) -> None:
    message = await office.types("/extauth get EtGoogle0001", MEMBER)

    assert "That is for workspace admins and owners. Ask one of them." in office.read(message)


async def test_standing_that_went_away_between_dialog_and_submission_counts(office: Office) -> None:
    view = await office.opens("/extauth get")
    office.demote(ADMIN)

    message = await office.sends(view, external_token_id="EtGoogle0001")

    assert "You may not fetch tokens here" in office.read(message)
    assert office.calls("apps.auth.external.get") == []


async def test_standing_that_went_away_between_message_and_button_counts(office: Office) -> None:
    message = await office.types("/extauth get EtGoogle0001")
    office.demote(ADMIN)

    assert "You may not fetch" in office.read(await office.presses(message, "Show token"))
    assert "You may not fetch" in office.read(await office.presses(message, "Force refresh"))
    assert "You may not delete" in office.read(await office.presses(message, "Delete…"))


async def test_nobody_is_let_in_when_slack_does_not_say_who_they_are(office: Office) -> None:
    office.slack.web_api.failures["users.info"] = "missing_scope"

    message = await office.types("/extauth get EtGoogle0001")

    assert "Slack did not tell the bot who you are" in office.read(message)
    assert office.calls("apps.auth.external.get") == []
