"""*Did you mean …?* is a button: it runs what changes nothing, and asks before what does."""

import pytest

from bot.sandbox.slack.state import Message
from bot.settings import Transport
from tests.harness import ADMIN, GUEST, MEMBER, Harness, open_harness

METHODS = ("apps.auth.external.get", "apps.auth.external.delete", "apps.auth.external.list")


def asked(harness: Harness) -> list[object]:
    """Return the requests to Slack."""
    return [call for method in METHODS for call in harness.calls(method)]


def buttons(message: Message) -> list[dict[str, str]]:
    """The buttons of a message."""
    rows = [block["elements"] for block in message.blocks if block["type"] == "actions"]
    return [button for row in rows for button in row]


@pytest.mark.parametrize(
    ("line", "meant", "answer"),
    [
        ("gte EtGoogle0001", "get EtGoogle0001", "Token fetched"),
        ("EtGoogle0001", "get EtGoogle0001", "Token fetched"),
        ("get EtGoogle0001 --force-refresh=flase", "get EtGoogle0001 --force-refresh=false", "Token fetched"),
        ("ls", "list", "EtGoogle0001"),
        ("google", "list google", "EtGoogle0001"),
        ("histroy 5", "history 5", "The audit log has no entries"),
        ("help gte", "help get", "How to use /extauth get"),
    ],
)
async def test_what_changes_nothing_is_run_in_place_of_the_suggestion(
    harness: Harness, line: str, meant: str, answer: str
) -> None:
    mistake = await harness.types(f"/extauth {line}")
    assert f"Did you mean /extauth {meant}?" in harness.read(mistake)
    assert "[Run it]" in harness.read(mistake)
    assert buttons(mistake)[0]["accessibility_label"] == f"Run it: /extauth {meant}"
    assert asked(harness) == []

    result = await harness.presses(mistake, "Run it")

    assert answer in harness.read(result)
    assert harness.workspace.messages(ADMIN) == [result]


async def test_a_token_to_be_shown_opens_in_a_dialog(harness: Harness) -> None:
    mistake = await harness.types("/extauth get EtGoogle0001 --shwo")
    view = await harness.presses_for_dialog(mistake, "Run it")
    assert harness.state.tokens["EtGoogle0001"].value in harness.read(view)
    assert harness.calls("apps.auth.external.get") == [{"external_token_id": "EtGoogle0001"}]


async def test_a_forced_refresh_is_filled_in_and_sent_only_by_hand(harness: Harness) -> None:
    mistake = await harness.types("/extauth get EtGoogle0001 --refresh")
    assert "Did you mean /extauth get EtGoogle0001 --force-refresh?" in harness.read(mistake)
    form = await harness.presses_for_dialog(mistake, "Continue…")
    assert "[EtGoogle0001]" in harness.read(form)
    assert "[x] Force a refresh" in harness.read(form)
    assert asked(harness) == []

    answer = await harness.sends(form)

    assert "Token refreshed" in harness.read(answer)
    assert harness.workspace.messages(ADMIN) == [answer]


@pytest.mark.parametrize(
    ("line", "question", "typed"),
    [
        ("revoke EtGoogle0001 --yes", "Delete the token EtGoogle0001?", {}),
        ("delete google --yes", "all tokens of the provider google", {"typed_name": "google"}),
    ],
)
async def test_a_deletion_is_confirmed_whatever_was_typed(
    harness: Harness, line: str, question: str, typed: dict[str, str]
) -> None:
    mistake = await harness.types(f"/extauth {line}")
    assert "--yes" not in harness.read(mistake).split("Usage:")[0]
    view = await harness.presses_for_dialog(mistake, "Continue…")
    assert question in harness.read(view)
    assert asked(harness) == []

    answer = await harness.sends(view, **typed)

    assert "Deleted from Slack" in harness.read(answer)
    assert harness.workspace.messages(ADMIN) == [answer]


@pytest.mark.parametrize(("line", "title"), [("delte", "Delete tokens"), ("gte --show", "Get a token")])
async def test_what_lacks_an_id_opens_the_form(harness: Harness, line: str, title: str) -> None:
    view = await harness.presses_for_dialog(await harness.types(f"/extauth {line}"), "Continue…")
    assert view.content["title"]["text"] == title
    assert ("[x] Show the token in full" in harness.read(view)) is ("--show" in line)


@pytest.mark.parametrize("line", ["xyzzy", "gte google", "get Et1 Et2", "gte Zm9vaZ4aZ4aZ4aZ4aZ4aZ4aZ4aZ4aZ4", "gte"])
async def test_what_cannot_be_run_stays_text(harness: Harness, line: str) -> None:
    mistake = await harness.types(f"/extauth {line}")
    assert len(buttons(mistake)) == (line == "gte")


@pytest.mark.parametrize("user", [MEMBER, GUEST])
@pytest.mark.parametrize("line", ["gte EtGoogle0001", "get EtGoogle0001 --refresh", "remove EtGoogle0001", "ls"])
async def test_who_has_no_permission_is_denied_and_that_is_recorded(harness: Harness, user: str, line: str) -> None:
    mistake = await harness.types(f"/extauth {line}", user)
    denied = await harness.presses(mistake, buttons(mistake)[0]["text"]["text"])  # type: ignore[index]
    assert "✕ You don't have permission" in harness.read(denied) or "can't use" in harness.read(denied)
    assert asked(harness) == []
    assert f"@{user}" in harness.read(await harness.types("/extauth history"))


async def test_a_member_with_one_permission_gets_what_it_allows(transport: Transport) -> None:
    async with open_harness(transport, EXTAUTH_GET_ALLOW="members") as harness:
        mistake = await harness.types("/extauth gte EtGoogle0001", MEMBER)
        assert "Token fetched" in harness.read(await harness.presses(mistake, "Run it"))
        mistake = await harness.types("/extauth remove EtGoogle0001", MEMBER)
        assert "permission" in harness.read(await harness.presses(mistake, "Continue…"))
        assert harness.calls("apps.auth.external.delete") == []


async def test_permission_lost_between_the_mistake_and_the_click_counts(harness: Harness) -> None:
    mistake = await harness.types("/extauth gte EtGoogle0001")
    harness.demote(ADMIN)
    assert "permission" in harness.read(await harness.presses(mistake, "Run it"))
    assert asked(harness) == []


@pytest.mark.parametrize(
    "value", ["delete EtGoogle0001 --yes", "gte EtGoogle0001", "get ghp_" + "a1B2" * 9, "", "[" * 5000]
)
async def test_a_forged_suggestion_does_nothing_and_says_so(harness: Harness, value: str) -> None:
    mistake = await harness.types("/extauth gte EtGoogle0001")
    buttons(mistake)[0]["value"] = value
    answer = await harness.presses(mistake, "Run it")
    assert "older version of Extauth" in harness.read(answer)
    assert "ghp_" not in harness.read(answer)
    assert asked(harness) == []
