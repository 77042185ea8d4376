"""The traffic on the page: one group for each thing that somebody did, and no secret in it."""

import re

from playwright.async_api import BrowserContext as Chromium
from playwright.async_api import Locator, Page, expect

from bot.views.buttons import Button
from tests.sandbox.page.browser import IN_CHROMIUM, answers, button, open_page, submit, types

pytestmark = IN_CHROMIUM


BARS = """group => [...group.querySelectorAll(".line")].map(line => {
  const { width, marginLeft } = line.querySelector(".bar").style;
  const took = line.querySelector(".took").textContent;
  return [parseFloat(took) * (took.endsWith("ms") ? 1 : 1000), parseFloat(width), parseFloat(marginLeft)];
})"""
"""Of each line of a group: its milliseconds, and the width and the start of its bar in percent."""


async def test_everything_one_command_caused_is_one_group(chromium: Chromium) -> None:
    async with open_page(chromium) as browser:
        page = await browser.tab()
        await page.locator("#tab-traffic").click()
        await types(page, "/extauth get EtGoogle0001")
        await expect(answers(page)).to_have_count(1)
        command = _group(page, "/extauth get EtGoogle0001")
        for kind in (
            "slash command",
            "users.info",
            "apps.auth.external.get",
            "chat.postMessage",
            "answer to the person",
        ):
            await expect(command.get_by_text(kind, exact=True)).to_have_count(1)
        await expect(command).to_have_attribute("open", "")

        await button(page, Button.SHOW).click()
        await expect(page.locator("dialog pre")).to_be_visible()
        await page.keyboard.press("Escape")
        pressed = _group(page, Button.SHOW.label)
        await expect(pressed.get_by_text("views.open", exact=True)).to_have_count(1)
        await expect(pressed.get_by_text("apps.auth.external.get", exact=True)).to_have_count(1)

        await button(page, Button.DELETE).click()
        await submit(page).click()
        submitted = _group(page, "Submitted")
        await expect(submitted.get_by_text("apps.auth.external.delete", exact=True)).to_have_count(1)
        await expect(submitted.get_by_text("answer to the person", exact=True)).to_have_count(1)

        await expect(command).not_to_have_attribute("open", "")
        await command.locator("> summary").click()
        await expect(command).to_have_attribute("open", "")


async def test_timings_are_bars(chromium: Chromium) -> None:
    async with open_page(chromium) as browser:
        page = await browser.tab()
        browser.slack.web_api.latency = 0.05
        await page.locator("#tab-traffic").click()
        await types(page, "/extauth get EtGoogle0001")
        await expect(answers(page)).to_have_count(1)
        group = page.locator(".group").last
        await expect(group.locator("> summary .took")).to_have_text(re.compile(r"\d+ requests · [\d.]+ m?s"))
        await expect(group.locator(".line .took", has_text=re.compile(r"m?s"))).to_have_count(5)
        lines = await group.evaluate(BARS)
        assert max(milliseconds for milliseconds, _, _ in lines) >= 50
        widths = [width for _, width, _ in sorted(lines)]
        assert widths == sorted(widths)
        assert widths[0] > 0
        starts = [start for _, _, start in lines]
        assert starts == sorted(starts)
        assert starts[0] == 0 < starts[-1]


def _group(page: Page, title: str) -> Locator:
    return page.locator(".group", has=page.locator(".title", has_text=title))


async def test_secrets_are_masked_and_marked_and_copied_as_variables(chromium: Chromium) -> None:
    async with open_page(chromium) as browser:
        page = await browser.tab()
        state = browser.slack.state
        await types(page, "/extauth get EtGoogle0001 --show")
        await expect(page.locator("dialog pre")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.locator("dialog")).to_have_count(0)
        await page.locator("#tab-traffic").click()

        await page.locator(".group").last.locator(".line > summary", has_text="apps.auth.external.get").click()
        call = page.locator(".line[open]")
        await expect(call.locator("mark").first).to_have_attribute("title", re.compile("Masked"))
        await call.get_by_role("button", name="Copy as curl").click()
        await expect(page.get_by_role("status")).to_contain_text("Copied")
        copied = await page.evaluate("navigator.clipboard.readText()")
        assert "https://slack.com/api/apps.auth.external.get" in copied
        assert '-H "Authorization: Bearer $SLACK_BOT_TOKEN"' in copied
        assert "EtGoogle0001" in copied

        await page.locator(".group").last.locator(".line > summary", has_text="views.update").click()
        await page.get_by_role("button", name="Copy as curl").last.click()
        copied += await page.evaluate("navigator.clipboard.readText()")
        assert '"$EXTERNAL_TOKEN"' in copied

        content = await page.content() + copied
        told = {state.bot_token, state.app_token, state.signing_secret, state.tokens["EtGoogle0001"].value}
        for secret in told | set(state.response_urls):
            assert secret not in content
