"""axe-core finds no serious fault, whatever is in front, in light and dark, on a desktop and on a phone."""

import pytest
from playwright.async_api import BrowserContext as Chromium
from playwright.async_api import expect

from bot.sandbox.slack.channels import AUDIT_CHANNEL, BOT, CHANNEL
from bot.views import fields
from bot.views.buttons import Button
from tests.sandbox.page.browser import (
    AXE,
    DESKTOP,
    IN_CHROMIUM,
    PHONE,
    answers,
    axe_faults,
    button,
    field,
    open_page,
    submit,
    types,
)

pytestmark = [
    *IN_CHROMIUM,
    pytest.mark.skipif(not AXE.exists(), reason="axe-core is not here: make axe brings it from the npm registry"),
]

SIZES = pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])


@SIZES
async def test_conversations_and_modals(chromium: Chromium, size: tuple[int, int]) -> None:
    async with open_page(chromium, size=size) as browser:
        page = await browser.tab()
        assert await axe_faults(page) == []

        await types(page, "/extauth get EtGoogle0001")
        await types(page, "/extauth get EtErr.429")
        await types(page, "/extauth help")
        await types(page, "/lunch")
        await types(page, "hello")
        await expect(answers(page)).to_have_count(3)
        await expect(page.locator("article.error, article.post")).to_have_count(2)
        await page.keyboard.type("/extauth ")
        await page.keyboard.press("ArrowDown")
        assert await axe_faults(page) == []

        await page.locator("#line").fill("")
        await button(page, Button.SHOW).click()
        await expect(page.locator("dialog pre")).to_be_visible()
        assert await axe_faults(page) == []
        await page.keyboard.press("Escape")
        await expect(page.locator("dialog")).to_have_count(0)

        await types(page, "/extauth get")
        await submit(page).click()
        await expect(field(page, fields.TOKEN_ID)).to_have_attribute("aria-invalid", "true")
        await field(page, fields.TOKEN_ID).fill("google")
        await expect(page.locator("dialog").get_by_role("option", selected=True)).to_be_visible()
        assert await axe_faults(page) == []
        await page.keyboard.press("Escape")
        await page.keyboard.press("Escape")
        await expect(page.locator("dialog")).to_have_count(0)

        browser.slack.web_api.failures["apps.auth.external.list"] = "not_allowed_token_type"
        await types(page, "/extauth list")
        await expect(answers(page)).to_have_count(4)
        await types(page, "/extauth get")
        await expect(field(page, fields.RECENT)).to_be_visible()
        assert await axe_faults(page) == []


@SIZES
async def test_beside_the_conversation(chromium: Chromium, size: tuple[int, int]) -> None:
    async with open_page(chromium, size=size) as browser:
        page = await browser.tab()
        await types(page, "/extauth get EtGoogle0001 --show")
        await expect(page.locator("dialog pre")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.locator("dialog")).to_have_count(0)
        if size == PHONE:
            await page.get_by_role("button", name="Try it").click()
        assert await axe_faults(page) == []
        await page.locator("#tab-traffic").click()
        for line in await page.locator(".group[open] .line > summary").all():
            await line.click()
        await expect(page.locator(".group[open] .line mark").first).to_be_attached()
        assert await axe_faults(page) == []

        if size == PHONE:
            await page.keyboard.press("Escape")
            await page.get_by_role("button", name="Conversations", exact=True).click()
            await expect(page.get_by_role("dialog", name="Conversations")).to_be_visible()
            assert await axe_faults(page) == []
        await browser.slack.state.until(lambda: bool(browser.slack.state.posts))
        await expect(page.locator(f'[data-place="{AUDIT_CHANNEL}"]')).to_have_attribute("data-unread", "")
        await page.locator(f'[data-place="{AUDIT_CHANNEL}"]').click()
        browser.slack.state.post_to_all(BOT, CHANNEL, "elsewhere", [])
        await expect(page.locator(".new-line")).to_be_visible()
        assert await axe_faults(page) == []
        if size == PHONE:
            await page.get_by_role("button", name="Conversations", exact=True).click()
        await page.locator('[data-place="D0EXTAUTH"]').click()
        await page.get_by_role("button", name="Home").click()
        await expect(page.locator("#home .section").first).to_be_visible()
        assert await axe_faults(page) == []


@SIZES
async def test_the_guided_tour(chromium: Chromium, size: tuple[int, int]) -> None:
    async with open_page(chromium, size=size) as browser:
        page = await browser.tab()
        await page.get_by_role("button", name="Take the tour").click()
        await expect(page.locator("#tour .step")).to_have_text("Step 1 of 6")
        assert await axe_faults(page) == []
        await page.keyboard.press("Enter")
        await expect(page.locator("#tour .step")).to_have_text("Step 2 of 6")
        await page.keyboard.press("Enter")
        await expect(page.locator("dialog pre")).to_be_visible()
        await expect(page.locator("dialog #tour")).to_be_visible()
        assert await axe_faults(page) == []
