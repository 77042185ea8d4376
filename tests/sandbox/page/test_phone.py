"""On a phone, the conversation has the screen, and what is beside it comes as a drawer."""

from playwright.async_api import BrowserContext as Chromium
from playwright.async_api import expect

from bot.sandbox.slack.channels import AUDIT_CHANNEL
from tests.sandbox.page.browser import IN_CHROMIUM, PHONE, answers, open_page, types

pytestmark = IN_CHROMIUM

WIDTH = "document.documentElement.scrollWidth"


async def test_the_conversation_has_the_whole_screen(chromium: Chromium) -> None:
    async with open_page(chromium, size=PHONE) as browser:
        page = await browser.tab()
        for side in ("#sidebar", "#panel"):
            await expect(page.locator(side)).to_be_hidden()
        box = await page.locator("main").bounding_box()
        assert box is not None
        assert (box["width"], box["height"]) == PHONE

        await types(page, "/extauth get EtLong000001 --show")
        await expect(page.locator("dialog pre")).to_be_visible()
        modal = await page.locator("dialog").bounding_box()
        assert modal is not None
        assert (modal["width"], modal["height"]) == PHONE
        assert await page.evaluate(WIDTH) <= PHONE[0]
        await page.keyboard.press("Escape")
        await expect(page.locator("dialog")).to_have_count(0)
        await types(page, "/extauth help")
        await expect(answers(page)).to_have_count(1)
        assert await page.evaluate(WIDTH) <= PHONE[0]


async def test_the_panel_is_a_drawer(chromium: Chromium) -> None:
    async with open_page(chromium, size=PHONE) as browser:
        page = await browser.tab()
        panel, opener = page.locator("#panel"), page.get_by_role("button", name="Try it")
        await opener.click()
        await expect(page.get_by_role("dialog", name="Try it")).to_be_visible()
        await expect(page.get_by_role("button", name="Close the panel")).to_be_focused()
        assert await page.evaluate("document.querySelector('main').inert")
        for _ in range(12):
            await page.keyboard.press("Tab")
            assert await page.evaluate("!document.activeElement.closest('main, #sidebar')")

        await page.keyboard.press("Escape")
        await expect(panel).to_be_hidden()
        await expect(opener).to_be_focused()

        await opener.click()
        await page.locator("#scrim").click(position={"x": 5, "y": 400})
        await expect(panel).to_be_hidden()

        await opener.click()
        await page.get_by_role("button", name="EtGoogle0001").click()
        await expect(panel).to_be_hidden()
        await expect(answers(page)).to_have_count(1)


async def test_the_conversations_are_a_drawer_that_says_what_is_new(chromium: Chromium) -> None:
    async with open_page(chromium, size=PHONE) as browser:
        page = await browser.tab()
        opener = page.get_by_role("button", name="Conversations", exact=True)
        await expect(opener).to_have_attribute("data-unread", "")
        await opener.click()
        await page.locator(f'[data-place="{AUDIT_CHANNEL}"]').click()
        await expect(page.locator("#sidebar")).to_be_hidden()
        await expect(page.locator("#place")).to_have_text("# audit")
        await expect(opener).not_to_have_attribute("data-unread", "")


async def test_a_wider_window_takes_the_drawers_back(chromium: Chromium) -> None:
    async with open_page(chromium, size=PHONE) as browser:
        page = await browser.tab()
        await page.get_by_role("button", name="Try it").click()
        await page.set_viewport_size({"width": 1280, "height": 860})
        await expect(page.locator("#sidebar")).to_be_visible()
        await expect(page.locator("#panel")).to_be_visible()
        assert not await page.evaluate("document.querySelector('main').inert")
        await types(page, "/extauth help")
        await expect(answers(page)).to_have_count(1)
