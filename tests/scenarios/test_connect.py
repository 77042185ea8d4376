"""Connecting and reconnecting accounts, as the people of a workspace do it."""

import asyncio
import logging

import aiohttp
import pytest

from bot.listeners.connect import LOOK_SECONDS
from bot.listeners.flow import NOTICE_SECONDS
from bot.operation import Operation
from bot.sandbox.slack.providers import SimulatedProvider
from bot.sandbox.slack.state import OpenView
from bot.slack.external_auth.accounts import SLOW_SECONDS
from tests.explanations.expected import title
from tests.harness import ADMIN, GUEST, MEMBER, OWNER, Harness, open_harness, over_both_transports

LIST, START = "apps.auth.external.list", "apps.auth.external.start"
NAME = "/extauth connect google"


def page_of(view: OpenView) -> str:
    """The address behind the dialog's link."""
    elements = [element for block in view.content["blocks"] for element in block.get("elements", ())]
    (address,) = [element["url"] for element in elements if "url" in element]
    return str(address)


async def consents(address: str, account: str) -> str:
    """Sign in to the provider's page and allow access. Returns what the page says then."""
    async with aiohttp.ClientSession() as browser:
        async with browser.get(address) as asked:
            assert "Allow access?" in await asked.text()
        async with browser.post(address, data={"account": account}) as answered:
            return await answered.text()


async def looks(harness: Harness, view: OpenView) -> OpenView:
    """Let time pass until the dialog has changed."""
    before = view.hash
    await harness.passes_time(lambda: view.hash != before)
    return await harness.dialog(view.user_id)


@over_both_transports
async def test_an_account_is_connected_at_its_provider(harness: Harness) -> None:
    view = await harness.opens(NAME)
    assert "[Open the page]" in harness.read(view)
    assert "For 10 minutes, Extauth checks for the account" in harness.read(view)
    assert harness.calls(START) == [{"app_id": "A0SANDBOX", "provider_key": "google"}]
    assert await harness.workspace.press_in_dialog(view, "Open the page")
    assert "Connected" in await consents(page_of(view), "grace@example.com")
    told = harness.read(await looks(harness, view))
    assert "✓ The account is connected  google\ngrace@example.com · Et" in told
    assert "grace@example.com" in harness.read(await harness.types("/extauth list"))


async def test_a_broken_account_leads_to_the_providers_page_and_is_connected_again(harness: Harness) -> None:
    harness.state.tokens["EtGoogle0001"].has_refresh_token = False
    await harness.types("/extauth list")
    failed = await harness.types("/extauth get EtGoogle0001 --force-refresh")
    assert title("no_refresh_token", Operation.REFRESH) in harness.read(failed)
    view = await harness.presses_for_dialog(failed, "Reconnect…")
    assert harness.calls(START)[-1]["provider_key"] == "google"
    await consents(page_of(view), "ada@example.com")
    told = harness.read(await looks(harness, view))
    assert "✓ The account is connected again  google\nada@example.com · EtGoogle0001" in told


async def test_who_has_closed_the_dialog_is_told_in_the_channel(harness: Harness) -> None:
    view = await harness.opens(NAME)
    address = page_of(view)
    harness.workspace.close(view)
    await consents(address, "grace@example.com")
    await harness.passes_time(lambda: bool(harness.workspace.messages(ADMIN)))
    (message,) = harness.workspace.messages(ADMIN)
    assert "✓ The account is connected  google\ngrace@example.com" in harness.read(message)


async def test_the_app_home_leads_from_a_broken_account_to_its_providers_page(harness: Harness) -> None:
    broken = harness.state.tokens["EtGoogle0002"]
    broken.is_expired, broken.has_refresh_token = True, False
    await harness.types("/extauth test EtGoogle0002")
    seen = len(harness.workspace.messages(ADMIN))
    assert await harness.workspace.open_home(ADMIN)
    await harness.state.until(lambda: ADMIN in harness.state.homes)
    assert await harness.workspace.press_in_dialog(harness.state.homes[ADMIN], "Reconnect…")
    await harness.state.until(lambda: harness.workspace.dialog(ADMIN) is not None)
    view = await harness.dialog()
    address = page_of(view)
    harness.workspace.close(view)
    await consents(address, "max@example.com")
    await harness.passes_time(lambda: len(harness.workspace.messages(ADMIN)) > seen)
    told = harness.read(harness.workspace.messages(ADMIN)[-1])
    assert "✓ The account is connected again  google\nmax@example.com · EtGoogle0002" in told


async def test_a_page_that_nobody_goes_through_is_told_after_ten_minutes(harness: Harness) -> None:
    view = await harness.opens(NAME)
    told = harness.read(await looks(harness, view))
    assert "⚠ Extauth saw no new account  google\nIt checked for 10 minutes." in told
    assert sum(LOOK_SECONDS) == 600
    assert len(harness.calls(LIST)) == 1 + len(LOOK_SECONDS)
    assert harness.workspace.messages(ADMIN) == []


async def test_a_form_asks_for_the_provider(harness: Harness) -> None:
    form = await harness.opens("/extauth connect")
    assert "Connect an account" in harness.read(form)
    page = await harness.submits(form, provider_key="google")
    assert "[Open the page]" in harness.read(page)
    harness.workspace.close(page)
    again = await harness.submits(await harness.opens("/extauth connect"), provider_key="no key?")
    assert "That isn't a provider key" in harness.read(again) or "revoke" in str(again.errors)


@pytest.mark.parametrize("user", [MEMBER, GUEST])
@pytest.mark.parametrize("line", [NAME, "/extauth connect"])
async def test_only_those_on_the_list_connect(harness: Harness, user: str, line: str) -> None:
    assert await harness.workspace.command(user, line)
    await harness.state.until(lambda: harness.workspace.dialog(user) is not None or bool(said(harness, user)))
    view = harness.workspace.dialog(user)
    told = harness.read(view) if view is not None else said(harness, user)
    assert "✕ You don't have permission to connect accounts" in told
    assert harness.calls(START) == []
    assert "/extauth connect" not in harness.read(await harness.types("/extauth help", user))


def said(harness: Harness, user: str) -> str:
    return "\n".join(map(harness.read, harness.workspace.messages(user)))


async def test_who_may_connect_but_not_list_gets_the_page_without_the_promise() -> None:
    async with open_harness("socket", EXTAUTH_CONNECT_ALLOW="members") as harness:
        view = await harness.opens(NAME, MEMBER)
        assert "[Open the page]" in harness.read(view)
        assert "checks for" not in harness.read(view)
        assert harness.calls(LIST) == []


async def test_another_account_that_is_refreshed_meanwhile_is_not_taken_for_it(harness: Harness) -> None:
    view = await harness.opens(NAME)
    harness.clock.advance(1)
    await harness.types("/extauth get EtGoogle0001 --force-refresh", OWNER)
    told = harness.read(await looks(harness, view))
    assert "⚠ Extauth saw no new account" in told


async def test_a_stop_ends_the_checks_and_the_dialog_says_so() -> None:
    async with open_harness("socket") as harness:
        view = await harness.opens(NAME)
    assert "⚠ Extauth saw no new account  google\nIt restarted, and no longer checks." in harness.read(view)


async def test_where_slack_names_no_accounts_nothing_is_promised(harness: Harness) -> None:
    shape: dict[str, object] = {"external_tokens": None, "valid_token_exists": True}
    harness.state.providers["google"] = SimulatedProvider("google", "Google", shape=shape)
    read = harness.read(await harness.opens(NAME))
    assert "[Open the page]" in read
    assert "checks for" not in read


async def test_a_slow_list_keeps_nobody_from_the_page(harness: Harness) -> None:
    harness.slack.web_api.delays[LIST] = 20.0
    opening = asyncio.ensure_future(harness.opens(NAME))
    await harness.clock.until_asleep(SLOW_SECONDS)
    harness.clock.advance(SLOW_SECONDS)
    read = harness.read(await opening)
    assert "[Open the page]" in read
    assert "checks for" not in read


async def test_while_slack_is_slow_to_give_the_page_the_person_is_told(harness: Harness) -> None:
    harness.slack.web_api.delays[START] = 8.0
    assert await harness.workspace.command(ADMIN, NAME)
    await harness.clock.until_asleep(8.0)
    await harness.clock.until_asleep(NOTICE_SECONDS)
    harness.clock.advance(NOTICE_SECONDS)
    await harness.state.until(lambda: "Slack is taking longer" in modal(harness))
    harness.clock.advance(8.0)
    await harness.state.until(lambda: "[Open the page]" in modal(harness))


def modal(harness: Harness) -> str:
    view = harness.workspace.dialog(ADMIN)
    return harness.read(view) if view is not None else ""


@pytest.mark.parametrize(
    "code", ["not_allowed_token_type", "unknown_method", "method_not_supported", "app_not_found", "new_code"]
)
async def test_where_slack_refuses_it_is_said_why_and_what_to_do(harness: Harness, code: str) -> None:
    harness.slack.web_api.failures[START] = code
    read = harness.read(await harness.opens(NAME))
    assert f"✕ {title(code, Operation.CONNECT) if code != 'new_code' else 'Slack returned an unknown error'}" in read
    assert "[Open the page]" not in read


async def test_a_provider_without_a_client_secret_or_that_the_app_does_not_have(harness: Harness) -> None:
    assert title("provider_not_found", Operation.CONNECT) in harness.read(await harness.opens("/extauth connect gogle"))
    read = harness.read(await harness.opens("/extauth connect zoom"))
    assert "[Open the page]" not in read


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        7,
        "http://a.example/",
        "javascript:alert(1)",
        "slack://open",
        "https://a b",
        "https://" + "x" * 4000,
    ],
)
async def test_an_address_that_is_no_page_of_a_provider_is_not_offered(harness: Harness, address: object) -> None:
    shape = {"authorization_url": address}
    harness.state.providers["google"] = SimulatedProvider("google", "Google", shape=shape)
    read = harness.read(await harness.opens(NAME))
    assert f"✕ {title('answer_without_address', Operation.CONNECT)}" in read
    assert "[Open the page]" not in read


async def test_the_address_is_in_nothing_but_the_dialog(harness: Harness, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        view = await harness.opens(NAME)
        address = page_of(view)
        log = await harness.types("/extauth history")
    secret = address.rpartition("/")[2]
    assert "connect" in harness.read(log)
    places = [str(message.blocks) + str(message.text) for message in harness.workspace.messages(ADMIN)]
    assert all(secret not in place for place in [*places, caplog.text])
    kinds = {exchange.kind for exchange in harness.state.traffic if secret in str(exchange.body)}
    assert kinds == {"answer to apps.auth.external.start", "views.update", "answer to views.update"}
