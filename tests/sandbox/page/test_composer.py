"""The composer completes, and never eats what was typed."""

from playwright.async_api import BrowserContext as Chromium
from playwright.async_api import expect

from bot.views.buttons import Button
from tests.sandbox.page.browser import IN_CHROMIUM, answers, button, open_page, types

pytestmark = IN_CHROMIUM

CARET = "document.getElementById('line').selectionStart"


async def test_tab_completes_only_what_was_chosen(chromium: Chromium) -> None:
    async with open_page(chromium) as browser:
        page = await browser.tab()
        line = page.locator("#line")
        await expect(line).to_be_focused()
        await page.keyboard.type("/extauth g")
        await expect(page.locator("#suggestions li").first).to_contain_text("/extauth get")

        await page.keyboard.press("Tab")
        await expect(line).to_have_value("/extauth g")
        await expect(line).not_to_be_focused()

        await line.focus()
        await page.keyboard.type("e")
        await page.keyboard.press("ArrowDown")
        await expect(page.locator("#suggestions [aria-selected=true]")).to_have_count(1)
        await page.keyboard.press("Tab")
        await expect(line).to_have_value("/extauth get ")
        await expect(line).to_be_focused()
        await expect(page.locator("#suggestions")).to_be_hidden()


async def test_typed_arguments_are_never_replaced(chromium: Chromium) -> None:
    async with open_page(chromium) as browser:
        page = await browser.tab()
        line, text = page.locator("#line"), "/extauth get EtGoogle0001 --for"
        await page.keyboard.type(text)
        await expect(page.locator("#suggestions")).to_be_hidden()
        await expect(page.locator("#hint")).to_contain_text("/extauth get")
        for key in ("ArrowDown", "ArrowUp", "Tab"):
            await page.keyboard.press(key)
            await expect(line).to_have_value(text)

        # In the middle of a line, the arrows move the caret and nothing is offered.
        await line.fill("/extauth g x")
        for _ in range(2):
            await page.keyboard.press("ArrowLeft")
        assert await page.evaluate(CARET) == len("/extauth g")
        await page.keyboard.type("e")
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Tab")
        await expect(line).to_have_value("/extauth ge x")


async def test_the_list_is_left_with_escape_and_enter_sends_what_stands_there(chromium: Chromium) -> None:
    async with open_page(chromium) as browser:
        page = await browser.tab()
        await page.keyboard.type("/extauth hel")
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Escape")
        await expect(page.locator("#suggestions")).to_be_hidden()
        await expect(page.locator("#line")).to_have_value("/extauth hel")
        await page.keyboard.press("Enter")
        await expect(page.locator("article.typed .section")).to_have_text("/extauth hel")


async def test_history_begins_at_an_empty_line(chromium: Chromium) -> None:
    async with open_page(chromium) as browser:
        page = await browser.tab()
        line = page.locator("#line")
        await types(page, "/extauth help")
        await types(page, "/extauth get EtShort00001")
        await page.keyboard.press("ArrowUp")
        await expect(line).to_have_value("/extauth get EtShort00001")
        await page.keyboard.press("ArrowUp")
        await expect(line).to_have_value("/extauth help")
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("ArrowDown")
        await expect(line).to_have_value("")

        await page.keyboard.type("half a thought")
        await page.keyboard.press("ArrowUp")
        await expect(line).to_have_value("half a thought")
        assert await page.evaluate(CARET) == 0


async def test_focus_returns_to_where_it_was_after_a_modal(chromium: Chromium) -> None:
    async with open_page(chromium) as browser:
        page = await browser.tab()
        dialog = page.locator("dialog")
        await types(page, "/extauth get EtGoogle0001")
        for which in (Button.SHOW, Button.DELETE):
            await button(page, which).focus()
            await page.keyboard.press("Enter")
            await expect(dialog.locator(".blocks")).to_contain_text("EtGoogle0001")
            await page.keyboard.press("Escape")
            await expect(dialog).to_have_count(0)
            await expect(button(page, which)).to_be_focused()

        await types(page, "/extauth get")
        await expect(dialog).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.locator("#line")).to_be_focused()

        await page.get_by_role("button", name="Shortcuts").click()
        await page.keyboard.press("Enter")
        await expect(dialog).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("button", name="Shortcuts")).to_be_focused()


async def test_the_keyboard_is_enough(chromium: Chromium) -> None:
    async with open_page(chromium) as browser:
        page = await browser.tab()
        await page.keyboard.type("/extauth get EtGoogle0001")
        await page.keyboard.press("Enter")
        await expect(answers(page)).to_have_count(1)
        await page.keyboard.press("Shift+Tab")
        await expect(button(page, Button.DELETE)).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.locator("dialog")).to_be_visible()
        for _ in range(3):
            await page.keyboard.press("Tab")
            if await page.evaluate("document.activeElement.type") == "submit":
                break
        await page.keyboard.press("Enter")
        await expect(button(page, Button.DELETE)).to_have_count(0)
        assert "EtGoogle0001" not in browser.slack.state.tokens

        await page.locator("#tab-try").focus()
        await page.keyboard.press("ArrowRight")
        await expect(page.locator("#passing")).to_be_visible()
        await page.locator(".group > summary").last.focus()
        await page.keyboard.press("Enter")
        await expect(page.locator(".group").last).not_to_have_attribute("open", "")
