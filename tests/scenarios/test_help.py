"""Help, and typed text that Extauth answers with help instead of asking Slack."""

import pytest

from bot.operation import Operation
from bot.settings import Transport
from tests.explanations.expected import title
from tests.harness import ADMIN, GUEST, MEMBER, Harness, open_harness

METHODS = ("apps.auth.external.get", "apps.auth.external.delete")


def asked(harness: Harness) -> int:
    """Return the number of requests to Slack for a token or a deletion."""
    return sum(len(harness.calls(method)) for method in METHODS)


async def test_each_command_stands_there_once_with_buttons_for_the_forms(harness: Harness) -> None:
    read = harness.read(await harness.types("/extauth help"))

    for command in ("get ID", "delete ID", "history [N] [ID | @PERSON] [--provider-key KEY]", "help [COMMAND]"):
        assert read.count(f"• /extauth {command}") == 1
    assert "✓ You can fetch tokens, show tokens in full, test accounts, delete tokens, " in read
    assert "[Get a token…] [Delete tokens…]" in read
    assert len(read.splitlines()) < 25


async def test_the_buttons_of_the_help_open_the_forms_and_answer_in_the_channel(harness: Harness) -> None:
    message = await harness.types("/extauth help")
    view = await harness.presses_for_dialog(message, "Get a token…")
    answer = await harness.sends(view, external_token_id="EtGoogle0001")
    assert "[Show token]" in harness.read(answer)
    assert harness.workspace.messages(ADMIN) == [message, answer], "the help stays"

    view = await harness.presses_for_dialog(message, "Delete tokens…")
    question = await harness.submits(view, external_token_id="EtGoogle0001")
    assert "Delete the token EtGoogle0001?" in harness.read(question)


async def test_guests_and_members_see_only_what_concerns_them(transport: Transport) -> None:
    async with open_harness(transport, EXTAUTH_GET_ALLOW="members") as harness:
        guest = harness.read(await harness.types("/extauth help", GUEST))
        assert "Guests can't use external tokens." in guest
        assert "/extauth get" not in guest
        assert "[" not in guest
        member = harness.read(await harness.types("/extauth help", MEMBER))
        assert "✓ You can fetch tokens, show tokens in full, and test accounts.\n" in member
        assert "✕ You can't delete tokens, list connected accounts, connect accounts, or " in member
        assert "/extauth delete ID" not in member
        assert "[Get a token…]" in member
        assert "Delete tokens…" not in member


@pytest.mark.parametrize("line", ["help get", "get --help", "get EtGoogle0001 -h", "Get help", "get —help", "help GET"])
async def test_help_on_a_command(harness: Harness, line: str) -> None:
    read = harness.read(await harness.types(f"/extauth {line}"))

    assert "How to use /extauth get" in read
    assert "• --force-refresh  gets a new token from the provider" in read
    assert asked(harness) == 0


async def test_help_on_help_and_on_nothing_there_is(harness: Harness) -> None:
    assert "How to use /extauth help" in harness.read(await harness.types("/extauth help help"))
    read = harness.read(await harness.types("/extauth help gte"))
    assert "✕ /extauth has no command “gte”." in read


@pytest.mark.parametrize("key", ["google", "GitHub", "my_google", "Etsy"])
async def test_a_provider_where_a_token_id_belongs_is_pointed_out(harness: Harness, key: str) -> None:
    read = harness.read(await harness.types(f"/extauth get {key}"))
    assert f"“{key}” looks like a provider, not a token ID." in read
    read = harness.read(await harness.types(f"/extauth delete {key} --yes"))
    assert f"“{key}” looks like a provider, not a token ID." in read
    assert f"Did you mean /extauth delete --provider-key {key}?" in read
    assert asked(harness) == 0


async def test_a_token_id_with_a_provider_names_what_was_typed(harness: Harness) -> None:
    read = harness.read(await harness.types("/extauth delete EtGoogle0001 --provider-key google"))

    assert "Check the token ID. Use a token ID on its own" in read
    assert "--external-token-id" not in read
    assert asked(harness) == 0


@pytest.mark.parametrize(
    ("contact", "shown"),
    [("U0OWNER", "@U0OWNER"), ("C0GENERAL", "#C0GENERAL"), ("https://help.example/extauth", "help.example/extauth")],
)
async def test_the_contact_is_whom_people_are_sent_to(transport: Transport, contact: str, shown: str) -> None:
    async with open_harness(transport, EXTAUTH_CONTACT=contact) as harness:
        read = harness.read(await harness.types("/extauth get EtErr.not_authed"))
        assert "Who can help: " in read
        assert shown in read.split("Who can help: ")[1].splitlines()[0]


async def test_without_a_contact_people_are_sent_to_an_admin(harness: Harness) -> None:
    read = harness.read(await harness.types("/extauth get EtErr.not_authed"))
    assert "Who can help: a workspace admin" in read


async def test_a_mistyped_id_can_be_edited_in_the_same_place(harness: Harness) -> None:
    failure = await harness.types("/extauth get EtGoogle0009 --force-refresh")
    view = await harness.presses_for_dialog(failure, "Edit…")
    assert "[EtGoogle0009]" in harness.read(view)
    assert "[x] Force a refresh" in harness.read(view)
    answer = await harness.sends(view, external_token_id="EtGoogle0001")
    assert "Token refreshed" in harness.read(answer)
    assert harness.workspace.messages(ADMIN) == [answer]


async def test_in_a_dialog_a_mistake_is_edited_in_the_dialog(harness: Harness) -> None:
    view = await harness.opens_by_shortcut()
    result = await harness.submits(view, external_token_id="EtGoogle0009")
    form = await harness.presses_in_dialog(result, "Edit…")
    assert "[EtGoogle0009]" in harness.read(form)
    assert "[Show token]" in harness.read(await harness.submits(form, external_token_id="EtGoogle0001"))


async def test_a_wrong_provider_can_be_edited(harness: Harness) -> None:
    view = await harness.opens("/extauth delete --provider-key err.providers_not_found --app-id A0SANDBOX")
    failure = await harness.sends(view, typed_name="err.providers_not_found")
    said = title("providers_not_found", Operation.DELETE_MANY)
    assert f"{said}  all err.providers_not_found tokens of app A0SANDBOX" in harness.read(failure)
    form = await harness.presses_for_dialog(failure, "Edit…")
    assert "[err.providers_not_found]" in harness.read(form)
    assert "[A0SANDBOX]" in harness.read(form)


async def test_after_a_deletion_there_is_a_link_to_where_access_is_revoked(harness: Harness) -> None:
    view = await harness.opens("/extauth delete --provider-key google")
    message = await harness.sends(view, typed_name="google")
    assert "<https://myaccount.google.com/connections|at Google>" in str(message.blocks)


async def test_what_the_provider_sent_is_shown_with_the_token_too(harness: Harness) -> None:
    view = await harness.opens("/extauth get EtGoogle0001 --show")
    read = harness.read(view)
    assert "• scope: openid email" in read
    assert "• id_token: ••••••••" in read


async def test_when_a_token_expires_is_counted_from_the_refresh_that_is_known(harness: Harness) -> None:
    harness.state.tokens["EtGoogle0001"].extras = {"expires_in": 3599}
    assert "Expires" not in harness.read(await harness.types("/extauth get EtGoogle0001"))
    refreshed = await harness.types("/extauth get EtGoogle0001 --force-refresh")
    assert f"Expires <!date^{int(harness.clock.now()) + 3599}^" in str(refreshed.blocks)
