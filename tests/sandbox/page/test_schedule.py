"""Tests that run by themselves, as the audit channel of the page shows them."""

import pytest
from playwright.async_api import BrowserContext as Chromium
from playwright.async_api import Locator, Page, expect

from bot.sandbox.slack.channels import AUDIT_CHANNEL
from bot.settings import Transport
from tests.harness import Harness
from tests.manual_clock import ManualClock
from tests.sandbox.page.browser import AXE, IN_CHROMIUM, axe_faults, open_page
from tests.scenarios.test_schedule import DAILY, day_over, expire, next_day, posted

pytestmark = IN_CHROMIUM


async def open_channel(page: Page) -> Locator:
    """Go to the audit channel, and return what the tests that ran by themselves have posted there."""
    await page.locator(f'[data-place="{AUDIT_CHANNEL}"]').click()
    await expect(page.locator("#place")).to_have_text("# audit")
    return page.locator("article.post").filter(has_text="connected accounts")


@pytest.mark.parametrize("transport", ["socket", "http"])
async def test_an_account_that_breaks_and_works_again_is_in_the_channel_once_each(
    chromium: Chromium, transport: Transport
) -> None:
    clock = ManualClock()
    async with open_page(chromium, transport, clock=clock, settings=DAILY) as browser:
        harness = Harness(browser.slack, clock, transport)
        await day_over(harness)
        page = await browser.tab()
        told = await open_channel(page)

        token = expire(harness, "EtGoogle0002")
        await next_day(harness)
        await posted(harness, 1)
        await expect(told).to_contain_text("tested 6 connected accounts")
        await expect(told).to_contain_text("Stopped working: 1  Expired, and can't be refreshed")
        await expect(told).to_contain_text("EtGoogle0002 · google")
        await expect(told).to_contain_text("What to do: Reconnect the account with offline access.")
        if AXE.exists():
            assert await axe_faults(page) == []

        for _ in range(2):
            await next_day(harness)
        token.is_expired = False
        await next_day(harness)
        await posted(harness, 2)
        await expect(told.last).to_contain_text("Working again: 1")
        # What had been posted on the days without a change would stand before it.
        await expect(told).to_have_count(2)
        assert token.value not in await page.content()

        guest = await browser.tab("U0GUEST")
        await expect(guest.locator(f'[data-place="{AUDIT_CHANNEL}"]')).to_have_count(0)


async def test_where_nothing_changes_nothing_is_posted(chromium: Chromium) -> None:
    clock = ManualClock()
    async with open_page(chromium, clock=clock, settings=DAILY) as browser:
        harness = Harness(browser.slack, clock, "socket")
        await day_over(harness)
        page = await browser.tab("U0MEMBER")
        told = await open_channel(page)
        for _ in range(3):
            await next_day(harness)
        await harness.types("/extauth get EtGoogle0001")
        # What had been posted before would stand above it.
        await expect(page.locator("article.post", has_text="get EtGoogle0001")).to_be_visible()
        await expect(told).to_have_count(0)
