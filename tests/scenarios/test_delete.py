"""Deleting tokens on Slack's side, as the people of a workspace do it."""

import pytest

from bot.settings import Transport
from tests.harness import ADMIN, GUEST, MEMBER, OWNER, Harness, open_harness, over_both_transports

DELETE = "apps.auth.external.delete"


async def test_yes_deletes_one_token_at_once_and_says_what_that_means(harness: Harness) -> None:
    message = await harness.types("/extauth delete EtGoogle0001 --yes")

    read = harness.read(message)
    assert "Deleted from Slack  EtGoogle0001" in read
    assert "The provider wasn't told" in read
    assert "stop working until someone reconnects the account" in read
    assert harness.calls(DELETE) == [{"external_token_id": "EtGoogle0001"}]
    assert "EtGoogle0001" not in harness.state.tokens


@over_both_transports
@pytest.mark.parametrize(
    ("line", "sent"),
    [
        ("/extauth delete EtGoogle0001", {"external_token_id": "EtGoogle0001"}),
        ("/extauth Delete external_token_id=EtGoogle0001", {"external_token_id": "EtGoogle0001"}),
        ("/extauth delete --external-token-id “EtGoogle0001”", {"external_token_id": "EtGoogle0001"}),
    ],
)
async def test_one_token_is_deleted_after_a_question(harness: Harness, line: str, sent: dict[str, str]) -> None:
    view = await harness.opens(line)
    read = harness.read(view)
    assert "Delete the token EtGoogle0001?" in read
    assert "The provider isn't told" in read
    assert "stop working until someone reconnects the account" in read
    assert harness.calls(DELETE) == []

    message = await harness.sends(view)

    assert "Deleted from Slack  EtGoogle0001" in harness.read(message)
    assert harness.calls(DELETE) == [sent]


@pytest.mark.parametrize("yes", ["", " --yes"])
@pytest.mark.parametrize(
    ("line", "sent", "typed", "says"),
    [
        (
            "/extauth delete --provider-key google",
            {"provider_key": "google"},
            "google",
            "This deletes all tokens of the provider google",
        ),
        (
            "/extauth delete —app-id A0SANDBOX",
            {"app_id": "A0SANDBOX"},
            "A0SANDBOX",
            "This deletes all tokens of the app A0SANDBOX",
        ),
        (
            "/extauth delete provider_key=google --app_id=A0SANDBOX",
            {"provider_key": "google", "app_id": "A0SANDBOX"},
            "google",
            "This deletes all tokens of the provider google of the app A0SANDBOX",
        ),
    ],
)
async def test_many_tokens_are_deleted_only_when_the_name_is_typed(
    harness: Harness, line: str, yes: str, sent: dict[str, str], typed: str, says: str
) -> None:
    view = await harness.opens(line + yes)
    assert says in harness.read(view)

    await harness.submits(view, typed_name="something else")
    assert "Nothing was deleted" in view.errors["typed_name"]
    assert harness.calls(DELETE) == []

    message = await harness.sends(view, typed_name=typed)
    assert "Deleted from Slack  all " in harness.read(message)
    assert harness.calls(DELETE) == [sent]


@over_both_transports
async def test_the_dialog_asks_what_to_delete_and_then_whether(harness: Harness) -> None:
    view = await harness.opens("/extauth delete")

    await harness.submits(view)
    assert view.errors == {"external_token_id": "Fill in at least one field."}

    await harness.submits(view, external_token_id="EtGoogle0001", provider_key="google")
    assert "Use a token ID on its own" in view.errors["external_token_id"]

    await harness.submits(view, external_token_id="", provider_key="go/ogle", app_id="A/1")
    assert set(view.errors) == {"provider_key", "app_id"}

    question = await harness.submits(view, provider_key="google", app_id="")
    assert "This deletes all tokens of the provider google" in harness.read(question)

    message = await harness.sends(question, typed_name="google")
    assert "all google tokens" in harness.read(message)
    assert harness.calls(DELETE) == [{"provider_key": "google"}]


async def test_delete_without_anything_never_calls_slack(harness: Harness) -> None:
    view = await harness.opens("/extauth delete --yes")

    assert "Delete tokens" in harness.read(view)
    assert harness.calls(DELETE) == []


@over_both_transports
async def test_the_shortcut_switches_to_delete_and_keeps_the_id(harness: Harness) -> None:
    view = await harness.opens_by_shortcut()
    await harness.workspace.type_into(view, "external_token_id", "EtGoogle0001")

    before = view.hash
    await harness.workspace.choose(view, "choice", "delete")
    await harness.state.until(lambda: view.hash != before)
    read = harness.read(view)
    assert "Provider key (optional)" in read
    assert "[ada@example.com · EtGoogle0001] ▾" in read

    question = await harness.submits(view)
    assert "Delete the token EtGoogle0001?" in harness.read(question)
    result = await harness.submits(question)
    assert "Deleted from Slack" in harness.read(result)
    assert harness.workspace.messages(ADMIN) == []


async def test_the_menu_offers_only_what_is_allowed(transport: Transport) -> None:
    async with open_harness(transport, EXTAUTH_GET_ALLOW="members") as harness:
        view = await harness.opens("/extauth", MEMBER)

        assert "Get a token" in harness.read(view)
        assert "Delete tokens" not in harness.read(view)


@over_both_transports
async def test_the_delete_button_asks_and_then_replaces_the_message(harness: Harness) -> None:
    masked = await harness.types("/extauth get EtGoogle0001")

    view = await harness.presses_for_dialog(masked, "Delete…")
    message = await harness.sends(view)

    assert "Deleted from Slack" in harness.read(message)
    assert harness.workspace.messages(ADMIN) == [message]


async def test_a_guest_is_refused(harness: Harness) -> None:
    for line in ("/extauth delete", "/extauth delete EtGoogle0001 --yes", "/extauth delete --app-id A0SANDBOX"):
        message = await harness.types(line, GUEST)
        assert "You don't have permission to delete tokens" in harness.read(message)
    assert harness.calls(DELETE) == []


async def test_standing_that_went_away_before_the_confirmation_counts(harness: Harness) -> None:
    view = await harness.opens("/extauth delete EtGoogle0001")
    harness.demote(ADMIN)

    message = await harness.sends(view)

    assert "You don't have permission to delete tokens" in harness.read(message)
    assert harness.calls(DELETE) == []


async def test_who_may_delete_is_a_list_of_its_own(transport: Transport) -> None:
    async with open_harness(transport, EXTAUTH_DELETE_ALLOW=f"owners, {MEMBER}") as harness:
        refused = await harness.types("/extauth delete EtGoogle0001 --yes", ADMIN)
        assert "Only workspace owners or @U0MEMBER can." in harness.read(refused)
        for user, token_id in ((MEMBER, "EtGoogle0001"), (OWNER, "EtGitHub0001")):
            assert "Deleted" in harness.read(await harness.types(f"/extauth delete {token_id} --yes", user))
