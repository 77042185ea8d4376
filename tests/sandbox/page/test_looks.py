"""The page looks and behaves like Slack: who said what when, to whom, and what is new."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import BrowserContext as Chromium
from playwright.async_api import expect

from bot.sandbox.slack.channels import AUDIT_CHANNEL, BOT, CHANNEL, Post
from bot.sandbox.slack.delivery import NotAcknowledged
from bot.views.buttons import Button
from tests.sandbox.page.browser import IN_CHROMIUM, PHONE, answers, button, open_page, types

pytestmark = IN_CHROMIUM


async def test_a_message_says_who_when_and_to_whom(chromium: Chromium) -> None:
    async with open_page(chromium) as browser:
        page = await browser.tab()
        await types(page, "/extauth get EtGoogle0001")
        typed = page.locator("article.typed")
        await expect(typed.locator("strong")).to_have_text("Ada")
        await expect(typed.locator(".avatar")).to_have_text("A")
        await expect(typed.locator(".section")).to_have_text("/extauth get EtGoogle0001")
        await expect(typed).not_to_contain_text("Only visible to you")

        await expect(answers(page)).to_contain_text("Only visible to you")
        await expect(answers(page).locator(".byline")).to_contain_text(re.compile(r"ExtauthAPP\d{1,2}:\d\d [AP]M"))
        await expect(answers(page).locator("img.avatar")).to_be_visible()
        tint, plain = [
            await page.locator(kind).evaluate("element => getComputedStyle(element).backgroundColor")
            for kind in ("article.private", "article.typed")
        ]
        assert tint != plain


async def test_days_are_divided(chromium: Chromium) -> None:
    async with open_page(chromium) as browser:
        for days in (3, 1, 0):
            seconds = int((datetime.now(UTC) - timedelta(days=days)).timestamp())
            browser.slack.state.posts.append(Post(f"{seconds}.{9 - days:06d}", CHANNEL, "U0OWNER", f"{days} ago", []))
        page = await browser.tab()
        await expect(page.locator(".day")).to_have_text([re.compile(r"\w+day, \w+ \d+"), "Yesterday", "Today"])
        await expect(page.locator(".day + article")).to_have_text([re.compile(f"{days} ago") for days in (3, 1, 0)])


async def test_an_error_looks_like_one(chromium: Chromium) -> None:
    async with open_page(chromium) as browser:
        page = await browser.tab()
        await types(page, "/lunch")
        error = page.locator("article.error")
        await expect(error).to_contain_text("Only visible to you")
        await expect(error).to_contain_text("/lunch")
        await expect(error.locator(".avatar.failed .icon")).to_be_visible()
        await expect(error.locator("strong.unseen")).to_have_text("Error: ")
        color = "element => getComputedStyle(element).color"
        assert await error.locator(".section").evaluate(color) != await error.locator("strong").first.evaluate(color)

        await browser.slack.socket_mode.drop()
        browser.slack.workspace.delivery = _Deaf()
        await types(page, "/extauth help")
        await expect(error.last).to_contain_text("operation_timeout")


class _Deaf:
    async def deliver(self, kind: str, payload: dict[str, object]) -> dict[str, object]:
        raise NotAcknowledged(kind)


async def test_a_conversation_with_something_new_is_marked_until_it_is_read(chromium: Chromium) -> None:
    async with open_page(chromium) as browser:
        page = await browser.tab()
        # The bot says in the channel that it has started.
        await browser.slack.state.until(lambda: bool(browser.slack.state.posts))
        general, audit = (page.locator(f'#sidebar [data-place="{place}"]') for place in (CHANNEL, AUDIT_CHANNEL))
        await audit.click()
        await expect(audit).not_to_have_attribute("data-unread", "")
        await general.click()
        await expect(page).to_have_title("Extauth sandbox")

        browser.slack.state.post_to_all(BOT, AUDIT_CHANNEL, "something happened", [])
        await expect(audit).to_have_attribute("data-unread", "")
        await expect(audit).to_have_accessible_name(re.compile(r"audit\s*, 1 new"))
        await expect(page).to_have_title("(1) Extauth sandbox")
        await audit.click()
        await expect(audit).to_have_accessible_name("audit")
        await expect(page.locator(".new-line + article")).to_contain_text("something happened")
        await general.click()
        await audit.click()
        await expect(page.locator("article")).not_to_have_count(0)
        await expect(page.locator(".new-line")).to_have_count(0)

        browser.slack.state.post("U0ADMIN", CHANNEL, "a late answer", [])
        await expect(general).to_have_accessible_name(re.compile(r"general\s*, 1 new"))


async def test_the_audit_channel_says_what_was_done(chromium: Chromium) -> None:
    async with open_page(chromium) as browser:
        page = await browser.tab()
        await types(page, "/extauth get EtGoogle0001")
        await page.locator(f'[data-place="{AUDIT_CHANNEL}"]').click()
        line = page.locator("article.post", has_text="EtGoogle0001")
        await expect(line).to_contain_text("@Ada")
        await expect(line).not_to_contain_text("Only visible to you")
        assert browser.slack.state.tokens["EtGoogle0001"].value not in await page.content()


async def test_a_replaced_message_stays_in_its_place(chromium: Chromium) -> None:
    async with open_page(chromium) as browser:
        page = await browser.tab()
        await types(page, "/extauth get EtGoogle0001")
        await types(page, "/extauth get EtErr.missing_scope")
        await expect(answers(page)).to_have_count(2)
        await button(page, Button.REFRESH).focus()
        before = await answers(page).first.get_attribute("data-ts")
        await page.keyboard.press("Enter")
        await expect(page.locator(f'[data-ts="{before}"]')).to_have_count(0)
        await expect(answers(page).first).to_contain_text("EtGoogle0001")
        await expect(button(page, Button.REFRESH)).to_be_focused()


async def test_a_posted_message_is_seen_by_all(chromium: Chromium) -> None:
    async with open_page(chromium) as browser:
        ada, max_ = await browser.tab(), await browser.tab("U0MEMBER")
        await types(ada, "hello *there*")
        await expect(max_.locator("article.post")).to_contain_text("Ada")
        await expect(max_.locator("article.post strong").last).to_have_text("there")


async def test_a_modal_draws_only_what_slack_draws(chromium: Chromium) -> None:
    async with open_page(chromium) as browser:
        page = await browser.tab()
        await types(page, "/extauth get EtShort00001 --show")
        await expect(page.locator("dialog pre")).to_have_text("tiny-token")
        await expect(page.get_by_role("dialog").get_by_role("button", name="Copy")).to_have_count(0)


@pytest.mark.parametrize("is_still", [True, False])
async def test_less_motion_is_respected(chromium: Chromium, is_still: bool) -> None:
    async with open_page(chromium, size=PHONE, is_still=is_still) as browser:
        page = await browser.tab()
        await page.get_by_role("button", name="Take the tour").click()
        await expect(page.locator(".tour-target")).to_be_visible()
        moving = await page.evaluate("document.getAnimations().length")
        assert (moving == 0) == is_still
        await page.get_by_role("button", name="Try it").click()
        await expect(page.get_by_role("button", name="Close the panel")).to_be_focused()


async def test_the_newest_message_stays_in_sight(chromium: Chromium) -> None:
    async with open_page(chromium, size=PHONE) as browser:
        page = await browser.tab()
        for count in (1, 2):
            await types(page, "/extauth get EtGoogle0001")
            await expect(answers(page)).to_have_count(count)
        await page.keyboard.type("/extauth get Et")
        await expect(page.locator("#hint")).to_be_visible()
        await expect(answers(page).last.locator(".context").last).to_be_in_viewport(ratio=1)
