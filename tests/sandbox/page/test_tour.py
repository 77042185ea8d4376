"""The guided tour, in the real page against the real bot."""

import pytest
from playwright.async_api import BrowserContext as Chromium
from playwright.async_api import Page, expect

from bot.sandbox.slack.channels import AUDIT_CHANNEL
from bot.views.buttons import Button
from tests.sandbox.page.browser import (
    DESKTOP,
    IN_CHROMIUM,
    PHONE,
    ColorScheme,
    answers,
    button,
    open_page,
    submit,
    types,
)

pytestmark = IN_CHROMIUM


async def step(page: Page, number: int) -> None:
    await expect(page.locator("#tour .step")).to_have_text(f"Step {number} of 6")


async def test_the_first_screen_says_in_three_lines_what_this_is(chromium: Chromium) -> None:
    async with open_page(chromium, size=(1180, 740)) as browser:
        page = await browser.tab()
        lines = page.locator(".welcome p:not(.actions)")
        await expect(lines).to_have_count(3)
        for line in await lines.all():
            height, one = await line.evaluate("p => [p.offsetHeight, parseFloat(getComputedStyle(p).lineHeight)]")
            assert height < 1.5 * one
        await expect(page.get_by_role("button", name="Take the tour")).to_be_in_viewport()


@pytest.mark.parametrize(("size", "scheme"), [(DESKTOP, "light"), (DESKTOP, "dark"), (PHONE, "light")])
async def test_the_tour_runs_from_start_to_finish_by_keyboard(
    chromium: Chromium, size: tuple[int, int], scheme: ColorScheme
) -> None:
    async with open_page(chromium, size=size, color_scheme=scheme) as browser:
        page = await browser.tab()
        state = browser.slack.state
        value = state.tokens["EtGoogle0001"].value
        await page.get_by_role("button", name="Take the tour").focus()
        await page.keyboard.press("Enter")

        await step(page, 1)
        await expect(page.locator("#line")).to_have_value("/extauth get EtGoogle0001")
        await expect(page.locator("#line")).to_be_focused()
        await page.keyboard.press("Enter")

        await step(page, 2)
        await expect(button(page, Button.SHOW)).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.locator("dialog pre")).to_have_text(value)
        await expect(page.locator("dialog #tour")).to_be_in_viewport(ratio=1)
        await page.keyboard.press("Escape")

        await step(page, 3)
        await expect(button(page, Button.REFRESH)).to_be_focused()
        await page.keyboard.press("Enter")

        await step(page, 4)
        assert state.tokens["EtGoogle0001"].refreshes == 1
        await expect(page.locator("#line")).to_be_focused()
        await page.keyboard.press("Enter")

        await step(page, 5)
        await expect(answers(page)).to_have_count(2)
        await expect(button(page, Button.DELETE)).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(submit(page)).to_be_visible()
        while await page.evaluate("document.activeElement.type") != "submit":
            await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")

        await step(page, 6)
        assert "EtGoogle0001" not in state.tokens
        if size == PHONE:
            await expect(page.get_by_role("button", name="Conversations", exact=True)).to_be_focused()
            await page.keyboard.press("Enter")
            await page.locator(f'[data-place="{AUDIT_CHANNEL}"]').focus()
        await expect(page.locator(f'[data-place="{AUDIT_CHANNEL}"]')).to_be_focused()
        await page.keyboard.press("Enter")

        await expect(page.get_by_role("heading", name="That's the tour")).to_be_visible()
        await expect(page.locator("#place")).to_have_text("# audit")
        await expect(page.locator("article.post", has_text="EtGoogle0001")).not_to_have_count(0)
        await expect(page.get_by_role("button", name="Done")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.locator("#tour")).to_be_hidden()


async def test_the_tour_is_left_at_any_time(chromium: Chromium) -> None:
    async with open_page(chromium) as browser:
        page = await browser.tab()
        tour, start = page.locator("#tour"), page.get_by_role("button", name="Take the tour")
        await start.click()
        await page.keyboard.press("Escape")
        await expect(tour).to_be_hidden()
        await expect(page.locator("#line")).to_have_value("")

        await start.click()
        await tour.get_by_role("button", name="Leave").click()
        await expect(tour).to_be_hidden()

        await start.click()
        await page.keyboard.press("Enter")
        await step(page, 2)
        await page.keyboard.press("Enter")
        await expect(page.locator("dialog pre")).to_be_visible()
        await tour.get_by_role("button", name="Leave").click()
        await expect(tour).to_be_hidden()
        await expect(page.locator("dialog pre")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.locator(".tour-target")).to_have_count(0)


async def test_the_tour_waits_for_the_bot_and_leaves_alone_what_one_types(chromium: Chromium) -> None:
    async with open_page(chromium) as browser:
        page = await browser.tab()
        await page.get_by_role("button", name="Take the tour").click()
        await types(page, "/extauth help")
        await expect(answers(page)).to_have_count(1)
        await step(page, 1)

        await page.locator("#line").fill("a thought of mine")
        await browser.slack.workspace.command("U0ADMIN", "/extauth get EtGoogle0001")
        await step(page, 2)
        await expect(page.locator("#line")).to_have_value("a thought of mine")
        await expect(page.locator("#line")).to_be_focused()


async def test_the_tour_finds_its_way_back_to_an_admin_and_a_token(chromium: Chromium) -> None:
    async with open_page(chromium) as browser:
        page = await browser.tab("U0GUEST")
        browser.slack.state.tokens.clear()
        await page.get_by_role("button", name="Take the tour").click()
        await step(page, 1)
        await expect(page.get_by_label("You are")).to_have_value("U0ADMIN")
        assert "EtGoogle0001" in browser.slack.state.tokens
