"""A broken account that is connected again on its provider's page, in a browser."""

from playwright.async_api import BrowserContext as Chromium
from playwright.async_api import expect

from tests.sandbox.page.browser import IN_CHROMIUM, answers, open_page, types

pytestmark = IN_CHROMIUM


async def test_a_broken_account_is_reconnected_on_the_providers_page(chromium: Chromium) -> None:
    async with open_page(chromium) as browser:
        browser.slack.state.tokens["EtGoogle0001"].has_refresh_token = False
        page = await browser.tab()
        await types(page, "/extauth list google")
        await expect(answers(page).last).to_contain_text("connected accounts")
        await types(page, "/extauth get EtGoogle0001 --force-refresh")
        await page.get_by_role("button", name="Reconnect…").click()
        async with chromium.expect_page() as opening:
            await page.get_by_role("dialog").get_by_role("button", name="Open the page").click()
        provider = await opening.value
        await provider.get_by_role("button", name="Allow").click()
        await expect(provider.locator("h1")).to_have_text("Connected")
        await expect(page.get_by_role("dialog")).to_contain_text("The account is connected again", timeout=60_000)
