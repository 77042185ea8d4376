"""Listing connected accounts, as the people of a workspace do it."""

from typing import Any

import pytest

from bot.listeners.flow import NOTICE_SECONDS
from bot.operation import Operation
from bot.sandbox.slack.providers import SimulatedProvider, Workflow
from bot.sandbox.slack.seed import plant_accounts
from bot.sandbox.slack.state import StoredToken
from bot.settings import Transport
from bot.views.accounts import MOST_PROVIDERS
from tests.explanations.expected import title
from tests.harness import ADMIN, GUEST, MEMBER, OWNER, Harness, open_harness, over_both_transports

GET, DELETE, LIST = (f"apps.auth.external.{name}" for name in ("get", "delete", "list"))


def ids(harness: Harness, message: Any) -> list[str]:
    """The token IDs on a page, in its order."""
    lines = [line for line in harness.read(message).splitlines() if " · Et" in line]
    return [line.rsplit(" · ", 1)[1] for line in lines]


async def test_a_list_names_providers_accounts_refreshes_and_workflows(harness: Harness) -> None:
    message = await harness.types("/extauth list")

    read = harness.read(message)
    assert read.startswith("6 connected accounts\nProviders:\n• Google google  2 accounts · client secret set\n")
    assert "• Zoom zoom  0 accounts · ⚠ no client secret" in read
    refreshed = int(harness.state.tokens["EtGoogle0001"].updated_at)
    assert f"<!date^{refreshed}^" in str(message.blocks)
    assert "ada@example.com · google · EtGoogle0001\nRefreshed " in read
    assert " · used by daily_agenda, weekly_report\n  ⋯ Get | Force refresh | Test | History | Delete…\n" in read
    assert read.count("no workflow uses it") == 3
    assert ids(harness, message)[0] == "EtGoogle0001"
    assert ids(harness, message)[-1] == "EtGitHub0001"
    assert "[Test…] [Delete several…]\n" in read
    assert "[Older]" not in read
    assert harness.calls(LIST) == [{"include_workflows": True, "app_id": "A0SANDBOX"}]
    assert harness.calls(GET) == []
    assert all(token.value not in str(message.blocks) for token in harness.state.tokens.values())


async def test_a_provider_is_picked_out_and_an_app_is_asked_for(harness: Harness) -> None:
    for line in ("list --provider-key github", "list github", "LIST provider_key=github"):
        assert ids(harness, await harness.types(f"/extauth {line}")) == ["EtShort00001", "EtGitHub0001"]
    harness.state.tokens["EtOther00001"] = StoredToken("EtOther00001", "jira", "a-token", app_id="A0OTHER")
    read = harness.read(await harness.types("/extauth list --app-id A0OTHER"))
    assert "1 connected account  app A0OTHER" in read
    assert "Unknown account · jira · EtOther00001\nLast refresh unknown · no workflow uses it" in read
    assert harness.calls(LIST)[-1] == {"app_id": "A0OTHER", "include_workflows": True}
    assert all("provider_key" not in sent for sent in harness.calls(LIST))


async def test_a_provider_that_the_app_does_not_have_is_told_with_those_it_has(harness: Harness) -> None:
    read = harness.read(await harness.types("/extauth list --provider-key gogle"))
    assert "✕ This app has no such provider  gogle" in read
    assert "• Google google  2 accounts" in read
    read = harness.read(await harness.types("/extauth list --app-id A0NOWHERE"))
    assert f"✕ {title('app_not_found', Operation.LIST)}  all tokens of app A0NOWHERE" in read
    assert "[Edit…]" not in read


async def test_with_no_account_there_is_nothing_to_choose(harness: Harness) -> None:
    harness.state.tokens.clear()
    read = harness.read(await harness.types("/extauth list"))
    assert read.startswith("0 connected accounts\nProviders:\n• Google google  0 accounts · client secret set\n")
    assert "Nobody has connected an account yet." in read
    harness.state.providers.clear()
    read = harness.read(await harness.types("/extauth list"))
    assert "Slack lists no providers for this app." in read
    assert "⋯" not in read


async def test_accounts_that_slack_does_not_name_are_never_said_not_to_be_there(harness: Harness) -> None:
    harness.state.tokens.clear()
    harness.state.providers = {"google": SimulatedProvider("google", "Google", shape={"external_tokens": None})}
    harness.state.providers["google"].shape["valid_token_exists"] = True
    read = harness.read(await harness.types("/extauth list"))
    assert read.startswith("Connected accounts\nProvider:\n• Google google  accounts not named")
    tested = harness.read(await harness.opens("/extauth test --all"))
    for said in (read, tested):
        assert "Slack doesn't say which accounts are connected" in said
        assert "Nobody has connected" not in said


async def test_accounts_that_slack_names_only_by_their_ids_are_listed_and_tested(harness: Harness) -> None:
    shape: dict[str, object] = {"external_tokens": None, "external_token_ids": ["EtGoogle0001", "EtGoogle0002"]}
    for other in ("github", "salesforce"):
        shape_of_other: dict[str, object] = {"external_tokens": []}
        harness.state.providers[other] = SimulatedProvider(other, other, shape=shape_of_other)
    harness.state.providers["google"] = SimulatedProvider("google", "Google", shape=shape)
    assert ids(harness, await harness.types("/extauth list")) == ["EtGoogle0002", "EtGoogle0001"]
    tested = await harness.opens("/extauth test --all")
    await harness.passes_time(lambda: "2 of 2 accounts work" in harness.read(tested))
    assert {call["external_token_id"] for call in harness.calls(GET)} == {"EtGoogle0001", "EtGoogle0002"}


async def test_one_account_has_a_line_and_no_pages(harness: Harness) -> None:
    harness.state.tokens = {"EtGoogle0002": harness.state.tokens["EtGoogle0002"]}
    harness.state.tokens["EtGoogle0002"].has_refresh_token = False
    harness.state.workflows = [Workflow(f"Wf{n}", "", {"google": "EtGoogle0002"}) for n in range(5)]
    read = harness.read(await harness.types("/extauth list google"))
    assert "1 connected account\nProvider:\n• Google google  1 account · client secret set · ⚠ no valid token\n" in read
    assert "used by Wf0, Wf1, Wf2 and 2 more" in read
    assert "[" not in read


async def test_thousands_of_accounts_are_turned_over_page_by_page(harness: Harness) -> None:
    plant_accounts(harness.state, 2494)
    by_refresh = sorted(harness.state.tokens.values(), key=lambda token: token.updated_at, reverse=True)

    first = await harness.types("/extauth list")
    assert harness.read(first).startswith("Connected accounts 1 to 10 of 2,500\n")
    assert "[Older]" in harness.read(first)
    assert "[Newer]" not in harness.read(first)

    second = await harness.presses(first, "Older")
    assert harness.workspace.messages(ADMIN) == [second]
    assert harness.read(second).startswith("Connected accounts 11 to 20 of 2,500\n")
    assert "[Newer] [Older]" in harness.read(second)
    third = await harness.presses(second, "Older")
    pages = [ids(harness, page) for page in (first, second, third)]
    refreshes = [harness.state.tokens[token_id].updated_at for page in pages for token_id in page]
    assert refreshes == [token.updated_at for token in by_refresh[:30]]

    back = await harness.presses(third, "Newer")
    assert ids(harness, back) == pages[1]
    assert ids(harness, await harness.presses(back, "Newer")) == pages[0]


@pytest.mark.parametrize(
    ("typed", "found", "heading"),
    [
        ("ADA@", ["EtGoogle0001"], "1 connected account with ADA@"),
        ("--account ada@example.com", ["EtGoogle0001"], "1 connected account of ada@example.com"),
        ("--account Ada@Example.com", ["EtGoogle0001"], "1 connected account of Ada@Example.com"),
        ("--account ada@", [], "0 connected accounts of ada@"),
        ("daily", ["EtGoogle0001"], "1 connected account with daily"),
        ("triage", ["EtGitHub0001"], "1 connected account with triage"),
        ("hub --unused", ["EtShort00001"], "1 connected account with hub, that no workflow uses"),
        ("--stale 90d", ["EtGitHub0001"], "1 connected account not refreshed for 90 days"),
        ("nothing-like-this", [], "0 connected accounts with nothing-like-this"),
    ],
)
async def test_some_accounts_are_found(harness: Harness, typed: str, found: list[str], heading: str) -> None:
    message = await harness.types(f"/extauth list {typed}")
    read = harness.read(message)
    assert read.startswith(heading)
    assert ids(harness, message) == found
    assert ("For all accounts, type /extauth list." in read) == (not found)
    assert "Nobody has connected" not in read
    assert harness.calls(LIST) == [{"include_workflows": True, "app_id": "A0SANDBOX"}], "Slack isn't told"


async def test_old_accounts_are_found_by_the_days_since_their_refresh(harness: Harness) -> None:
    harness.state.tokens["EtGitHub0001"].updated_at = harness.clock.now() - 301 * 24 * 3600
    assert ids(harness, await harness.types("/extauth list --stale 300d")) == ["EtGitHub0001"]
    assert ids(harness, await harness.types("/extauth list --stale=302")) == []
    for bad in ("0d", "x", "9999d"):
        assert "✕" in harness.read(await harness.types(f"/extauth list --stale {bad}"))


async def test_a_search_turns_its_pages(harness: Harness) -> None:
    plant_accounts(harness.state, 40)
    first = await harness.types("/extauth list example.com --unused")
    assert harness.read(first).startswith("Connected accounts 1 to 10 of ")
    second = await harness.presses(first, "Older")
    assert "with example.com, that no workflow uses" in harness.read(second)
    assert not set(ids(harness, first)) & set(ids(harness, second))


async def test_a_search_for_what_may_be_a_secret_is_kept_nowhere(harness: Harness) -> None:
    plant_accounts(harness.state, 40)
    harness.state.tokens["EtGoogle0001"].account = "Zm9vYmFyYmF6cXV4Zm9vYmFy"
    message = await harness.types("/extauth list Zm9vYmFyYmF6cXV4Zm9vYmFy")
    assert ids(harness, message) == ["EtGoogle0001"]
    read = harness.read(message)
    assert read.startswith("1 connected account with Zm9v… (24 characters)")
    history = harness.read(await harness.types("/extauth history"))
    assert "Zm9vYmFyYmF6" not in history
    assert "looks like a GitHub token" in harness.read(
        await harness.types("/extauth list ghp_16C7e42F292c6912E7710c838347Ae178B4a")
    )


async def test_pages_stay_with_their_provider_and_app_and_are_listed_anew(harness: Harness) -> None:
    plant_accounts(harness.state, 60)
    first = await harness.types("/extauth list --provider-key github --app-id A0SANDBOX")
    shown = ids(harness, first)
    del harness.state.tokens[shown[0]], harness.state.tokens[shown[-1]]

    second = await harness.presses(first, "Older")

    assert harness.read(second).startswith("Connected accounts 9 to 18 of 20  app A0SANDBOX\n")
    assert {harness.state.tokens[token_id].provider_key for token_id in ids(harness, second)} == {"github"}
    assert not {*ids(harness, second)} & {*shown}
    assert len(harness.calls(LIST)) == 2


@over_both_transports
async def test_a_menu_fetches_and_refreshes_beside_the_list(harness: Harness) -> None:
    message = await harness.types("/extauth list")

    fetched = await harness.picks(message, "EtSalesforce1", "Get")
    assert "✓ Token fetched  EtSalesforce1" in harness.read(fetched)
    assert "[Show token]" in harness.read(fetched)
    refreshed = await harness.picks(message, "EtGoogle0001", "Force refresh")
    assert "✓ Token refreshed  EtGoogle0001" in harness.read(refreshed)

    assert harness.workspace.messages(ADMIN) == [message, fetched, refreshed]
    assert harness.state.tokens["EtGoogle0001"].refreshes == 1


async def test_a_menu_answers_what_was_done_with_a_token(harness: Harness) -> None:
    await harness.types("/extauth get EtGoogle0001")
    await harness.types("/extauth get EtGitHub0001")
    message = await harness.types("/extauth list")
    history = await harness.picks(message, "EtGoogle0001", "History")
    read = harness.read(history)
    assert "get EtGoogle0001" in read
    assert "EtGitHub0001" not in read


async def test_a_menu_asks_before_it_deletes_and_the_list_stays(harness: Harness) -> None:
    message = await harness.types("/extauth list")

    view = await harness.picks_for_dialog(message, "EtGitHub0001", "Delete…")
    assert "Delete the token EtGitHub0001?" in harness.read(view)
    assert harness.calls(DELETE) == []
    deleted = await harness.sends(view)

    assert "✓ Deleted from Slack  EtGitHub0001" in harness.read(deleted)
    assert harness.workspace.messages(ADMIN) == [message, deleted]
    assert "EtGitHub0001" not in harness.read(await harness.types("/extauth list"))


async def test_the_menu_holds_only_what_a_person_may_do(transport: Transport) -> None:
    async with open_harness(transport, EXTAUTH_LIST_ALLOW="members", EXTAUTH_DELETE_ALLOW="admins,U0MEMBER") as harness:
        member = harness.read(await harness.types("/extauth list", MEMBER))
        assert "⋯ Delete…\n" in member
        assert "Force refresh" not in member
        owner = harness.read(await harness.types("/extauth list", OWNER))
        assert "⋯ Get | Force refresh | Test | History | Delete…" in owner
        assert "[Test…] [Delete several…]" in owner
        assert "[Delete several…]" in member
        assert "[Test…]" not in member
    async with open_harness(transport, EXTAUTH_LIST_ALLOW="members") as harness:
        member = harness.read(await harness.types("/extauth list", MEMBER))
        assert "EtGoogle0001" in member
        assert "⋯" not in member


@pytest.mark.parametrize(
    ("user", "because"),
    [
        (MEMBER, "Only workspace admins and owners can. Ask one of them."),
        (GUEST, "Guests can't use external tokens. Ask workspace admins and owners."),
    ],
)
async def test_nobody_else_may_list(harness: Harness, user: str, because: str) -> None:
    read = harness.read(await harness.types("/extauth list --provider-key google", user))
    assert "✕ You don't have permission to list connected accounts  all google tokens" in read
    assert because in read
    assert harness.calls(LIST) == []


REFUSALS = ("not_allowed_token_type", "unknown_method", "missing_scope", "method_not_supported")


@pytest.mark.parametrize("code", REFUSALS)
async def test_where_slack_refuses_it_is_said_why_and_what_to_do_instead(harness: Harness, code: str) -> None:
    await harness.types("/extauth get EtGoogle0001")
    harness.slack.web_api.failures[LIST] = code

    read = harness.read(await harness.types("/extauth list"))

    assert f"✕ {title(code, Operation.LIST)}" in read
    assert "Instead: Type a token's ID: /extauth get ID. You used EtGoogle0001 lately." in read
    assert f"{LIST} answered {code}" in read
    assert "About this method" not in read
    assert "[" not in read
    assert "EtGoogle0001" not in harness.read(await harness.types("/extauth list", OWNER))


async def test_what_was_broken_can_be_tried_again(harness: Harness) -> None:
    harness.slack.web_api.failures[LIST] = "internal_error"
    broken = await harness.types("/extauth list --provider-key github")
    assert f"✕ {title('internal_error', Operation.LIST)}  all github tokens" in harness.read(broken)
    harness.slack.web_api.failures.clear()

    again = await harness.presses(broken, "Try again")

    assert ids(harness, again) == ["EtShort00001", "EtGitHub0001"]
    assert harness.workspace.messages(ADMIN) == [again]


async def test_a_page_that_cannot_be_fetched_leaves_the_one_before_it(harness: Harness) -> None:
    plant_accounts(harness.state, 20)
    first = await harness.types("/extauth list")
    harness.slack.web_api.failures[LIST] = "503"
    failure = await harness.presses(first, "Older")
    assert f"✕ {title('http_error', Operation.LIST)}" in harness.read(failure)
    assert harness.workspace.messages(ADMIN) == [first, failure]


async def test_a_list_that_slack_limits_is_waited_for(harness: Harness) -> None:
    for _ in range(20):
        harness.slack.web_api.rate_limits.retry_after(LIST)
    assert await harness.workspace.command(ADMIN, "/extauth list google")
    await harness.state.until(lambda: len(harness.calls(LIST)) == 1)
    await harness.clock.until_asleep(60)
    harness.clock.advance(NOTICE_SECONDS)
    await harness.state.until(lambda: len(harness.workspace.messages(ADMIN)) == 1)
    notice = harness.read(harness.workspace.messages(ADMIN)[0])
    assert "Listing all google tokens…\nSlack is limiting requests" in notice

    harness.clock.advance(58)
    await harness.state.until(lambda: len(harness.workspace.messages(ADMIN)) == 2)
    assert "2 connected accounts" in harness.read(harness.workspace.messages(ADMIN)[1])


async def test_each_page_is_in_the_audit_log(harness: Harness) -> None:
    plant_accounts(harness.state, 20)
    first = await harness.types("/extauth list")
    await harness.presses(first, "Older")
    await harness.types("/extauth list zoom", MEMBER)
    read = harness.read(await harness.types("/extauth history"))
    lines = [line.split(" · ", 1)[1].rsplit(" · ", 1)[0] for line in read.splitlines() if " · " in line]
    assert lines == ["@U0MEMBER · list provider zoom · denied (not listed)", *["@U0ADMIN · list · listed"] * 2]


@over_both_transports
async def test_a_value_from_outside_that_the_bot_did_not_write_does_nothing(harness: Harness) -> None:
    message = await harness.types("/extauth list")
    menu = next(block["accessory"] for block in message.blocks if "accessory" in block)
    menu["options"][0]["value"] = '{"do":"delete","provider_key":"google","external_token_id":"Et1"}'
    answer = await harness.picks(message, "EtGoogle0001", "Get")
    assert "This is from an older version of Extauth." in harness.read(answer)
    assert harness.calls(GET) + harness.calls(DELETE) == []


async def test_what_slack_says_of_an_account_is_only_text(harness: Harness) -> None:
    nasty = "<!channel> `*x*` <https://evil.example|ada>"
    harness.state.tokens["EtGoogle0001"].account = nasty
    message = await harness.types("/extauth list google")
    row = next(block["text"]["text"] for block in message.blocks if "EtGoogle0001" in str(block.get("text")))
    assert row.startswith("`&lt;!channel&gt; '*x*' &lt;https://evil.example|ada&gt;` · `google` · `EtGoogle0001`\n")


async def test_no_list_holds_more_than_there_is_room_for(harness: Harness) -> None:
    for number in range(30):
        key = f"provider-{number:02d}-{'k' * 200}"
        harness.state.tokens[f"EtWide{number:06d}"] = StoredToken(
            f"EtWide{number:06d}", key, "a-token", account="&" * 500, updated_at=harness.clock.now()
        )
    harness.state.workflows = [Workflow(f"Wf{n}", "&" * 400, {key: "EtWide000029"}) for n in range(60)]
    message = await harness.types("/extauth list")
    assert "Connected accounts 1 to 10 of 36" in harness.read(message)
    assert "and 19 more" in harness.read(message)
    assert harness.read(message).count("\n• ") == MOST_PROVIDERS + 1
