"""The results of a test, sent to a person's own conversation with the bot, or copied where Slack takes no file."""

import pytest
from playwright.async_api import BrowserContext as Chromium
from playwright.async_api import Page, expect

from bot.sandbox.run import AUDITED
from bot.sandbox.slack.channels import DIRECT
from bot.settings import Transport
from bot.views.batches import EXPORT
from bot.views.buttons import OPEN_TEST
from tests.sandbox.page.browser import AXE, IN_CHROMIUM, answers, axe_faults, open_page, types

pytestmark = IN_CHROMIUM

ROWS = (
    "external_token_id,provider_key,state,code\n"
    "EtGoogle0001,google,works,\n"
    "EtGoogle0002,google,expired,no_refresh_token\n"
)
NEEDED = "To get them as a file, Extauth needs the scopes files:write and im:write."


async def see_results(page: Page, line: str = "/extauth test --provider-key google") -> None:
    """Test, and wait for the results."""
    await types(page, line)
    await expect(page.locator("dialog")).to_contain_text("Test results")


async def conversation(page: Page) -> None:
    """Go to one's own conversation with the bot."""
    await page.locator(f'[data-place="{DIRECT}"]').click()
    await page.get_by_role("button", name="Messages", exact=True).click()


@pytest.mark.parametrize("transport", ["socket", "http"])
async def test_an_admin_gets_the_results_as_a_file_that_nobody_else_sees(
    chromium: Chromium, transport: Transport
) -> None:
    async with open_page(chromium, transport) as browser:
        expired = browser.slack.state.tokens["EtGoogle0002"]
        expired.is_expired, expired.has_refresh_token = True, False
        page = await browser.tab()
        await see_results(page)
        await expect(page.locator("dialog")).to_contain_text("1 of 2 accounts work")
        await page.locator(f'dialog [data-action="{EXPORT}"]').press("Enter")
        await expect(page.locator("dialog")).to_contain_text(
            "The results of 2 accounts are in your messages with Extauth, as a CSV file."
        )
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)
        await conversation(page)
        file = answers(page).filter(has_text="extauth-test-")
        await expect(file.locator("pre")).to_have_text(ROWS)
        content = await page.content()
        assert [one.token_id for one in browser.slack.state.tokens.values() if one.value in content] == []

        owner = await browser.tab("U0OWNER")
        await conversation(owner)
        await expect(answers(owner)).to_have_count(0)


@pytest.mark.parametrize("missing", ["files:write", "im:write"])
async def test_without_an_optional_scope_the_results_can_be_copied(chromium: Chromium, missing: str) -> None:
    async with open_page(chromium) as browser:
        browser.slack.web_api.scopes.discard(missing)
        page = await browser.tab()
        await see_results(page)
        await page.locator(f'dialog [data-action="{EXPORT}"]').click()
        await expect(page.locator("dialog")).to_contain_text("Copy the results")
        await expect(page.locator("dialog")).to_contain_text(NEEDED)
        await expect(page.locator("dialog pre")).to_have_text(ROWS.replace("expired,no_refresh_token", "works,"))
        if AXE.exists():
            assert await axe_faults(page) == []
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)
        await conversation(page)
        await expect(answers(page)).to_have_count(0)


@pytest.mark.parametrize(
    ("user", "because"), [("U0MEMBER", "Only workspace admins and owners can."), ("U0GUEST", "Guests can't use")]
)
async def test_who_may_not_test_has_nothing_to_export(chromium: Chromium, user: str, because: str) -> None:
    async with open_page(chromium) as browser:
        page = await browser.tab(user)
        for number, line in enumerate(("test --all", "test", "test EtGoogle0001")):
            await types(page, f"/extauth {line}")
            await expect(answers(page)).to_have_count(number + 1)
            await expect(answers(page).last).to_contain_text("You don't have permission to test accounts")
            await expect(answers(page).last).to_contain_text(because)
        await expect(page.locator(f'[data-action="{EXPORT}"]')).to_have_count(0)
        await expect(page.get_by_role("dialog")).to_have_count(0)
        await page.locator(f'[data-place="{DIRECT}"]').click()
        await page.get_by_role("button", name="Home").click()
        await expect(page.locator("#home .section").first).to_be_visible()
        await expect(page.locator(f'#home [data-action="{OPEN_TEST}"]')).to_have_count(0)
        assert [one for one in browser.slack.state.traffic if one.kind.startswith("apps.auth.external.")] == []


async def test_a_member_who_may_fetch_but_not_list_tests_by_id_and_exports_nothing(chromium: Chromium) -> None:
    async with open_page(chromium, settings={**AUDITED, "EXTAUTH_GET_ALLOW": "members"}) as browser:
        page = await browser.tab("U0MEMBER")
        await types(page, "/extauth test --all")
        await expect(page.locator("dialog")).to_contain_text("You don't have permission to list connected accounts")
        await expect(page.locator(f'[data-action="{EXPORT}"]')).to_have_count(0)
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)
        await types(page, "/extauth test EtGoogle0001")
        await expect(answers(page)).to_contain_text("This account works")
        await expect(page.locator(f'[data-action="{EXPORT}"]')).to_have_count(0)
