"""Several tokens at once, in the page: a test with its progress, a choice to delete, and somebody's approval."""

import pytest
from playwright.async_api import BrowserContext as Chromium
from playwright.async_api import expect

from bot.sandbox.slack.channels import AUDIT_CHANNEL
from bot.sandbox.slack.seed import plant_accounts
from bot.settings import Transport
from bot.views.approvals import APPROVE
from bot.views.batches import STOP
from bot.views.buttons import OPEN_CLEANUP
from tests.sandbox.page.browser import AXE, IN_CHROMIUM, axe_faults, field, open_page, submit, types

pytestmark = IN_CHROMIUM


async def test_a_test_shows_its_progress_until_it_is_stopped(chromium: Chromium) -> None:
    async with open_page(chromium) as browser:
        page = await browser.tab()
        plant_accounts(browser.slack.state, 200)
        browser.slack.web_api.latency = 0.2
        await types(page, "/extauth test --all")
        await expect(page.locator("dialog")).to_contain_text("of 206 tested")
        if AXE.exists():
            assert await axe_faults(page) == []
        await page.locator(f'[data-action="{STOP}"]').click()
        await expect(page.locator("dialog")).to_contain_text("Test results")
        await expect(page.locator("dialog")).to_contain_text("You stopped it.")


@pytest.mark.parametrize("transport", ["socket", "http"])
async def test_tokens_are_chosen_confirmed_approved_and_deleted(chromium: Chromium, transport: Transport) -> None:
    settings = {"EXTAUTH_DELETE_APPROVAL": "bulk", "EXTAUTH_AUDIT_CHANNEL": AUDIT_CHANNEL}
    async with open_page(chromium, transport, settings=settings) as browser:
        page = await browser.tab()
        await types(page, "/extauth list")
        await page.locator(f'[data-action="{OPEN_CLEANUP}"]').click()
        for token_id in ("EtGoogle0001", "EtGitHub0001"):
            await page.locator("dialog").get_by_role("checkbox", name=token_id).check()
        await submit(page).click()
        await expect(page.locator("dialog")).to_contain_text("This deletes 2 tokens:")
        await field(page, "typed_count").fill("delete 2 tokens")
        await submit(page).click()
        await expect(page.locator("dialog")).to_contain_text("Waiting for approval")

        other = await browser.tab("U0OWNER")
        await other.get_by_role("button", name="audit").click()
        await other.locator(f'[data-action="{APPROVE}"]').click()
        decided = other.locator("article").filter(has_text="2 of 2 deleted, approved by")
        await expect(decided).to_be_visible()
        await expect(page.locator("dialog")).to_contain_text("2 of 2 tokens deleted")


@pytest.mark.parametrize("transport", ["socket", "http"])
async def test_a_deletion_is_stopped_and_the_rest_is_offered(chromium: Chromium, transport: Transport) -> None:
    async with open_page(chromium, transport) as browser:
        page, tokens = await browser.tab(), browser.slack.state.tokens
        plant_accounts(browser.slack.state, 200)
        for token in tokens.values():
            token.account = "gone@example.com"
        await types(page, "/extauth delete --account gone@example.com")
        await expect(page.locator("dialog")).to_contain_text("This deletes 206 tokens:")
        browser.slack.web_api.latency = 0.2
        await field(page, "typed_count").fill("delete 206 tokens")
        await submit(page).click()
        await page.locator(f'[data-action="{STOP}"]').click()
        await expect(page.locator("dialog")).to_contain_text("You stopped it.")
        browser.slack.web_api.latency = 0.0
        await expect(page.locator("dialog")).to_contain_text(f"{206 - len(tokens)} of 206 tokens deleted")
        await page.get_by_role("button", name="Delete the rest…").click()
        await expect(page.locator("dialog")).to_contain_text(f"This deletes {len(tokens)} tokens:")


@pytest.mark.parametrize("user", ["U0MEMBER", "U0GUEST"])
async def test_who_may_not_delete_is_denied_and_cannot_approve(chromium: Chromium, user: str) -> None:
    settings = {"EXTAUTH_DELETE_APPROVAL": "bulk", "EXTAUTH_AUDIT_CHANNEL": AUDIT_CHANNEL}
    async with open_page(chromium, settings=settings) as browser:
        page = await browser.tab(user)
        await types(page, "/extauth delete EtGoogle0001 EtGitHub0001")
        denied = page.locator("article.private")
        await expect(denied).to_contain_text("You don't have permission to delete tokens")

        admin = await browser.tab()
        await types(admin, "/extauth delete EtGoogle0001 EtGitHub0001")
        await field(admin, "typed_count").fill("delete 2 tokens")
        await submit(admin).click()
        await expect(admin.locator("dialog")).to_contain_text("Waiting for approval")

        await page.bring_to_front()
        channel = page.get_by_role("button", name="audit")
        if user == "U0GUEST":
            await expect(channel).to_have_count(0)
            return
        await channel.click()
        await page.locator(f'[data-action="{APPROVE}"]').click()
        await expect(denied.filter(has_text="You don't have permission to approve deletions")).to_be_visible()
        assert {"EtGoogle0001", "EtGitHub0001"} <= {*browser.slack.state.tokens}
