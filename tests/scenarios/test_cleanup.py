"""Deleting several tokens, as the people of a workspace do it."""

import pytest

from bot.operation import Operation
from bot.sandbox.slack.seed import plant_accounts
from bot.settings import Transport
from tests.explanations.expected import title
from tests.harness import ADMIN, GUEST, MEMBER, Harness, open_harness, over_both_transports
from tests.scenarios.test_testing import result, until_held_back

DELETE, LIST = "apps.auth.external.delete", "apps.auth.external.list"


async def test_a_confirmation_names_tokens_providers_and_workflows_and_has_to_be_typed(harness: Harness) -> None:
    view = await harness.opens("/extauth delete EtGoogle0001, EtGitHub0001 EtGoogle0001")
    read = harness.read(view)
    assert (
        "This deletes 2 tokens:\n• ada@example.com · google · EtGoogle0001\n• ada-codes · github · EtGitHub0001" in read
    )
    assert "reconnects the accounts: daily_agenda, triage_issues, weekly_report" in read
    view = await harness.submits(view, typed_count="delete 3 tokens")
    assert "That doesn't match. Nothing was deleted. Type: delete 2 tokens" in harness.read(view)
    assert harness.calls(DELETE) == []

    await harness.workspace.submit(view, {"typed_count": "Delete  2 TOKENS"})

    read = await result(harness, view)
    assert "✓ 2 of 2 tokens deleted" in read
    assert "[Retry failed…]" not in read
    assert harness.calls(DELETE) == [{"external_token_id": "EtGoogle0001"}, {"external_token_id": "EtGitHub0001"}]
    assert not {"EtGoogle0001", "EtGitHub0001"} & {*harness.state.tokens}
    history = harness.read(await harness.types("/extauth history"))
    assert "delete EtGoogle0001 · deleted" in history
    assert "delete EtGitHub0001 · deleted" in history


async def test_all_tokens_of_somebody_who_left(harness: Harness) -> None:
    for token_id, provider in (("EtOther00001", "zoom"), ("EtOther00002", "google")):
        harness.state.tokens[token_id] = harness.state.tokens["EtGoogle0001"].__class__(
            token_id, provider, f"value-of-{token_id}", account="ada@example.com"
        )
    view = await harness.opens("/extauth delete --account ada@example.com --provider-key google")
    assert "This deletes 2 tokens:" in harness.read(view)
    harness.workspace.close(view)

    view = await harness.opens("/extauth delete --account ada@example.com")
    await harness.workspace.submit(view, {"typed_count": "delete 3 tokens"})

    assert "✓ 3 of 3 tokens deleted" in await result(harness, view)
    assert {token.account for token in harness.state.tokens.values()} == {
        "ada-codes",
        "max@example.com",
        "max-builds",
        "olivia@example.com",
        "sales@example.com",
    }


async def test_an_account_that_nobody_has(harness: Harness) -> None:
    read = harness.read(await harness.opens("/extauth delete --account ada@exmaple.com"))
    assert "✕ Slack lists no tokens for this account\nada@exmaple.com" in read


async def test_the_form_takes_what_can_be_typed(harness: Harness) -> None:
    message = await harness.types("/extauth list")
    view = await harness.presses_for_dialog(message, "Delete several…")
    view = await harness.submits(view, external_token_ids="EtGoogle0001\nEt/Odd", account="")
    assert "One of them isn't a token ID. It can't have “/”" in harness.read(view)
    view = await harness.submits(view, external_token_ids="EtGoogle0001", account="ada@example.com")
    assert "Enter token IDs or an account, not both." in harness.read(view)
    view = await harness.submits(view, external_token_ids="", account="")
    assert "Enter token IDs or an account." in harness.read(view)
    view = await harness.submits(view, external_token_ids="EtGoogle0001,\nEtGitHub0001", account="")
    assert "This deletes 2 tokens:" in harness.read(view)


async def test_accounts_are_chosen_on_the_page_of_the_list(harness: Harness) -> None:
    view = await harness.presses_for_dialog(await harness.types("/extauth list"), "Delete several…")
    assert "ada@example.com · google · EtGoogle0001" in harness.read(view)
    chosen = ["EtGoogle0001", "EtGitHub0001"]
    view = await harness.submits(view, chosen_token_ids=chosen, external_token_ids="EtShort00001", account="")
    read = harness.read(view)
    assert "This deletes 3 tokens:" in read
    for account in ("ada@example.com · google", "ada-codes · github", "max-builds · github"):
        assert f"• {account} · Et" in read


async def test_a_token_pasted_among_ids_goes_nowhere(harness: Harness) -> None:
    pasted = "ghp_" + "a1B2" * 9
    view = await harness.presses_for_dialog(await harness.types("/extauth list"), "Delete several…")
    view = await harness.submits(view, external_token_ids=f"EtGoogle0001 {pasted}", account="")
    assert "This looks like a GitHub " in harness.read(view)
    view = await harness.submits(view, external_token_ids="", account=pasted)
    assert "This looks like a GitHub " in harness.read(view)
    sent = [one.body for one in harness.state.traffic if one.direction == "bot"]
    assert pasted not in str(sent)


async def test_what_failed_is_told_and_can_be_tried_again(harness: Harness) -> None:
    view = await harness.opens("/extauth delete EtErr.unable_to_delete EtGoogle0001 EtNoSuch0001")
    await harness.workspace.submit(view, {"typed_count": "delete 3 tokens"})
    read = await result(harness, view)
    assert "⚠ 1 of 3 tokens deleted" in read
    assert f"⚠ {title('unable_to_delete', Operation.DELETE)}: 1\n• EtErr.unable_to_delete" in read
    assert "The deletion may still have gone through. What to do: Try again" in read
    assert f"✕ {title('token_not_found', Operation.DELETE)}: 1\n• EtNoSuch0001" in read

    view = await harness.presses_in_dialog(view, "Retry failed…")

    assert "This deletes 1 token:\n• EtErr.unable_to_delete" in harness.read(view)
    await harness.workspace.submit(view, {"typed_count": "delete 1 token"})
    assert "0 of 1 tokens deleted" in await result(harness, view)
    assert len(harness.calls(DELETE)) == 4


async def test_a_stop_in_the_middle_leaves_the_rest_to_be_deleted(harness: Harness) -> None:
    plant_accounts(harness.state, 150)
    doomed = sorted(harness.state.tokens)[:120]
    harness.slack.web_api.rate_limits.is_on = True
    view = await harness.presses_for_dialog(await harness.types("/extauth list"), "Delete several…")
    view = await harness.submits(view, external_token_ids=" ".join(doomed[:100]), account="")
    await harness.workspace.submit(view, {"typed_count": "delete 100 tokens"})
    await harness.state.until(lambda: "[Stop]" in harness.read(view) and len(harness.calls(DELETE)) > 3)
    assert await harness.workspace.press_in_dialog(view, "Stop")
    await harness.passes_time(lambda: " results ==" in harness.read(view))
    gone, read = len(harness.calls(DELETE)), harness.read(view)
    if gone < 100:
        assert f"⚠ {gone} of 100 tokens deleted\nYou stopped it. " in read
        view = await harness.presses_in_dialog(view, "Delete the rest…")
        assert f"This deletes {100 - gone} token" in harness.read(view)
    assert len(harness.state.tokens) == 156 - gone


async def test_a_stop_counts_what_was_deleted_of_2500_tokens(harness: Harness) -> None:
    plant_accounts(harness.state, 2494)
    for token in harness.state.tokens.values():
        token.account = "gone@example.com"
    view = await harness.opens("/extauth delete --account gone@example.com")
    assert "This deletes 2,500 tokens:" in harness.read(view)
    assert "and 2,480 more" in harness.read(view)
    await harness.workspace.submit(view, {"typed_count": "delete 2500 tokens"})
    await until_held_back(harness, view, 50)
    assert await harness.workspace.press_in_dialog(view, "Stop")
    await harness.passes_time(lambda: " results ==" in harness.read(view))
    deleted = 2500 - len(harness.state.tokens)
    read = harness.read(view)
    assert deleted > 0
    assert f"⚠ {deleted} of 2,500 tokens deleted\nYou stopped it. {2500 - deleted:,} more weren't deleted." in read
    assert f"This deletes {2500 - deleted:,} tokens:" in harness.read(
        await harness.presses_in_dialog(view, "Delete the rest…")
    )


async def test_slack_refusing_everything_ends_it_early(harness: Harness) -> None:
    harness.slack.web_api.failures[DELETE] = "not_allowed_token_type"
    view = await harness.opens("/extauth delete EtA1 EtA2 EtA3 EtA4 EtA5")
    await harness.workspace.submit(view, {"typed_count": "delete 5 tokens"})
    read = await result(harness, view)
    assert "⚠ 0 of 5 tokens deleted\nSlack kept refusing. 2 more weren't deleted." in read
    assert len(harness.calls(DELETE)) == 3


@over_both_transports
async def test_a_confirmation_that_comes_twice_deletes_once(harness: Harness) -> None:
    view = await harness.opens("/extauth delete EtGoogle0001 EtGitHub0001")
    content = dict(view.content)
    await harness.workspace.submit(view, {"typed_count": "delete 2 tokens"})
    await result(harness, view)
    view.content, view.filled = content, {"typed_count": {}}
    await harness.workspace.submit(view, {"typed_count": "delete 2 tokens"})
    await harness.state.until(lambda: "keeps these results for a day" in harness.read(view))
    assert len(harness.calls(DELETE)) == 2


async def test_a_permission_lost_in_between_ends_it(harness: Harness) -> None:
    view = await harness.opens("/extauth delete EtGoogle0001 EtGitHub0001")
    harness.demote(ADMIN)
    await harness.workspace.submit(view, {"typed_count": "delete 2 tokens"})
    read = await result(harness, view)
    assert "⚠ 0 of 2 tokens deleted\nOnly workspace admins and owners can." in read
    assert harness.calls(DELETE) == []


@pytest.mark.parametrize("user", [MEMBER, GUEST])
async def test_people_without_permission_delete_nothing(harness: Harness, user: str) -> None:
    for line in ("delete EtGoogle0001 EtGitHub0001", "delete --account ada@example.com"):
        read = harness.read(await harness.types(f"/extauth {line}", user))
        assert "✕ You don't have permission to delete tokens" in read
    assert harness.calls(LIST) == harness.calls(DELETE) == []


async def test_without_a_list_ids_are_enough_and_an_account_is_not(transport: Transport) -> None:
    async with open_harness(transport, EXTAUTH_LIST_ALLOW="owners") as harness:
        read = harness.read(await harness.opens("/extauth delete EtGoogle0001 EtGitHub0001"))
        assert "This deletes 2 tokens:\n• EtGoogle0001\n• EtGitHub0001\n" in read
        assert "ada@example.com" not in read
        assert harness.calls(LIST) == []
        dialog = harness.workspace.dialog(ADMIN)
        assert dialog is not None
        harness.workspace.close(dialog)
        read = harness.read(await harness.opens("/extauth delete --account ada@example.com"))
        assert "✕ You don't have permission to list connected accounts" in read
