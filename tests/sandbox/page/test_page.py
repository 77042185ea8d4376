"""What people do on the sandbox's page, in a real browser."""

import aiohttp
import pytest
from playwright.async_api import BrowserContext as Chromium
from playwright.async_api import expect

from bot.explanations import explain
from bot.operation import Operation
from bot.sandbox.page.catalogue import catalogue
from bot.sandbox.run import open_sandbox
from bot.sandbox.slack.seed import plant_accounts
from bot.sandbox.slack.state import Person
from bot.settings import Transport
from bot.views import delete_form as delete
from bot.views import fields, menu
from bot.views.buttons import MENU, OPEN_GET, Button
from tests.manual_clock import ManualClock
from tests.sandbox.page.browser import IN_CHROMIUM, answers, button, field, open_page, picks, submit, types

pytestmark = IN_CHROMIUM


@pytest.mark.parametrize("transport", ["socket", "http"])
async def test_an_admin_gets_shows_refreshes_and_deletes_a_token(chromium: Chromium, transport: Transport) -> None:
    async with open_page(chromium, transport) as browser:
        page = await browser.tab()
        token = browser.slack.state.tokens["EtLong000001"]

        await types(page, "/extauth get EtLong000001")
        await expect(answers(page)).to_contain_text("6,000")
        assert token.value not in await page.content()

        await button(page, Button.SHOW).click()
        await expect(page.locator("dialog pre")).to_have_text(token.value)
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)

        before = await answers(page).get_attribute("data-ts")
        await button(page, Button.REFRESH).click()
        await expect(page.locator(f'[data-ts="{before}"]')).to_have_count(0)
        await expect(answers(page)).to_have_count(1)
        assert token.refreshes == 1

        await button(page, Button.DELETE).click()
        await submit(page).click()
        await expect(button(page, Button.SHOW)).to_have_count(0)
        await expect(answers(page)).to_have_count(1)
        assert "EtLong000001" not in browser.slack.state.tokens


async def test_what_was_probably_meant_is_run_by_its_button(chromium: Chromium) -> None:
    async with open_page(chromium) as browser:
        page = await browser.tab()
        await types(page, "/extauth gte EtLong000001")
        await page.get_by_role("button", name="Run it: /extauth get EtLong000001", exact=True).click()
        await expect(answers(page)).to_contain_text("6,000")
        await expect(answers(page)).to_have_count(1)


async def test_many_tokens_are_deleted_by_modal_with_the_typed_name(chromium: Chromium) -> None:
    async with open_page(chromium, clock=ManualClock()) as browser:
        page = await browser.tab()
        await page.get_by_role("button", name="Shortcuts").click()
        await page.get_by_role("menuitem").click()
        picked = "ada@example.com · EtGoogle0001"
        await picks(page, fields.TOKEN_ID, "google ada", picked)
        await page.locator(f'[data-block="{menu.CHOICE}"][value="{Operation.DELETE.value}"]').check()
        await expect(field(page, fields.PROVIDER_KEY)).to_be_visible()
        await expect(field(page, fields.TOKEN_ID)).to_have_value(picked)
        await picks(page, fields.PROVIDER_KEY, "goo", "Google · google (2 accounts)")
        await submit(page).click()
        await expect(page.locator("dialog [aria-invalid]").first).to_be_focused()
        await field(page, fields.TOKEN_ID).fill("")
        await submit(page).click()

        name = page.locator(f'dialog [data-block^="{delete.TYPED}"]')
        await name.fill("gogle")
        await submit(page).click()
        await expect(page.locator("dialog p.error")).to_be_visible()
        assert "EtGoogle0001" in browser.slack.state.tokens
        await name.fill("google")
        await page.keyboard.press("Enter")
        await expect(name).to_have_count(0)
        await browser.slack.state.until(lambda: "EtGoogle0001" not in browser.slack.state.tokens)
        assert {token.provider_key for token in browser.slack.state.tokens.values()} == {"github", "salesforce"}


async def test_a_token_is_picked_by_keyboard_and_stays_what_was_taken(chromium: Chromium) -> None:
    async with open_page(chromium, clock=ManualClock()) as browser:
        page = await browser.tab()
        await types(page, "/extauth get")
        box, options = field(page, fields.TOKEN_ID), page.locator("dialog").get_by_role("option")
        await expect(box).to_be_focused()
        await expect(options).to_have_count(0)
        await box.press("ArrowDown")
        await expect(options).to_have_count(6)
        await expect(page.locator("dialog").get_by_role("group", name="Google · google")).to_be_visible()
        await box.press("ArrowUp")
        await expect(options.last).to_have_attribute("aria-selected", "true")
        await box.press("ArrowDown")
        await box.press("Escape")
        await expect(options).to_have_count(0)
        await expect(box).to_be_focused()

        await box.fill("nobody's token")
        await expect(options).to_have_text(["Doesn't look like a token ID. Select for more."])
        await box.press("Escape")
        await box.fill("github")
        await options.filter(has_text="EtGitHub0001").click()
        await expect(box).to_have_value("ada-codes · EtGitHub0001")
        await box.fill("something else, not taken")
        await box.press("Tab")
        await expect(box).to_have_value("ada-codes · EtGitHub0001")
        await submit(page).click()
        await expect(answers(page)).to_contain_text("EtGitHub0001")


async def test_accounts_are_turned_over_and_their_menus_used_by_keyboard(chromium: Chromium) -> None:
    async with open_page(chromium) as browser:
        page = await browser.tab()
        plant_accounts(browser.slack.state, 2494)
        # Where the machine is busy, a notice that it takes longer is an answer as well.
        pages = answers(page).filter(has_text="Connected accounts")
        await types(page, "/extauth list")
        await expect(pages).to_contain_text("1 to 10 of 2,500")
        await button(page, Button.OLDER).click()
        await expect(pages).to_contain_text("11 to 20 of 2,500")
        await button(page, Button.NEWER).click()
        await expect(pages).to_contain_text("1 to 10 of 2,500")

        opener = page.locator(".wide", has_text="EtGoogle0001").locator(f'[data-action="{MENU}"]')
        await expect(page.locator(f'[data-action="{MENU}"]')).to_have_count(10)
        items = page.locator(".wide", has_text="EtGoogle0001").get_by_role("menuitem")
        await opener.press("Enter")
        await expect(items).to_have_text(["Get", "Force refresh", "Test", "History", "Delete…"])
        await expect(items.first).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(items).to_have_count(0)
        await expect(opener).to_be_focused()

        await opener.press("Enter")
        await page.keyboard.press("Enter")
        await expect(button(page, Button.SHOW)).to_be_visible()
        await opener.press("Enter")
        await page.keyboard.press("ArrowUp")
        await expect(items.last).to_be_focused()
        await page.keyboard.press("Enter")
        await submit(page).click()
        await browser.slack.state.until(lambda: "EtGoogle0001" not in browser.slack.state.tokens)
        await expect(answers(page).filter(has_text="Deleted from Slack")).to_be_visible()
        await expect(pages).to_have_count(1)


async def test_every_error_is_explained(chromium: Chromium) -> None:
    async with open_page(chromium) as browser:
        page = await browser.tab()
        codes = [entry["about"] for entry in catalogue(browser.slack.state)["codes"]]
        for code in codes:
            await types(page, f"/extauth get EtErr.{code}")
        await expect(answers(page)).to_have_count(len(codes))
        shown = await answers(page).all_inner_texts()
        for code in codes:
            title = explain(code, Operation.GET).title
            assert any(title in text and code in text.split() for text in shown), code


async def test_a_guest_is_refused_and_sees_only_their_own(chromium: Chromium) -> None:
    async with open_page(chromium) as browser:
        admin, guest = await browser.tab(), await browser.tab("U0GUEST")
        await types(admin, "/extauth get EtGoogle0001")
        await expect(button(admin, Button.SHOW)).to_be_visible()
        await types(guest, "/extauth get EtGoogle0001")
        await expect(answers(guest)).to_have_count(1)
        await expect(button(guest, Button.SHOW)).to_have_count(0)
        await expect(guest.locator("#sidebar")).not_to_contain_text("audit")

        await guest.locator('[data-place="D0EXTAUTH"]').click()
        await guest.get_by_role("button", name="Home").click()
        await expect(guest.locator("#home .section").first).to_be_visible()
        await expect(guest.locator("#home").get_by_role("button")).to_have_count(0)

        # Chromium slows down what is in the background.
        await admin.bring_to_front()
        await admin.locator('[data-place="D0EXTAUTH"]').click()
        await admin.get_by_role("button", name="Home").click()
        await expect(admin.locator("#home")).to_contain_text("Slack lists 6 accounts and 4 providers.")
        await admin.locator(f'#home [data-action="{OPEN_GET}"]').click()
        await expect(field(admin, fields.TOKEN_ID)).to_be_focused()
        await admin.keyboard.press("Escape")
        await admin.get_by_label("You are").select_option("U0GUEST")
        await expect(admin.locator("#home").get_by_role("button")).to_have_count(0)


NASTY = "<img src=x onerror=alert(1)> *b* _i_ ~s~ `c` <@U0ADMIN> <https://evil.example|good> &amp; &"


async def test_text_from_outside_is_text(chromium: Chromium) -> None:
    async with open_page(chromium) as browser:
        state = browser.slack.state
        state.people["U0NASTY"] = Person("U0NASTY", NASTY, is_admin=True)
        token = state.tokens["EtGoogle0001"]
        token.value = NASTY
        token.extras = {"<script>x</script>": "value", "name": "<b>*bold* `code` <@U0ADMIN></b>"}
        page = await browser.tab("U0NASTY")

        await types(page, "/extauth get EtGoogle0001")
        await expect(answers(page)).to_contain_text("••••••••: ••••••••")
        await types(page, "/extauth <img src=x onerror=alert(1)>")
        await types(page, "/<b>none</b>")
        await types(page, f"hello {NASTY}")
        await expect(page.locator("article.post .section")).to_contain_text(
            "<@U0ADMIN> <https://evil.example|good> &amp; &"
        )
        await types(page, "/extauth get EtGoogle0001 --show")
        await expect(page.locator("dialog pre")).to_have_text(NASTY)
        outside = "img:not([src='/page/icon.svg']), script:not([src]), article b, #traffic b"
        assert await page.locator(outside).count() == 0
        await expect(page.locator("#people option", has_text="<img")).to_have_count(1)


async def test_the_panel_types_for_you(chromium: Chromium) -> None:
    async with open_page(chromium) as browser:
        page = await browser.tab()
        await page.get_by_role("button", name="EtGitHub0001").click()
        await expect(page.locator("article.typed")).to_contain_text("/extauth get EtGitHub0001")
        await expect(answers(page)).to_contain_text("EtGitHub0001")
        await expect(page.locator("#line")).to_be_focused()


async def test_other_sites_are_turned_away() -> None:
    async with open_sandbox("socket") as slack, aiohttp.ClientSession() as session:
        for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}):
            for path in ("/", "/page/app.js", "/page/socket"):
                async with session.get(slack.base_url + path, headers=headers) as response:
                    assert response.status == 403
        async with session.get(f"{slack.base_url}/") as response:
            assert "default-src 'none'" in response.headers["Content-Security-Policy"]


async def test_the_page_comes_back_with_the_sandbox(chromium: Chromium) -> None:
    page = await chromium.new_page()
    async with open_sandbox("socket") as slack:
        address = slack.base_url
        await page.goto(address)
        await page.locator("#tab-traffic").click()
        await types(page, "/extauth help")
        await expect(page.locator(".group")).to_have_count(2)
    await expect(page.get_by_role("alert")).to_contain_text("make sandbox")
    async with open_sandbox("socket", port=int(address.rpartition(":")[2])):
        await expect(page.get_by_role("alert")).to_have_count(0)
        await expect(page.locator(".group")).to_have_count(1)
        await expect(page.locator("article")).to_have_count(0)
        await expect(page.locator('[data-place="C0AUDIT"]')).to_have_attribute("data-unread", "")
        await types(page, "/extauth help")
        await expect(answers(page)).to_have_count(1)
        await page.close()


@pytest.mark.parametrize("transport", ["socket", "http"])
async def test_the_history_of_somebody_page_by_page(chromium: Chromium, transport: Transport) -> None:
    async with open_page(chromium, transport) as browser:
        page = await browser.tab()
        for number in range(3):
            await types(page, f"/extauth get EtNone{number}")
        await expect(answers(page)).to_have_count(3)
        await types(page, "/extauth history 2 @ada")
        last = answers(page).last
        await expect(last).to_contain_text("Last 2 audit log entries by")
        await expect(last).to_contain_text("EtNone2")
        await last.get_by_role("button", name="Older").click()
        await expect(last).to_contain_text("EtNone0")
        await last.get_by_role("button", name="Newer").click()
        await expect(last).to_contain_text("EtNone1")
        await expect(last.get_by_role("button", name="Newer")).to_have_count(0)

        guest = await browser.tab("U0GUEST")
        await types(guest, "/extauth history @ada")
        await expect(answers(guest).last).to_contain_text("You don't have permission to see the audit log")
