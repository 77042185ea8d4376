"""Deleting tokens on Slack's side, as the people of a workspace do it."""

import pytest

from tests.office import ADMIN, GUEST, MEMBER, OWNER, Office, open_office

DELETE = "apps.auth.external.delete"


async def test_yes_deletes_one_token_at_once_and_says_what_that_means(office: Office) -> None:
    message = await office.types("/extauth delete EtGoogle0001 --yes")

    read = office.read(message)
    assert "Deleted on Slack's side: the token EtGoogle0001" in read
    assert "The provider was not told" in read
    assert "stop working until someone connects the account again" in read
    assert office.calls(DELETE) == [{"external_token_id": "EtGoogle0001"}]
    assert "EtGoogle0001" not in office.state.tokens


@pytest.mark.parametrize(
    ("line", "sent"),
    [
        ("/extauth delete EtGoogle0001", {"external_token_id": "EtGoogle0001"}),
        ("/extauth Delete external_token_id=EtGoogle0001", {"external_token_id": "EtGoogle0001"}),
        ("/extauth delete --external-token-id “EtGoogle0001”", {"external_token_id": "EtGoogle0001"}),
    ],
)
async def test_one_token_is_deleted_after_a_question(office: Office, line: str, sent: dict[str, str]) -> None:
    view = await office.opens(line)
    read = office.read(view)
    assert "Delete the token EtGoogle0001?" in read
    assert "The provider is not told" in read
    assert "stop working until someone connects the account again" in read
    assert office.calls(DELETE) == []

    message = await office.sends(view)

    assert "Deleted on Slack's side: the token EtGoogle0001" in office.read(message)
    assert office.calls(DELETE) == [sent]


@pytest.mark.parametrize("yes", ["", " --yes"])
@pytest.mark.parametrize(
    ("line", "sent", "typed", "says"),
    [
        (
            "/extauth delete --provider-key google",
            {"provider_key": "google"},
            "google",
            "All tokens of the provider google will be deleted",
        ),
        (
            "/extauth delete —app-id A0SANDBOX",
            {"app_id": "A0SANDBOX"},
            "A0SANDBOX",
            "All tokens of the app A0SANDBOX will be deleted",
        ),
        (
            "/extauth delete provider_key=google --app_id=A0SANDBOX",
            {"provider_key": "google", "app_id": "A0SANDBOX"},
            "google",
            "All tokens of the provider google of the app A0SANDBOX will be deleted",
        ),
    ],
)
async def test_many_tokens_are_deleted_only_when_the_name_is_typed(
    office: Office, line: str, yes: str, sent: dict[str, str], typed: str, says: str
) -> None:
    view = await office.opens(line + yes)
    assert says in office.read(view)

    await office.submits(view, typed_name="something else")
    assert "Nothing was deleted" in view.errors["typed_name"]
    assert office.calls(DELETE) == []

    message = await office.sends(view, typed_name=typed)
    assert "Deleted on Slack's side: all tokens" in office.read(message)
    assert office.calls(DELETE) == [sent]


async def test_the_dialog_asks_what_to_delete_and_then_whether(office: Office) -> None:
    view = await office.opens("/extauth delete")

    await office.submits(view)
    assert view.errors == {"external_token_id": "Please fill in at least one of the three fields."}

    await office.submits(view, external_token_id="EtGoogle0001", provider_key="google")
    assert "give one or the other" in view.errors["external_token_id"]

    await office.submits(view, external_token_id="", provider_key="go ogle", app_id="A/1")
    assert set(view.errors) == {"provider_key", "app_id"}

    question = await office.submits(view, provider_key="google", app_id="")
    assert "All tokens of the provider google will be deleted" in office.read(question)

    message = await office.sends(question, typed_name="google")
    assert "all tokens of the provider google" in office.read(message)
    assert office.calls(DELETE) == [{"provider_key": "google"}]


async def test_delete_without_anything_never_calls_slack(office: Office) -> None:
    view = await office.opens("/extauth delete --yes")

    assert "Delete tokens" in office.read(view)
    assert office.calls(DELETE) == []


async def test_the_shortcut_switches_to_delete_and_keeps_the_id(office: Office) -> None:
    view = await office.opens_by_shortcut()
    office.workspace.fill(view, {"external_token_id": "EtGoogle0001"})

    before = view.hash
    await office.workspace.choose(view, "choice", "delete")
    await office.state.until(lambda: view.hash != before)
    read = office.read(view)
    assert "Provider key (optional)" in read
    assert "[EtGoogle0001]" in read

    question = await office.submits(view)
    assert "Delete the token EtGoogle0001?" in office.read(question)
    result = await office.submits(question)
    assert "Deleted on Slack's side" in office.read(result)
    assert office.workspace.messages(ADMIN) == []


async def test_the_menu_offers_only_what_is_allowed(transport: str) -> None:
    async with open_office(transport, EXTAUTH_GET_ALLOW="members") as office:  # type: ignore[arg-type]
        view = await office.opens("/extauth", MEMBER)

        assert "Get a token" in office.read(view)
        assert "Delete tokens" not in office.read(view)


async def test_the_delete_button_asks_and_then_replaces_the_message(office: Office) -> None:
    masked = await office.types("/extauth get EtGoogle0001")

    view = await office.presses_for_dialog(masked, "Delete…")
    message = await office.sends(view)

    assert "Deleted on Slack's side" in office.read(message)
    assert office.workspace.messages(ADMIN) == [message]


async def test_a_guest_is_refused(office: Office) -> None:
    for line in ("/extauth delete", "/extauth delete EtGoogle0001 --yes", "/extauth delete --app-id A0SANDBOX"):
        message = await office.types(line, GUEST)
        assert "You may not delete tokens here" in office.read(message)
    assert office.calls(DELETE) == []


async def test_standing_that_went_away_before_the_confirmation_counts(office: Office) -> None:
    view = await office.opens("/extauth delete EtGoogle0001")
    office.demote(ADMIN)

    message = await office.sends(view)

    assert "You may not delete tokens here" in office.read(message)
    assert office.calls(DELETE) == []


async def test_who_may_delete_is_a_list_of_its_own(transport: str) -> None:
    async with open_office(transport, EXTAUTH_DELETE_ALLOW=f"owners, {MEMBER}") as office:  # type: ignore[arg-type]
        refused = await office.types("/extauth delete EtGoogle0001 --yes", ADMIN)
        assert "That is for workspace owners and @U0MEMBER." in office.read(refused)
        for user, token_id in ((MEMBER, "EtGoogle0001"), (OWNER, "EtGitHub0001")):
            assert "Deleted" in office.read(await office.types(f"/extauth delete {token_id} --yes", user))
