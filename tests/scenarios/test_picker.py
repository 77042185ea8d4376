"""Picking a token or provider while typing, as the people of a workspace do it."""

import asyncio
import json
from pathlib import Path

import pytest

from bot.operation import Operation
from bot.sandbox.slack import elements
from bot.sandbox.slack.elements import NotThere
from bot.sandbox.slack.seed import plant_accounts
from bot.sandbox.slack.state import OpenView
from bot.settings import Transport
from bot.slack.external_auth.accounts import KEPT_SECONDS, SLOW_SECONDS
from tests.explanations.expected import title
from tests.harness import ADMIN, GUEST, MEMBER, Harness, open_harness, over_both_transports
from tests.scenarios.test_audit_log import change, database

GET, DELETE, LIST = (f"apps.auth.external.{name}" for name in ("get", "delete", "list"))
TOKEN_ID, PROVIDER_KEY, RECENT = "external_token_id", "provider_key", "recent_token_id"


async def labels(harness: Harness, view: OpenView, typed: str = "", block_id: str = TOKEN_ID) -> list[str]:
    """Return the texts of the list, from top to bottom."""
    answer = await harness.workspace.suggest(view, block_id, typed)
    groups = answer.get("option_groups", [])
    return [
        text
        for group in groups
        for text in (group["label"]["text"], *(one["text"]["text"] for one in group["options"]))
    ]


def kinds(view: OpenView) -> list[str]:
    return [block["element"]["type"] for block in view.content["blocks"] if "element" in block]


async def attempts(harness: Harness) -> list[str]:
    """The audit log's entries about listing, as the admin reads them."""
    read = harness.read(await harness.types("/extauth history 25"))
    return [" · ".join(line.split(" · ")[1:4]) for line in read.splitlines() if " · list" in line]


@over_both_transports
async def test_accounts_are_found_and_picked_by_name_provider_and_id(harness: Harness) -> None:
    view = await harness.opens("/extauth get")
    assert kinds(view) == ["external_select", "checkboxes"]
    assert "Google · google" in await labels(harness, view)
    assert await labels(harness, view, "Google ada") == ["Google · google", "ada@example.com · EtGoogle0001"]

    message = await harness.sends(view, external_token_id="Google ada")

    assert "Token fetched  EtGoogle0001" in harness.read(message)
    assert harness.calls(GET) == [{"external_token_id": "EtGoogle0001"}]


async def test_the_tokens_used_recently_come_first_and_only_once(harness: Harness) -> None:
    await harness.types("/extauth get EtGitHub0001")
    view = await harness.opens("/extauth get")
    shown = await labels(harness, view)
    assert shown[:2] == ["Used recently", "ada-codes · EtGitHub0001"]
    assert sum("EtGitHub0001" in label for label in shown) == 1
    assert "Used recently" not in await labels(harness, view, "google")


async def test_what_is_not_listed_is_used_as_it_is_typed(harness: Harness) -> None:
    view = await harness.opens("/extauth get")
    assert await labels(harness, view, "`EtUnlisted01`,") == ["As typed", "Use EtUnlisted01"]
    message = await harness.sends(view, external_token_id="`EtUnlisted01`,")
    assert title("token_not_found", Operation.GET) in harness.read(message)
    assert harness.calls(GET) == [{"external_token_id": "EtUnlisted01"}]


@pytest.mark.parametrize("text", ["Zm9v" + "aZ4" * 20, "Et1" + "x" * 200, "nobody has this name"])
async def test_what_an_option_cannot_hold_is_explained_and_can_be_typed(harness: Harness, text: str) -> None:
    view = await harness.opens("/extauth delete")
    await harness.submits(view, external_token_id=text)
    assert "type /extauth delete ID. If it's a token" in view.errors[TOKEN_ID]
    sent = [exchange.body for exchange in harness.state.traffic if exchange.direction == "bot"]
    assert text not in json.dumps(sent)
    await harness.submits(view, external_token_id="", provider_key=text)
    assert "type /extauth delete --provider-key KEY." in view.errors[PROVIDER_KEY]
    harness.workspace.close(view)
    if " " not in text:
        await harness.types(f"/extauth get {text}")
        assert harness.calls(GET) == [{TOKEN_ID: text}]


async def test_all_tokens_of_a_picked_provider_are_deleted(harness: Harness) -> None:
    view = await harness.opens("/extauth delete")
    assert kinds(view) == ["external_select", "external_select", "plain_text_input"]
    assert "Google · google (2 accounts)" in await labels(harness, view, "", PROVIDER_KEY)
    question = await harness.submits(view, provider_key="Goog le")
    assert "This deletes all tokens of the provider google" in harness.read(question)
    await harness.sends(question, typed_name="google")
    assert harness.calls(DELETE) == [{"provider_key": "google"}]


async def test_one_request_and_one_entry_serve_many_keys_until_they_are_old(harness: Harness) -> None:
    view = await harness.opens("/extauth get")
    assert harness.calls(LIST) == []
    for typed in ("", "g", "go", "goo"):
        await labels(harness, view, typed)
    harness.workspace.close(view)
    await labels(harness, await harness.opens("/extauth delete"), "", PROVIDER_KEY)
    assert harness.calls(LIST) == [{"include_workflows": True, "app_id": "A0SANDBOX"}]
    assert await attempts(harness) == ["@U0ADMIN · list · listed"]

    harness.clock.advance(KEPT_SECONDS + 1)
    await labels(harness, view)
    assert len(harness.calls(LIST)) == 2
    assert await attempts(harness) == ["@U0ADMIN · list · listed"] * 2


async def test_a_deleted_token_is_offered_no_longer(harness: Harness) -> None:
    view = await harness.opens("/extauth get")
    assert await labels(harness, view, "EtShort00001") != ["As typed", "Use EtShort00001"]
    await harness.types("/extauth delete EtShort00001 --yes")
    assert await labels(harness, view, "EtShort00001") == ["As typed", "Use EtShort00001"]


async def test_the_choice_stays_when_the_operation_changes(harness: Harness) -> None:
    view = await harness.opens_by_shortcut()
    await harness.workspace.type_into(view, TOKEN_ID, "EtUnlisted01")
    for operation, fields in (("delete", 3), ("get", 1)):
        before = view.hash
        await harness.workspace.choose(view, "choice", operation)
        await harness.state.until(lambda before=before: view.hash != before)  # type: ignore[misc]
        (field, *_) = [block for block in view.content["blocks"] if block.get("block_id") == TOKEN_ID]
        assert field["element"]["initial_option"]["value"] == "EtUnlisted01"
        assert sum(kind != "radio_buttons" and kind != "checkboxes" for kind in kinds(view)) == fields
    result = await harness.submits(view)
    assert title("token_not_found", Operation.GET) in harness.read(result)


async def test_a_field_stays_what_it_is_while_the_operation_changes(harness: Harness) -> None:
    async def switched(view: OpenView) -> OpenView:
        before = view.hash
        await harness.workspace.choose(view, "choice", "delete")
        await harness.state.until(lambda: view.hash != before)
        return view

    view = await harness.opens_by_shortcut()
    harness.slack.web_api.failures[LIST] = "not_allowed_token_type"
    await harness.types("/extauth list")
    assert "external_select" in kinds(await switched(view))
    harness.workspace.close(view)

    view = await harness.opens_by_shortcut()
    assert "external_select" not in kinds(view)
    harness.clock.advance(KEPT_SECONDS + 1)
    assert "external_select" not in kinds(await switched(view))


@pytest.mark.parametrize("accounts", [0, 1, 2_500])
async def test_however_many_accounts_there_are(transport: Transport, accounts: int) -> None:
    async with open_harness(transport, EXTAUTH_LIST_ALLOW="members", EXTAUTH_GET_ALLOW="members") as harness:
        harness.state.tokens.clear()
        plant_accounts(harness.state, accounts)
        view = await harness.opens("/extauth get", MEMBER)
        shown = await labels(harness, view)
        options = sum(" · Et" in label for label in shown)
        assert options == min(accounts, 99)
        if accounts:
            last = list(harness.state.tokens)[-1]
            assert f"Token fetched  {last}" in harness.read(await harness.sends(view, external_token_id=last))
        else:
            with pytest.raises(NotThere):
                await harness.workspace.type_into(view, TOKEN_ID, "` `")


async def test_without_permission_to_list_nobody_sees_an_account(transport: Transport) -> None:
    async with open_harness(transport, EXTAUTH_GET_ALLOW="members") as harness:
        # In memory, because somebody else may list.
        assert await labels(harness, await harness.opens("/extauth get"), "google")

        view = await harness.opens("/extauth get", MEMBER)
        assert kinds(view) == ["plain_text_input", "checkboxes"]
        harness.workspace.close(view)
        await harness.types("/extauth get EtGoogle0001", MEMBER)
        view = await harness.opens("/extauth get", MEMBER)
        assert kinds(view) == ["static_select", "plain_text_input", "checkboxes"]
        assert "EtGitHub0001" not in json.dumps(view.content)

        # Even in a form that's still open from before.
        view.content["blocks"][1]["element"] = {"type": "external_select", "action_id": TOKEN_ID, "min_query_length": 0}
        assert await labels(harness, view) == ["Used recently", "EtGoogle0001"]
        assert await labels(harness, view, "google") == ["Used recently", "EtGoogle0001", "As typed", "Use google"]
        assert len(harness.calls(LIST)) == 1


async def test_standing_that_went_away_counts_at_the_next_key(harness: Harness) -> None:
    await harness.types("/extauth get EtGoogle0001")
    view = await harness.opens("/extauth get")
    assert len(await labels(harness, view)) > 5
    harness.demote(ADMIN)
    assert await labels(harness, view) == []
    assert await labels(harness, view, "EtGoogle0001") == ["As typed", "Use EtGoogle0001"]
    assert len(harness.calls(LIST)) == 1


async def test_a_guest_who_forges_the_request_learns_nothing(harness: Harness) -> None:
    view = await harness.opens("/extauth get")
    await labels(harness, view)
    forged = OpenView("V1", GUEST, view.content, "h")
    assert await labels(harness, forged) == await labels(harness, forged, "", TOKEN_ID) == []
    assert len(harness.calls(LIST)) == 1


async def test_a_recent_token_is_chosen_or_another_typed(transport: Transport) -> None:
    async with open_harness(transport, EXTAUTH_LIST_ALLOW="owners") as harness:
        await harness.types("/extauth get EtGoogle0001")
        view = await harness.opens("/extauth get")
        assert "Recent token (optional)" in harness.read(view)
        await harness.submits(view)
        assert view.errors == {TOKEN_ID: "Enter a token ID."}
        await harness.submits(view, recent_token_id="EtGoogle0001", external_token_id="EtShort00001")
        assert view.errors == {TOKEN_ID: "Choose a recent token or enter an ID, not both."}
        message = await harness.sends(view, recent_token_id="EtGoogle0001", external_token_id="")
        assert "Token fetched  EtGoogle0001" in harness.read(message)

        question = await harness.submits(await harness.opens("/extauth delete"), recent_token_id="EtGoogle0001")
        assert "Delete the token EtGoogle0001?" in harness.read(question)
        harness.workspace.close(question)
        view = await harness.opens("/extauth")
        harness.workspace.fill(view, {RECENT: "EtGoogle0001"})
        before = view.hash
        await harness.workspace.choose(view, "choice", "delete")
        await harness.state.until(lambda: view.hash != before)
        assert "Delete the token EtGoogle0001?" in harness.read(await harness.submits(view))
        assert harness.calls(LIST) == []


REFUSED = ["not_allowed_token_type", "429-30", "html", "disconnect"]


@pytest.mark.parametrize("fault", REFUSED)
async def test_where_slack_does_not_list_typing_goes_on_and_the_next_form_knows(harness: Harness, fault: str) -> None:
    await harness.types("/extauth get EtGitHub0001")
    harness.slack.web_api.failures[LIST] = fault
    view = await harness.opens("/extauth get")
    assert await labels(harness, view) == ["Used recently", "EtGitHub0001"]
    assert await labels(harness, view, "EtGoogle0001") == ["As typed", "Use EtGoogle0001"]
    assert [line.split(":")[0] for line in await attempts(harness)] == ["@U0ADMIN · list · failed"]
    assert "Token fetched  EtGoogle0001" in harness.read(await harness.sends(view, external_token_id="EtGoogle0001"))

    view = await harness.opens("/extauth delete")
    assert kinds(view) == ["static_select", "plain_text_input", "plain_text_input", "plain_text_input"]
    harness.workspace.close(view)
    del harness.slack.web_api.failures[LIST]
    harness.clock.advance(KEPT_SECONDS + 1)
    assert kinds(await harness.opens("/extauth get")) == ["external_select", "checkboxes"]


async def test_a_list_that_was_refused_is_known_from_the_command_too(harness: Harness) -> None:
    harness.slack.web_api.failures[LIST] = "not_allowed_token_type"
    await harness.types("/extauth list")
    assert kinds(await harness.opens("/extauth get")) == ["plain_text_input", "checkboxes"]


@over_both_transports
async def test_where_slack_is_slow_the_list_comes_with_a_later_key(harness: Harness) -> None:
    view = await harness.opens("/extauth get")
    harness.slack.web_api.latency = 2 * SLOW_SECONDS
    looking = asyncio.ensure_future(labels(harness, view, "EtGoogle0001"))
    await harness.clock.until_asleep(2 * SLOW_SECONDS)
    await harness.clock.until_asleep(SLOW_SECONDS)
    harness.slack.web_api.latency = 0
    harness.clock.advance(SLOW_SECONDS + 0.1)
    assert await looking == ["As typed", "Use EtGoogle0001"]
    assert await labels(harness, view, "google") == ["As typed", "Use google"]
    harness.workspace.close(view)
    assert kinds(await harness.opens("/extauth delete"))[0] == "plain_text_input"

    harness.clock.advance(SLOW_SECONDS + 0.1)
    async with asyncio.timeout(30):
        while await labels(harness, view, "Google ada") != ["Google · google", "ada@example.com · EtGoogle0001"]:
            assert len(harness.calls(LIST)) == 1
    assert await attempts(harness) == ["@U0ADMIN · list · listed"]


@pytest.mark.parametrize(("unwritten", "asked"), [("attempt", 0), ("result", 1)])
async def test_without_a_record_there_is_no_list(
    transport: Transport, tmp_path: Path, unwritten: str, asked: int
) -> None:
    path, url = database(tmp_path)
    full = (
        f"CREATE TRIGGER no BEFORE INSERT ON audit_records WHEN NEW.kind = '{unwritten}' "
        "BEGIN SELECT RAISE(ABORT, 'disk is full'); END"
    )
    async with open_harness(transport, DATABASE_URL=url) as harness:
        view = await harness.opens("/extauth get")
        await asyncio.to_thread(change, path, full)
        assert await labels(harness, view, "EtGoogle0001") == ["As typed", "Use EtGoogle0001"]
        assert await labels(harness, view, "") == []
        assert len(harness.calls(LIST)) == asked


async def test_what_is_typed_is_in_no_log(harness: Harness, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    view = await harness.opens("/extauth get")
    assert await labels(harness, view, "a-quite-particular-word") == ["As typed", "Use a-quite-particular-word"]
    assert "particular" not in caplog.text


async def test_the_same_key_pressed_twice_is_answered_twice(harness: Harness) -> None:
    view = await harness.opens("/extauth get")
    first = elements.all_options(await harness.workspace.suggest(view, TOKEN_ID, "google"))
    assert first == elements.all_options(await harness.workspace.suggest(view, TOKEN_ID, "google")) != []
