"""The simulated Slack lists what it holds, as Slack's own CLI is answered."""

from typing import Any

import pytest

from bot.sandbox.slack import seed
from bot.sandbox.slack.block_kit import blocks_complaints
from bot.sandbox.slack.external_tokens import get, list_all
from bot.sandbox.slack.state import State, StoredToken
from tests.manual_clock import ManualClock


@pytest.fixture
async def state() -> State:
    planted = State(ManualClock())
    seed.plant(planted)
    return planted


def authorization(state: State, key: str, **arguments: Any) -> dict[str, Any]:
    """Return the list's part about one provider."""
    return next(one for one in list_all(state, arguments)["authorizations"] if one["provider_key"] == key)


async def test_every_provider_and_every_token_is_listed_without_its_value(state: State) -> None:
    answer = list_all(state, {"include_workflows": True})
    assert [one["provider_key"] for one in answer["authorizations"]] == ["google", "github", "salesforce", "zoom"]
    listed = [token for one in answer["authorizations"] for token in one["external_tokens"]]
    assert {token["external_token_id"] for token in listed} == {*state.tokens}
    assert all(token.value not in str(answer) for token in state.tokens.values())
    assert authorization(state, "zoom") == {
        "provider_key": "zoom",
        "provider_name": "Zoom",
        "client_id": "client-of-zoom",
        "client_secret_exists": False,
        "valid_token_exists": False,
        "external_tokens": [],
    }


async def test_workflows_are_listed_only_if_asked_for_and_name_the_token_they_use(state: State) -> None:
    assert "workflows" not in list_all(state, {})
    agenda = list_all(state, {"include_workflows": True})["workflows"][2]
    assert (agenda["workflow_id"], agenda["callback_id"]) == ("Wf0AGENDA", "daily_agenda")
    google, zoom = agenda["providers"]
    assert google["selected_auth"]["external_token_id"] == "EtGoogle0001"
    assert zoom["selected_auth"] is None
    del state.tokens["EtGoogle0001"]
    assert list_all(state, {"include_workflows": True})["workflows"][2]["providers"][0]["selected_auth"] is None


async def test_a_refresh_is_the_last_update(state: State) -> None:
    before = authorization(state, "google")["external_tokens"][1]["date_updated"]
    get(state, {"external_token_id": "EtGoogle0002"})
    assert authorization(state, "google")["external_tokens"][1]["date_updated"] == int(state.clock.now()) > before


async def test_a_provider_has_a_valid_token_while_one_works_or_can_be_refreshed(state: State) -> None:
    assert authorization(state, "github")["valid_token_exists"]
    for token in state.tokens.values():
        token.is_expired = True
    assert authorization(state, "github")["valid_token_exists"]
    state.tokens["EtShort00001"].has_refresh_token = False
    assert not authorization(state, "github")["valid_token_exists"]


async def test_each_app_lists_only_its_own_accounts(state: State) -> None:
    state.tokens["EtOther00001"] = StoredToken("EtOther00001", "jira", "a-token", app_id="A0OTHER")
    other = list_all(state, {"app_id": "A0OTHER"})["authorizations"]
    assert [(one["provider_key"], len(one["external_tokens"])) for one in other] == [("jira", 1)]
    assert "jira" not in str(list_all(state, {}))
    assert list_all(state, {"app_id": "A0NOWHERE"}) == {"ok": False, "error": "app_not_found"}


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ([("Get", "v")], None),
        ([("Get", "v")] * 5, None),
        ([], "must have 1 to 5 options"),
        ([("Get", "v")] * 6, "must have 1 to 5 options"),
        ([("Get", "v" * 151)], "option value must have 1 to 150 characters"),
        ([("G" * 76, "v")], "option text must have 1 to 75 characters"),
    ],
)
def test_the_limits_of_a_menu(options: list[tuple[str, str]], complaint: str | None) -> None:
    built = [{"text": {"type": "plain_text", "text": label}, "value": value} for label, value in options]
    menu = {"type": "overflow", "action_id": "menu", "options": built}
    block = {"type": "section", "text": {"type": "mrkdwn", "text": "a row"}, "accessory": menu}
    assert blocks_complaints([block], "message") == ([f"/blocks/0: {complaint}"] if complaint else [])
