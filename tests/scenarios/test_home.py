"""The App Home, for each kind of person."""

import pytest

from bot.listeners.home import LISTED_SECONDS
from bot.sandbox.slack.providers import SimulatedProvider
from bot.sandbox.slack.seed import plant_accounts
from bot.sandbox.slack.state import OpenView
from bot.settings import Transport
from tests import drawing
from tests.harness import ADMIN, GUEST, MEMBER, Harness, open_harness, over_both_transports

LIST = "apps.auth.external.list"


def _read(harness: Harness, user: str = ADMIN) -> str:
    home = harness.state.homes.get(user)
    blocks = home.content["blocks"] if home is not None else []
    return "\n".join(line for block in blocks for line in drawing.block_lines(block))


async def _home(harness: Harness, user: str = ADMIN) -> str:
    before = harness.state.homes.get(user)
    assert await harness.workspace.open_home(user)
    await harness.state.until(lambda: harness.state.homes.get(user) is not before)
    return _read(harness, user)


async def _modal(harness: Harness, label: str, user: str = ADMIN) -> OpenView:
    assert await harness.workspace.press_in_dialog(harness.state.homes[user], label)
    await harness.state.until(lambda: harness.workspace.dialog(user) is not None)
    return await harness.dialog(user)


def _break(harness: Harness, token_id: str) -> None:
    token = harness.state.tokens[token_id]
    token.is_expired, token.has_refresh_token = True, False


@over_both_transports
async def test_an_admin_gets_a_button_for_everything(harness: Harness) -> None:
    home = await _home(harness, ADMIN)

    assert "Extauth fetches and deletes the tokens that Slack keeps" in home
    assert "[Get a token…] [Delete tokens…] [Test…] [Delete several…] [List accounts] [Connect…] [Audit log]" in home
    assert "Questions? Ask a workspace admin." in home
    assert "✓ You can fetch tokens, show tokens in full, test accounts, delete tokens, " in home
    assert "It looks like Et12345ABCDE" in home


async def test_people_without_permission_learn_why_and_whom_to_ask(harness: Harness) -> None:
    reasons = {
        MEMBER: "connect accounts, or see the audit log. Ask workspace admins and owners.",
        GUEST: "Guests can't use external tokens.",
    }
    for user, why in reasons.items():
        home = await _home(harness, user)
        assert "[" not in home
        assert why in home
        assert "Questions? Ask a workspace admin." in home
        assert "Connected accounts" not in home
        assert "lately" not in home
        assert "Audit log" not in home
    assert harness.calls(LIST) == []


async def test_each_opening_of_the_home_checks_permissions_again(harness: Harness) -> None:
    assert "[Get a token…]" in await _home(harness, ADMIN)
    harness.demote(ADMIN)
    assert "[Get a token…]" not in await _home(harness, ADMIN)


@over_both_transports
async def test_its_buttons_answer_inside_their_dialogs(harness: Harness) -> None:
    await _home(harness, ADMIN)
    home = harness.state.homes[ADMIN]

    assert await harness.workspace.press_in_dialog(home, "Get a token…")
    await harness.state.until(lambda: harness.workspace.dialog(ADMIN) is not None)
    result = await harness.submits(await harness.dialog(), external_token_id="EtGoogle0001")
    assert "[Show token]" in harness.read(result)
    harness.workspace.close(result)

    assert await harness.workspace.press_in_dialog(home, "Delete tokens…")
    await harness.state.until(lambda: harness.workspace.dialog(ADMIN) is not None)
    question = await harness.submits(await harness.dialog(), external_token_id="EtGoogle0001")
    assert "Deleted from Slack" in harness.read(await harness.submits(question))
    assert harness.workspace.messages(ADMIN) == []


async def test_standing_that_went_away_before_the_button_counts(harness: Harness) -> None:
    await _home(harness, ADMIN)
    harness.demote(ADMIN)

    await harness.workspace.press_in_dialog(harness.state.homes[ADMIN], "Delete tokens…")
    await harness.state.until(lambda: harness.workspace.dialog(ADMIN) is not None)
    assert "You don't have permission to delete tokens" in harness.read(await harness.dialog())


async def test_the_state_is_there_at_a_glance(harness: Harness) -> None:
    assert (
        "Connected accounts\nSlack lists 6 accounts and 4 providers.\nNo account has been tested yet."
        in await _home(harness)
    )
    _break(harness, "EtGoogle0002")
    await harness.types("/extauth test EtGoogle0002")
    await harness.types("/extauth test EtGoogle0001")
    home = await _home(harness)
    assert ":  ✓ 1 work  ·  ✕ 1 don't  ·  4 not tested yet" in home
    assert "✕ Expired, and can't be refreshed: 1\n• max@example.com · google · EtGoogle0002\n" in home
    await harness.types("/extauth delete EtGoogle0002 --yes")
    assert "EtGoogle0002 ·" not in (home := await _home(harness)).split("What you did lately")[0]
    assert ":  ✓ 1 work  ·  " in home


async def test_the_home_shows_own_actions_and_the_audit_log(harness: Harness) -> None:
    await harness.types("/extauth get EtGoogle0001")
    view = await harness.opens("/extauth test --all")
    await harness.state.until(lambda: " results ==" in harness.read(view))
    await harness.types("/extauth get EtGitHub0001", MEMBER)
    own, log = (await _home(harness)).split("What you did lately")[1].split("Audit log")
    assert "test several tokens" in own
    assert "get EtGoogle0001 · fetched" in own
    assert "EtGitHub0001" not in own
    assert "list" not in own
    assert "get EtGitHub0001 · denied (not listed)" in log
    assert "test several tokens" in log


async def test_opening_it_again_and_again_lists_once_in_a_while(harness: Harness) -> None:
    for _ in range(10):
        assert "6 accounts and 4 providers" in await _home(harness)
    assert len(harness.calls(LIST)) == 1
    assert harness.read(await harness.types("/extauth history")).count(" · list · listed") == 1
    harness.clock.advance(LISTED_SECONDS + 1)
    await _home(harness)
    assert len(harness.calls(LIST)) == 2


async def test_where_slack_does_not_list_the_last_tests_are_told(harness: Harness) -> None:
    _break(harness, "EtGoogle0002")
    view = await harness.opens("/extauth test --all")
    await harness.state.until(lambda: " results ==" in harness.read(view))
    harness.slack.web_api.failures[LIST] = "not_allowed_token_type"
    home = await _home(harness)
    assert (
        "can't list connected accounts (not_allowed_token_type). The last tests were of 6 accounts with 3 providers."
        in home
    )
    assert "✕ Expired, and can't be refreshed: 1\n• google · EtGoogle0002\n" in home
    await _home(harness)
    assert len(harness.calls(LIST)) == 2  # the test's, and one refusal, which is remembered


async def test_a_slow_list_is_filled_in(harness: Harness) -> None:
    harness.slack.web_api.latency = 5.0
    assert await harness.workspace.open_home(ADMIN)
    await harness.passes_time(lambda: "Counting…" in _read(harness))
    assert "[List accounts]" in _read(harness)
    await harness.passes_time(lambda: "6 accounts and 4 providers" in _read(harness))
    assert "Counting…" not in _read(harness)


async def test_a_late_count_does_not_replace_a_newer_home(harness: Harness) -> None:
    harness.slack.web_api.latency = 5.0
    assert await harness.workspace.open_home(ADMIN)
    await harness.passes_time(lambda: "Counting…" in _read(harness))
    harness.state.homes[ADMIN].hash = "drawn anew"
    await harness.passes_time(lambda: len(harness.calls("answer to views.publish")) == 2)
    assert "hash_conflict" in str(harness.calls("answer to views.publish")[-1])
    assert "Counting…" in _read(harness)


@pytest.mark.parametrize(("count", "told"), [(0, "Nobody has connected an account yet."), (2500, "2,500 accounts and")])
async def test_any_number_of_accounts(harness: Harness, count: int, told: str) -> None:
    harness.state.tokens.clear()
    plant_accounts(harness.state, count)
    assert told in await _home(harness)


async def test_accounts_that_slack_does_not_name_are_not_counted(harness: Harness) -> None:
    harness.state.tokens.clear()
    shape: dict[str, object] = {"external_tokens": None, "valid_token_exists": True}
    harness.state.providers["google"] = SimulatedProvider("google", "Google", shape=shape)
    home = await _home(harness)
    assert "Slack doesn't say which accounts are connected." in home
    assert "Nobody has connected" not in home


async def test_list_and_history_open_in_a_dialog_and_turn_their_pages(harness: Harness) -> None:
    plant_accounts(harness.state, 20)
    for number in range(12):
        await harness.types(f"/extauth get EtNone{number}")
    await _home(harness)
    view = await _modal(harness, "List accounts")
    assert "Connected accounts 1 to 10 of 26" in harness.read(view)
    assert "accounts 11 to 20 of 26" in harness.read(await harness.presses_in_dialog(view, "Older"))
    assert "accounts 1 to 10 of 26" in harness.read(await harness.presses_in_dialog(view, "Newer"))
    harness.workspace.close(view)
    view = await _modal(harness, "Audit log")
    assert "Last 10 audit log entries" in harness.read(view)
    assert "Older " in harness.read(await harness.presses_in_dialog(view, "Older"))
    before = len(harness.workspace.messages(ADMIN))
    harness.workspace.close(view)
    assert "Test accounts" in harness.read(await _modal(harness, "Test…"))
    assert len(harness.workspace.messages(ADMIN)) == before == 12


async def test_who_may_fetch_but_not_list_sees_no_accounts(transport: Transport) -> None:
    async with open_harness(transport, EXTAUTH_GET_ALLOW="members", EXTAUTH_CONTACT="U0OWNER") as harness:
        _break(harness, "EtGoogle0002")
        await harness.types("/extauth test EtGoogle0002", ADMIN)
        await harness.types("/extauth get EtGitHub0001", MEMBER)
        home = await _home(harness, MEMBER)
        assert "[Get a token…] [Test…]" in home
        assert "[Delete" not in home
        assert "[List" not in home
        assert "get EtGitHub0001 · fetched" in home
        assert "max@example.com" not in home
        assert "EtGoogle0002" not in home
        assert "Connected accounts" not in home
        assert "Questions? Ask @U0OWNER" in home
        assert harness.calls(LIST) == []
        for label in ("List accounts", "Audit log"):
            await _home(harness)
            harness.demote(ADMIN)
            view = await _modal(harness, label)
            assert "✕ You don't have permission to" in harness.read(view)
            harness.workspace.close(view)
            harness.state.people[ADMIN].is_admin = True
            harness.clock.advance(60)
