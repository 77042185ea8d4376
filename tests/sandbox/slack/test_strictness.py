"""The simulated Slack is as strict as Slack: what fails there fails here."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import seed
from bot.sandbox.slack.block_kit import message_complaints, view_complaints
from bot.sandbox.slack.channels import AUDIT_CHANNEL, BOT
from bot.sandbox.slack.delivery import NotAcknowledged, SocketMode
from bot.sandbox.slack.server import SimulatedSlack
from bot.sandbox.slack.state import OpenView
from tests.manual_clock import ManualClock

USER = "U0ADMIN"
MODAL: dict[str, Any] = {
    "type": "modal",
    "title": {"type": "plain_text", "text": "Title"},
    "blocks": [{"type": "section", "text": {"type": "plain_text", "text": "Hello"}}],
}


@pytest.fixture
async def slack() -> AsyncIterator[SimulatedSlack]:
    async with SimulatedSlack(ManualClock()) as running:
        seed.plant(running.state)
        yield running


@pytest.fixture
async def client(slack: SimulatedSlack) -> AsyncIterator[AsyncWebClient]:
    async with aiohttp.ClientSession() as session:
        yield AsyncWebClient(slack.state.bot_token, base_url=slack.api_url, session=session, retry_handlers=[])


async def refusal(call: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


async def test_a_trigger_id_serves_once(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    trigger_id = slack.state.new_trigger(USER)
    await client.views_open(trigger_id=trigger_id, view=MODAL)
    assert await refusal(client.views_open(trigger_id=trigger_id, view=MODAL)) == "exchanged_trigger_id"


async def test_a_trigger_id_expires_after_three_seconds(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    trigger_id = slack.state.new_trigger(USER)
    slack.state.clock.advance(3.1)  # type: ignore[attr-defined]
    assert await refusal(client.views_open(trigger_id=trigger_id, view=MODAL)) == "expired_trigger_id"
    assert await refusal(client.views_open(trigger_id="made.up", view=MODAL)) == "invalid_trigger_id"


async def test_a_stale_hash_conflicts(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    opened = (await client.views_open(trigger_id=slack.state.new_trigger(USER), view=MODAL))["view"]
    await client.views_update(view_id=opened["id"], hash=opened["hash"], view=MODAL)
    conflict = client.views_update(view_id=opened["id"], hash=opened["hash"], view=MODAL)
    assert await refusal(conflict) == "hash_conflict"
    assert await refusal(client.views_update(view_id="V404", view=MODAL)) == "not_found"


async def test_a_block_over_its_limit_is_refused_with_the_place(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    long = {**MODAL, "blocks": [{"type": "section", "text": {"type": "plain_text", "text": "x" * 3001}}]}
    with pytest.raises(SlackApiError) as caught:
        await client.views_open(trigger_id=slack.state.new_trigger(USER), view=long)
    assert caught.value.response["error"] == "invalid_arguments"
    assert "/blocks/0" in caught.value.response["response_metadata"]["messages"][0]


async def test_a_response_url_serves_five_times_in_half_an_hour(slack: SimulatedSlack) -> None:
    async with aiohttp.ClientSession() as session:

        async def post(path: str, **body: Any) -> tuple[int, str]:
            async with session.post(slack.base_url + path, json=body) as response:
                return response.status, (await response.json()).get("error", "")

        path = slack.state.new_response_url("commands", USER, "C1")
        assert await post(path) == (400, "invalid_blocks")
        for _ in range(5):
            assert await post(path, text="hello") == (200, "")
        assert await post(path, text="hello") == (404, "used_url")
        late = slack.state.new_response_url("commands", USER, "C1")
        slack.state.clock.advance(30 * 60 + 1)  # type: ignore[attr-defined]
        assert await post(late, text="hello") == (404, "expired_url")


async def test_replacing_works_from_a_button_and_not_from_a_command(slack: SimulatedSlack) -> None:
    async with aiohttp.ClientSession() as session:
        message = slack.state.post(USER, "C1", "old", [])
        button = slack.state.new_response_url("actions", USER, "C1", message.ts)
        command = slack.state.new_response_url("commands", USER, "C1")
        body = {"text": "new", "replace_original": True}
        await session.post(slack.base_url + command, json=body)
        assert [seen.text for seen in slack.workspace.messages(USER)] == ["old", "new"]
        await session.post(slack.base_url + button, json={"text": "newer", "replace_original": True})
        assert [seen.text for seen in slack.workspace.messages(USER)] == ["new", "newer"]


async def test_rate_limits_tell_when_to_come_back(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    for _ in range(50):
        await client.api_call("apps.auth.external.get", json={"external_token_id": "EtGoogle0001"})
    with pytest.raises(SlackApiError) as caught:
        await client.api_call("apps.auth.external.get", json={"external_token_id": "EtGoogle0001"})
    assert caught.value.response.status_code == 429
    assert caught.value.response.headers["Retry-After"] == "60"
    slack.state.clock.advance(60)  # type: ignore[attr-defined]
    await client.api_call("apps.auth.external.get", json={"external_token_id": "EtGoogle0001"})


async def test_tokens_are_checked_and_unknown_methods_are_not_ok(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    assert await refusal(client.api_call("chat.delete", json={})) == "unknown_method"
    client.token = "xoxb-somebody-else"
    assert await refusal(client.auth_test()) == "invalid_auth"
    client.token = slack.state.app_token
    assert await refusal(client.auth_test()) == "not_allowed_token_type"
    client.token = ""
    assert await refusal(client.auth_test()) == "not_authed"


async def socket_url(slack: SimulatedSlack, client: AsyncWebClient) -> str:
    opened = await client.apps_connections_open(app_token=slack.state.app_token)
    return str(opened["url"])


@pytest.mark.slow
async def test_a_late_acknowledgement_is_none_and_the_person_sees_it(
    slack: SimulatedSlack, client: AsyncWebClient
) -> None:
    url = await socket_url(slack, client)
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        await socket.receive_json()
        assert not await slack.workspace.command(USER, "/extauth help")
        envelope = await socket.receive_json()
        await socket.send_json({"envelope_id": envelope["envelope_id"]})
    assert [message.text for message in slack.workspace.messages(USER)] == [
        '/extauth failed with the error "operation_timeout"'
    ]


async def test_a_ticket_opens_one_connection_and_ten_are_the_most(
    slack: SimulatedSlack, client: AsyncWebClient
) -> None:
    async with aiohttp.ClientSession() as session:
        urls = [await socket_url(slack, client) for _ in range(11)]
        sockets = [await session.ws_connect(url) for url in urls[:10]]
        assert [(await socket.receive_json())["num_connections"] for socket in sockets] == list(range(1, 11))
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(urls[0])
        eleventh = await session.ws_connect(urls[10])
        assert (await eleventh.receive_json())["reason"] == "too_many_websockets"
        await asyncio.gather(*(socket.close() for socket in [*sockets, eleventh]))


async def test_without_a_connection_nothing_is_delivered(slack: SimulatedSlack) -> None:
    assert isinstance(slack.workspace.delivery, SocketMode)
    with pytest.raises(NotAcknowledged):
        await slack.workspace.delivery.deliver("slash_commands", {})


def _section(**more: Any) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": "x"}, **more}


def _button(**more: Any) -> dict[str, Any]:
    button = {"type": "button", "action_id": "a", "text": {"type": "plain_text", "text": "x"}, **more}
    return {"type": "actions", "elements": [button]}


def _option(value: str, text: str = "x") -> dict[str, Any]:
    return {"text": {"type": "plain_text", "text": text}, "value": value}


def _group(label: str = "x", count: int = 1) -> dict[str, Any]:
    return {"label": {"type": "plain_text", "text": label}, "options": [_option(f"v{n}") for n in range(count)]}


def _input(**element: Any) -> dict[str, Any]:
    label = {"type": "plain_text", "text": "x"}
    return {"type": "input", "block_id": "b", "label": label, "element": {"action_id": "a", **element}}


@pytest.mark.parametrize(
    "blocks",
    [
        [],
        [{"type": "video"}],
        [{"type": "section"}],
        [_section(text={"type": "mrkdwn", "text": ""})],
        [_section(text={"type": "mrkdwn", "text": "x" * 3001})],
        [_section(block_id="x" * 256)],
        [_section(block_id="same"), _section(block_id="same")],
        [_section()] * 101,
        [_button(value="x" * 2001)],
        [_button(text={"type": "plain_text", "text": "x" * 76})],
        [_button(action_id="")],
        [_button(style="loud")],
        [{"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * 11}],
        [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}],
        [{"type": "rich_text", "elements": []}],
        [
            {
                "type": "rich_text",
                "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": ""}]}],
            }
        ],
        [_input(type="plain_text_input", initial_value="")],
        [_input(type="plain_text_input", max_length=3001)],
        [_input(type="radio_buttons", options=[])],
        [_input(type="external_select", min_query_length=-1)],
        [_input(type="external_select", placeholder={"type": "plain_text", "text": "x" * 151})],
        [_input(type="external_select", initial_option={"text": {"type": "mrkdwn", "text": "x"}, "value": "v"})],
        [_input(type="static_select", options=[])],
        [_input(type="static_select", options=[_option("v")] * 101)],
        [_input(type="static_select", options=[_option("v")], initial_option=_option("w"))],
        [_input(type="checkboxes", options=[{"text": {"type": "plain_text", "text": "x" * 76}, "value": "v"}])],
    ],
)
def test_each_limit_of_a_view_is_enforced(blocks: list[dict[str, Any]]) -> None:
    submit = {"type": "plain_text", "text": "Go"}
    assert view_complaints({**MODAL, "submit": submit, "blocks": blocks})
    assert view_complaints({**MODAL, "submit": submit}) == []


@pytest.mark.parametrize(
    "change",
    [
        {"title": {"type": "plain_text", "text": "x" * 25}},
        {"submit": {"type": "plain_text", "text": "x" * 25}},
        {"close": {"type": "mrkdwn", "text": "x"}},
        {"private_metadata": "x" * 3001},
        {"callback_id": "x" * 256},
        {"type": "window"},
        {"blocks": [_input(type="plain_text_input")]},
    ],
)
def test_each_limit_of_the_view_itself_is_enforced(change: dict[str, Any]) -> None:
    assert view_complaints({**MODAL, **change})


def test_messages_have_limits_of_their_own() -> None:
    button = {"type": "button", "text": {"type": "plain_text", "text": "Go"}, "action_id": "go"}
    labeled = [{**button, "accessibility_label": "x" * most} for most in (75, 76)]
    complaints = [message_complaints({"blocks": [{"type": "actions", "elements": [one]}]}) for one in labeled]
    assert complaints == [[], ["/blocks/0: accessibility_label too long"]]
    assert message_complaints({"blocks": [_section()] * 51})
    assert message_complaints({"text": ""})
    assert message_complaints({"text": "x" * 40_001})
    assert message_complaints({"text": "x", "blocks": [_input(type="plain_text_input")]})
    assert message_complaints({"text": "x", "blocks": [_section()] * 50}) == []


async def test_a_message_is_posted_to_channels_that_are_there(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    assert await refusal(client.chat_postMessage(channel="C0NOWHERE", text="hello")) == "channel_not_found"
    answer = await client.chat_postMessage(channel=AUDIT_CHANNEL, text="hello", blocks=MODAL["blocks"])
    (post,) = slack.state.posts
    assert (answer["ts"], post.author, post.text, post.blocks) == (post.ts, BOT, "hello", MODAL["blocks"])


async def test_a_replaced_message_keeps_its_place(slack: SimulatedSlack) -> None:
    first = slack.state.post(USER, "C0GENERAL", "one", [])
    path = slack.state.new_response_url("actions", USER, "C0GENERAL", first.ts)
    async with aiohttp.ClientSession() as session:
        for text in ("two", "three"):
            await session.post(slack.base_url + path, json={"text": text, "replace_original": True})
    (message,) = slack.workspace.messages(USER)
    assert (message.text, message.shown_at) == ("three", first.ts)
    assert message.ts != first.ts


async def test_a_message_is_scheduled_within_120_days_and_deleted_once(
    slack: SimulatedSlack, client: AsyncWebClient
) -> None:
    now = int(slack.state.clock.now())

    def schedule(days: float) -> Any:
        at = int(now + days * 24 * 3600)
        return client.chat_scheduleMessage(channel="C0AUDIT", text="Later", post_at=at)

    assert await refusal(schedule(-1)) == "time_in_past"
    assert await refusal(schedule(121)) == "time_too_far"
    scheduled = (await schedule(119))["scheduled_message_id"]
    await client.chat_deleteScheduledMessage(channel="C0AUDIT", scheduled_message_id=scheduled)
    again = client.chat_deleteScheduledMessage(channel="C0AUDIT", scheduled_message_id=scheduled)
    assert await refusal(again) == "invalid_scheduled_message_id"
    slack.web_api.channel_failures["C0AUDIT"] = "not_in_channel"
    assert await refusal(schedule(1)) == "not_in_channel"
    assert await refusal(client.chat_postMessage(channel="C0AUDIT", text="Now")) == "not_in_channel"


async def test_a_scope_that_is_not_granted_is_missing(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    slack.web_api.scopes = {"commands"}
    assert await refusal(client.users_info(user=USER)) == "missing_scope"
    assert await refusal(client.usergroups_users_list(usergroup="S1")) == "missing_scope"
    assert await refusal(client.chat_postMessage(channel="C1", text="Now")) == "missing_scope"
    slack.web_api.scopes = {"users:read"}
    assert (await client.users_info(user=USER))["ok"]
    assert (await client.auth_test())["ok"]


@pytest.mark.parametrize(
    "answer",
    [
        {},
        "",
        {"options": [], "option_groups": [_group()]},
        {"options": "x"},
        {"options": [_option("v")] * 101},
        {"options": [_option("v" * 151)]},
        {"options": [_option("v", "x" * 76)]},
        {"options": [_option("")]},
        {"option_groups": []},
        {"option_groups": [_group()] * 101},
        {"option_groups": [_group(count=101)]},
        {"option_groups": [_group(count=0)]},
        {"option_groups": [_group(label="x" * 76)]},
    ],
)
async def test_options_over_a_limit_are_none(slack: SimulatedSlack, answer: Any) -> None:
    slack.workspace.delivery = _Answering(answer)
    view = OpenView("V1", USER, {"blocks": [_input(type="external_select", min_query_length=0)]}, "h")
    assert await slack.workspace.suggest(view, "b", "") == {"options": []}
    assert slack.state.traffic[-1].kind == "no options"
    with pytest.raises(KeyError):
        slack.workspace.fill(view, {"b": "v0"})


async def test_an_option_counts_once_it_was_offered_and_enough_was_typed(slack: SimulatedSlack) -> None:
    slack.workspace.delivery = _Answering({"option_groups": [_group(count=2)]})
    view = OpenView("V1", USER, {"blocks": [_input(type="external_select")]}, "h")
    assert await slack.workspace.suggest(view, "b", "xy") == {"options": []}
    with pytest.raises(KeyError):
        slack.workspace.fill(view, {"b": "v1"})
    await slack.workspace.type_into(view, "b", "xyz")
    assert view.filled["b"]["a"] == {"type": "external_select", "selected_option": _option("v0")}
    slack.workspace.fill(view, {"b": "v1"})
    await slack.workspace.type_into(view, "b", "")
    assert view.filled["b"]["a"] == {"type": "external_select", "selected_option": None}


class _Answering:
    """A bot that gives one answer to everything."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    async def deliver(self, kind: str, payload: dict[str, Any]) -> Any:
        return self._answer
