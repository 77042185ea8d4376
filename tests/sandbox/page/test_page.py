"""The sandbox's page, in a real browser."""

import re

import aiohttp
import pytest
from playwright.async_api import expect

from bot.explanations import explain
from bot.operation import Operation
from bot.sandbox.page.catalogue import catalogue
from bot.sandbox.slack.state import Person
from bot.settings import Transport
from tests.sandbox.page.browser import AXE, CHROMIUM, ColorScheme, open_browser, types

pytestmark = [
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium here: install Debian's package chromium"),
    # Playwright's own sockets are closed a moment after its loop.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.mark.parametrize("transport", ["socket", "http"])
async def test_an_admin_gets_shows_copies_refreshes_and_deletes_a_token(transport: Transport) -> None:
    async with open_browser(transport) as browser:
        page = await browser.tab()
        token = browser.slack.state.tokens["EtLong000001"]

        await types(page, "/extauth get EtLong000001")
        article = page.locator("article")
        await expect(article).to_contain_text("6,000 characters")
        await expect(article).to_contain_text("Only visible to you")
        assert token.value not in await page.content()

        await article.get_by_role("button", name="Show token").click()
        dialog = page.get_by_role("dialog")
        await expect(dialog.locator("pre")).to_have_text(token.value)
        await dialog.get_by_role("button", name="Copy").click()
        await expect(dialog.get_by_role("button", name="Copied")).to_be_visible()
        assert await page.evaluate("navigator.clipboard.readText()") == token.value
        await page.keyboard.press("Escape")
        await expect(dialog).to_have_count(0)

        await article.get_by_role("button", name="Force refresh").click()
        await expect(article).to_contain_text("Refreshed just now")
        await expect(page.locator("article")).to_have_count(1)

        await article.get_by_role("button", name="Delete…").click()
        await expect(dialog).to_contain_text("Delete the token EtLong000001?")
        await expect(dialog).to_contain_text("The provider is not told")
        await dialog.get_by_role("button", name="Delete").click()
        await expect(article).to_contain_text("Deleted from Slack")
        assert "EtLong000001" not in browser.slack.state.tokens


async def test_many_tokens_are_deleted_by_dialog_with_the_typed_name() -> None:
    async with open_browser() as browser:
        page = await browser.tab()
        await page.get_by_role("button", name="Shortcuts").click()
        await page.get_by_role("menuitem", name="External tokens").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_label("External token id").fill("EtGoogle0001")
        await dialog.get_by_label("Delete tokens").check()
        await expect(dialog.get_by_label("External token id")).to_have_value("EtGoogle0001")
        await dialog.get_by_label("Provider key").fill("google")
        await dialog.get_by_role("button", name="Continue").click()
        await expect(dialog).to_contain_text("give one or the other")
        await dialog.get_by_label("External token id").fill("")
        await dialog.get_by_role("button", name="Continue").click()
        await expect(dialog).to_contain_text("All tokens of the provider google will be deleted")

        await dialog.get_by_label("Type the provider key").fill("gogle")
        await dialog.get_by_role("button", name="Delete").click()
        await expect(dialog).to_contain_text("Nothing was deleted")
        await dialog.get_by_label("Type the provider key").fill("google")
        await page.keyboard.press("Enter")
        await expect(dialog).to_contain_text("Deleted from Slack: all tokens of the provider google")
        assert {token.provider_key for token in browser.slack.state.tokens.values()} == {"github", "salesforce"}


async def test_every_error_is_explained() -> None:
    async with open_browser() as browser:
        page = await browser.tab()
        for entry in catalogue(browser.slack.state)["codes"]:
            before = await page.locator("article").count()
            await types(page, f"/extauth get {entry['id']}")
            await expect(page.locator("article")).to_have_count(before + 1)
            await expect(page.locator("article").last).to_contain_text(explain(entry["about"], Operation.GET).title)
            await expect(page.locator("article").last).to_contain_text(f"answered {entry['about']}")


async def test_a_guest_is_refused_and_sees_only_their_own() -> None:
    async with open_browser() as browser:
        admin, guest = await browser.tab(), await browser.tab("U0GUEST")
        await types(admin, "/extauth get EtGoogle0001")
        await expect(admin.locator("article")).to_have_count(1)
        await types(guest, "/extauth get EtGoogle0001")
        await expect(guest.locator("article")).to_have_count(1)
        await expect(guest.locator("article")).to_contain_text("You may not fetch tokens here")

        await guest.get_by_role("button", name="Extauth · Home").click()
        await expect(guest.locator("#home")).to_contain_text("Guests of a workspace cannot use external tokens")
        await expect(guest.locator("#home").get_by_role("button")).to_have_count(0)
        await admin.get_by_role("button", name="Extauth · Home").click()
        await admin.locator("#home").get_by_role("button", name="Get a token").click()
        await expect(admin.get_by_role("dialog")).to_contain_text("External token id")

        await admin.keyboard.press("Escape")
        await admin.get_by_label("You are").select_option("U0GUEST")
        await expect(admin.locator("#home")).to_contain_text("Guests of a workspace")


NASTY = "<img src=x onerror=alert(1)> *b* _i_ ~s~ `c` <@U0ADMIN> <https://evil.example|good> &amp; &"


async def test_text_from_outside_is_text() -> None:
    async with open_browser() as browser:
        state = browser.slack.state
        state.people["U0NASTY"] = Person("U0NASTY", NASTY, is_admin=True)
        token = state.tokens["EtGoogle0001"]
        token.value = NASTY
        token.extras = {"<script>x</script>": "value", "note": "<b>*bold* `code` <@U0ADMIN></b>"}
        page = await browser.tab("U0NASTY")

        await types(page, "/extauth get EtGoogle0001")
        await expect(page.locator("article")).to_contain_text("note: <b>*bold* `code` <@U0ADMIN></b>")
        await types(page, "/extauth x<b>*y*</b>`z")
        await expect(page.locator("article").last).to_contain_text("“x<b>… (13 characters)”")
        await types(page, "/extauth get EtGoogle0001 --show")
        await expect(page.get_by_role("dialog").locator("pre")).to_have_text(NASTY)
        assert await page.locator("img, script:not([src]), article b, article a[href*=evil]").count() == 0
        await expect(page.locator("#people option", has_text="<img")).to_have_count(1)


async def test_the_keyboard_is_enough() -> None:
    async with open_browser() as browser:
        page = await browser.tab()
        await page.keyboard.type("/ext")
        await expect(page.locator("#suggestions li").first).to_contain_text("/extauth")
        await page.keyboard.type("auth g")
        await page.keyboard.press("Tab")
        await expect(page.locator("#line")).to_have_value("/extauth get ")
        await page.keyboard.type("--show EtShort00001")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("dialog").locator("pre")).to_have_text("tiny-token")
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)
        await page.locator("#line").focus()
        await page.keyboard.press("ArrowUp")
        await expect(page.locator("#line")).to_have_value("/extauth get --show EtShort00001")


async def test_the_panel_types_for_you_and_the_traffic_hides_secrets() -> None:
    async with open_browser() as browser:
        page = await browser.tab()
        await page.get_by_role("button", name="EtGitHub0001").click()
        await expect(page.locator("article")).to_contain_text("EtGitHub0001")
        await expect(page.locator("#traffic")).to_contain_text(re.compile(r"acknowledgement \d+\.\d ms"))
        await expect(page.locator("#traffic")).to_contain_text("apps.auth.external.get")
        assert browser.slack.state.tokens["EtGitHub0001"].value not in await page.content()


async def test_it_fits_a_phone() -> None:
    async with open_browser(width=390, height=844) as browser:
        page = await browser.tab()
        await types(page, "/extauth get EtLong000001 --show")
        await expect(page.get_by_role("dialog").locator("pre")).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)
        await types(page, "/extauth help")
        await expect(page.locator("article")).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not here: make axe brings it from the npm registry")
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_no_serious_fault(scheme: ColorScheme) -> None:
    async with open_browser(color_scheme=scheme) as browser:
        page = await browser.tab()
        await types(page, "/extauth get EtGoogle0001")
        await types(page, "/extauth get EtErr.429")
        await types(page, "/extauth help")
        await expect(page.locator("article")).to_have_count(3)
        faults = await _axe(page)
        await page.get_by_role("button", name="Extauth · Home").click()
        await expect(page.locator("#home")).to_contain_text("What you may do here")
        faults += await _axe(page)
        await page.get_by_role("button", name="Shortcuts").click()
        await page.get_by_role("menuitem").click()
        await page.get_by_role("dialog").get_by_role("button", name="Get").click()
        await expect(page.get_by_role("dialog")).to_contain_text("required field")
        faults += await _axe(page)
        await page.get_by_role("dialog").get_by_label("External token id").fill("EtShort00001")
        await page.get_by_role("dialog").get_by_label("Show the token").check()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("dialog").locator("pre")).to_be_visible()
        faults += await _axe(page)
        assert faults == []


async def _axe(page: object) -> list[str]:
    await page.evaluate(AXE.read_text())  # type: ignore[attr-defined]
    found = await page.evaluate("axe.run()")  # type: ignore[attr-defined]
    return [
        f"{fault['id']}: {node['html'][:200]} {node['failureSummary']}"
        for fault in found["violations"]
        if fault["impact"] in {"serious", "critical"}
        for node in fault["nodes"]
    ]


async def test_other_sites_are_turned_away() -> None:
    async with open_browser() as browser, aiohttp.ClientSession() as session:
        url = browser.slack.base_url
        for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}):
            for path in ("/", "/page/app.js", "/page/socket"):
                async with session.get(url + path, headers=headers) as response:
                    assert response.status == 403
        async with session.get(f"{url}/") as response:
            assert "default-src 'none'" in response.headers["Content-Security-Policy"]
