"""Testing connected accounts, as the people of a workspace do it."""

import asyncio
import itertools
import json
import re
from dataclasses import replace

import pytest

from bot.listeners.batch import UPDATE_SECONDS
from bot.operation import Operation
from bot.sandbox.slack.channels import DIRECT
from bot.sandbox.slack.seed import plant_accounts
from bot.sandbox.slack.state import OpenView
from bot.settings import Transport
from bot.slack.rate_limit import WANTED_SECONDS
from tests.explanations.expected import title
from tests.harness import ADMIN, GUEST, MEMBER, OWNER, Harness, open_harness

DELETE, GET, LIST = (f"apps.auth.external.{name}" for name in ("delete", "get", "list"))


async def result(harness: Harness, view: OpenView) -> str:
    """Return the dialog's text once the batch has ended."""
    await harness.state.until(lambda: " results ==" in harness.read(view))
    return harness.read(view)


async def until_held_back(harness: Harness, view: OpenView, half: int = 25) -> None:
    """Wait until the batch has taken its half of a minute, and the dialog says when it will be done."""
    await harness.state.until(lambda: len(harness.calls(GET)) + len(harness.calls(DELETE)) >= half)
    for _ in range(20):
        if f"{half} of" in (read := harness.read(view)) and "Done in about" in read:
            return
        await harness.clock.until_asleep(UPDATE_SECONDS)
        harness.clock.advance(UPDATE_SECONDS)
        await asyncio.sleep(0.05)
    raise AssertionError(harness.read(view))


def plant(harness: Harness, token_id: str, provider: str) -> None:
    """Connect one more account."""
    like = harness.state.tokens["EtGoogle0001"]
    token = replace(like, token_id=token_id, provider_key=provider, value=f"ya29.{token_id}", account="", updated_at=0)
    harness.state.tokens[token_id] = token


def no_token_is_anywhere(harness: Harness) -> None:
    """No message, dialog or request to Slack holds a token."""
    said = str([*harness.state.messages, *(one.body for one in harness.state.traffic if one.direction == "bot")])
    said += str([view.content for views in harness.state.views.values() for view in views])
    assert not [token for token in harness.state.tokens.values() if token.value in said]


async def test_one_account_is_answered_like_any_command(harness: Harness) -> None:
    read = harness.read(await harness.types("/extauth test EtGoogle0001"))
    assert read.startswith(
        "✓ This account works  EtGoogle0001\nSlack returned its token. Extauth didn't show or keep it."
    )
    read = harness.read(await harness.types("/extauth test EtNoSuch0001"))
    assert f"✕ {title('token_not_found', Operation.TEST)}  EtNoSuch0001" in read
    assert "[Edit…]" in read
    assert harness.calls(GET) == [{"external_token_id": "EtGoogle0001"}, {"external_token_id": "EtNoSuch0001"}]
    history = harness.read(await harness.types("/extauth history"))
    assert "test EtGoogle0001 · works" in history
    assert "test EtNoSuch0001 · failed: token_not_found" in history
    no_token_is_anywhere(harness)


async def test_every_account_is_tested_and_each_failure_gets_its_fix(harness: Harness) -> None:
    harness.state.tokens["EtGoogle0002"].is_expired = True
    harness.state.tokens["EtGoogle0002"].has_refresh_token = False
    plant(harness, "EtErr.access_token_exchange_failed", "github")
    plant(harness, "EtErr.token_not_found", "zoom")

    read = await result(harness, await harness.opens("/extauth test --all"))

    assert "⚠ 5 of 8 accounts work" in read
    assert "✕ Expired, and can't be refreshed: 1\n• max@example.com · google · EtGoogle0002\n" in read
    assert "What to do: Reconnect the account with offline access." in read
    assert "✕ Rejected by the provider: 1\n• github · EtErr.access_token_exchange_failed\n" in read
    assert "✕ Gone: 1\n• zoom · EtErr.token_not_found\n" in read
    assert "✓ Working: 5\n• ada@example.com · google · EtGoogle0001\n" in read
    assert len(harness.calls(GET)) == 8
    assert len(harness.calls(LIST)) == 1
    no_token_is_anywhere(harness)


async def test_a_provider_an_app_and_the_form(harness: Harness) -> None:
    read = await result(harness, await harness.opens("/extauth test --provider-key github"))
    assert "✓ 2 of 2 accounts work" in read
    harness.workspace.close(view_of(harness))
    view = await harness.opens("/extauth test")
    assert "Test accounts" in harness.read(view)
    await harness.workspace.submit(view, {"provider_key": "google"})
    assert "✓ 2 of 2 accounts work" in await result(harness, view)
    assert harness.calls(GET)[2:] == [{"external_token_id": f"EtGoogle000{n}"} for n in (1, 2)]


def view_of(harness: Harness, user: str = ADMIN) -> OpenView:
    view = harness.workspace.dialog(user)
    assert view is not None
    return view


async def test_a_wait_that_slack_did_not_draw_is_drawn_again(harness: Harness) -> None:
    plant_accounts(harness.state, 200)
    view = await harness.opens("/extauth test --all")
    await harness.state.until(lambda: len(harness.calls(GET)) == 25)
    harness.slack.web_api.failures["views.update"] = "internal_error"
    drawn = len(harness.calls("views.update"))
    for _ in range(2):
        await harness.clock.until_asleep(UPDATE_SECONDS)
        harness.clock.advance(UPDATE_SECONDS)
        await harness.state.until(lambda: len(harness.calls("views.update")) > drawn)
    del harness.slack.web_api.failures["views.update"]
    assert "25 of" not in harness.read(view)
    await until_held_back(harness, view)


async def test_a_stop_in_the_middle_tells_exactly_what_was_tested(harness: Harness) -> None:
    plant_accounts(harness.state, 200)
    view = await harness.opens("/extauth test --all")
    await until_held_back(harness, view)
    sent = len(harness.calls(GET))
    assert await harness.workspace.press_in_dialog(view, "Stop")
    await harness.state.until(lambda: "Stopping…" in harness.read(view))
    # Slack holds the next one back for a minute, which nobody who stops it waits for.
    harness.clock.advance(WANTED_SECONDS)
    await harness.state.until(lambda: " results ==" in harness.read(view))
    read = harness.read(view)
    assert "You stopped it. " in read
    assert f"{len(harness.calls(GET))} of 206 accounts work" in read
    assert len(harness.calls(GET)) == sent


@pytest.mark.parametrize("user", [MEMBER, GUEST])
async def test_nobody_else_may_test(harness: Harness, user: str) -> None:
    for line in ("test EtGoogle0001", "test --all", "test"):
        assert "✕ You don't have permission to test accounts" in harness.read(
            await harness.types(f"/extauth {line}", user)
        )
    assert harness.calls(GET) == []
    assert harness.calls(LIST) == []


@pytest.mark.parametrize("line", ["test google", "test EtGoogle0001 --all", "test EtGoogle0001 --provider-key google"])
async def test_what_cannot_be_meant_is_told(harness: Harness, line: str) -> None:
    assert "Usage: /extauth test ID" in harness.read(await harness.types(f"/extauth {line}"))
    assert harness.calls(GET) == []


async def test_where_slack_does_not_list_those_used_lately_are_tested(harness: Harness) -> None:
    harness.slack.web_api.failures[LIST] = "not_allowed_token_type"
    view = await harness.opens("/extauth test --all")
    assert f"✕ {title('not_allowed_token_type', Operation.LIST)}" in harness.read(view)
    harness.workspace.close(view)
    await harness.types("/extauth get EtGoogle0001")
    read = await result(harness, await harness.opens("/extauth test --all"))
    assert "✓ 1 of 1 accounts work" in read
    assert "So these are the tokens you used lately." in read


async def test_without_accounts_there_is_nothing_to_test(harness: Harness) -> None:
    harness.state.tokens.clear()
    assert "⚠ Nobody has connected an account yet" in harness.read(await harness.opens("/extauth test --all"))


async def test_a_result_whose_dialog_was_closed_comes_to_the_channel(harness: Harness) -> None:
    plant_accounts(harness.state, 60)
    view = await harness.opens("/extauth test --all")
    await until_held_back(harness, view)
    harness.workspace.close(view)
    await harness.passes_time(lambda: bool(harness.workspace.messages(ADMIN)))
    assert "✓ 66 of 66 accounts work" in harness.read(harness.workspace.messages(ADMIN)[-1])


async def test_the_results_are_exported(transport: Transport) -> None:
    async with open_harness(transport) as harness:
        view = await harness.opens("/extauth test --provider-key google")
        await result(harness, view)
        shown = await harness.presses_in_dialog(view, "Export…")
        assert "The results of 2 accounts are in your messages with Extauth, as a CSV file." in harness.read(shown)
        (message,) = harness.workspace.messages(ADMIN)
        assert message.channel == DIRECT
        assert harness.read(message).startswith("📄 extauth-test-")
        assert harness.read(message).endswith(
            "external_token_id,provider_key,state,code\nEtGoogle0001,google,works,\nEtGoogle0002,google,works,\n"
        )
        no_token_is_anywhere(harness)


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ("missing_scope", "To get them as a file, Extauth needs the scopes `files:write` and `im:write`."),
        ("internal_error", "Slack didn't take the file."),
        ("odd-shape", "Slack didn't take the file."),
    ],
)
async def test_results_that_slack_takes_no_file_of_can_be_copied(broken: str, why: str) -> None:
    async with open_harness("socket") as harness:
        view = await harness.opens("/extauth test --provider-key google")
        await result(harness, view)
        if broken == "missing_scope":
            harness.slack.web_api.scopes.discard("files:write")
        else:
            harness.slack.web_api.failures["files.getUploadURLExternal"] = broken
        shown = await harness.presses_in_dialog(view, "Export…")
        assert why.replace("`", "") in harness.read(shown)
        assert "external_token_id,provider_key,state,code\nEtGoogle0001,google,works,\n" in harness.read(shown)
        assert harness.workspace.messages(ADMIN) == []


async def test_progress_is_drawn_at_most_once_in_two_seconds_and_its_failures_end_nothing() -> None:
    async with open_harness("socket") as harness:
        plant_accounts(harness.state, 60)
        view = await harness.opens("/extauth test --all")
        harness.slack.web_api.failures["views.update"] = "internal_error"
        await harness.passes_time(lambda: len(harness.calls(GET)) > 50)
        harness.slack.web_api.failures.clear()
        await harness.passes_time(lambda: " results ==" in harness.read(view))
        drawn = [
            one.at for one in harness.state.traffic if one.kind == "views.update" and "Testing acc" in str(one.body)
        ]
        assert "✓ 66 of 66 accounts work" in harness.read(view)
        assert len(drawn) > 5
        assert min(after - before for before, after in itertools.pairwise(drawn)) >= UPDATE_SECONDS


@pytest.mark.parametrize("forged", ["", "0" * 32, "garbage", "\x00", "the other's"])
async def test_a_forged_button_of_a_batch_does_nothing(forged: str) -> None:
    async with open_harness("socket") as harness:
        theirs = await harness.opens("/extauth delete EtGoogle0001 EtGitHub0001", OWNER)
        batch_id = json.loads(theirs.content["private_metadata"])["batch"]["batch_id"]
        for label, action in (("Stop", "batch_stop"), ("Retry", "batch_retry"), ("Export", "batch_export")):
            view = await harness.opens("/extauth test")
            value = batch_id if forged == "the other's" else forged
            button = {"type": "button", "text": {"type": "plain_text", "text": label}, "action_id": action}
            view.content["blocks"].append({"type": "actions", "elements": [{**button, "value": value}]})
            read = harness.read(await harness.presses_in_dialog(view, label))
            assert "Extauth keeps these results for a day." in read
            harness.workspace.close(view)
        assert harness.calls(GET) == harness.calls("apps.auth.external.delete") == []
        await harness.workspace.submit(theirs, {"typed_count": "delete 2 tokens"})
        assert "✓ 2 of 2 tokens deleted" in await result(harness, theirs)


@pytest.mark.parametrize("fault", ["unknown_method", "503", "broken-json", "list"])
async def test_a_list_that_cannot_be_had_is_explained_and_ids_still_work(harness: Harness, fault: str) -> None:
    harness.slack.web_api.failures[LIST] = fault
    view = await harness.opens("/extauth test --provider-key google")
    assert "*Instead:* Type a token's ID" in str(view.content["blocks"])
    harness.workspace.close(view)
    view = await harness.opens("/extauth delete --account ada@example.com")
    assert harness.read(view).startswith("== Couldn't list accounts ==")
    harness.workspace.close(view)
    assert "This deletes 2 tokens:" in harness.read(await harness.opens("/extauth delete EtGoogle0001 EtGitHub0001"))
    assert harness.calls(GET) == []


async def test_the_first_of_2500_accounts_are_tested_and_the_rest_counted(harness: Harness) -> None:
    plant_accounts(harness.state, 2494)
    view = await harness.opens("/extauth test --all")
    await until_held_back(harness, view)
    assert await harness.workspace.press_in_dialog(view, "Stop")
    await harness.passes_time(lambda: " results ==" in harness.read(view))
    told = re.search(
        r"⚠ (\d+) of 2,500 accounts work\nYou stopped it\. ([\d,]+) more weren't tested\.", harness.read(view)
    )
    assert told is not None
    # Until the stop comes, time goes on and Slack lets more through: each of those is counted, and no other.
    count = len(harness.calls(GET)) - harness.slack.web_api.rate_limits.rejected[GET]
    assert int(told[1]) == count >= 25
    assert told[2] == f"{2500 - count:,}"
    assert f"and {count - 20} more" in harness.read(view)
