"""Requests from where the app isn't installed, or where that can't be looked up: said, and nothing is kept."""

from pathlib import Path

from pydantic import SecretStr

from bot.app import Storage
from bot.audit.entries import Filters
from bot.sandbox.slack.state import Message
from bot.settings import Transport
from tests.audit_log import change
from tests.harness import ADMIN, Harness, over_both_transports
from tests.installed import install, open_many

URL = "https://extauth.example.com/slack/install"


async def _rows(storage: Storage) -> int:
    return len(await storage.audit_log.newest(10, Filters()))


async def _types(harness: Harness, line: str = "/extauth get EtGoogle0001") -> Message:
    return await harness.types(line)


@over_both_transports
async def test_a_command_is_told_how_to_install(transport: Transport, tmp_path: Path) -> None:
    async with open_many(transport, tmp_path, is_installed=False) as (harness, storage):
        message = await _types(harness)
        assert "Extauth isn't installed in this workspace" in harness.read(message)
        assert URL in repr(message.blocks)
        assert [exchange.kind for exchange in harness.state.traffic if exchange.direction == "bot"].count(
            "auth.test"
        ) == 0
        assert await _rows(storage) == 0

        await install(storage, harness.state.bot_token)
        assert "[Show token]" in harness.read(await _types(harness))


@over_both_transports
async def test_what_has_no_place_for_an_answer_is_acknowledged(transport: Transport, tmp_path: Path) -> None:
    async with open_many(transport, tmp_path, is_installed=False) as (harness, _):
        assert await harness.workspace.shortcut(ADMIN, "external_tokens")
        assert await harness.workspace.open_home(ADMIN)
        assert harness.workspace.dialog(ADMIN) is None


@over_both_transports
async def test_buttons_and_modals_say_it_after_the_app_was_removed(transport: Transport, tmp_path: Path) -> None:
    async with open_many(transport, tmp_path) as (harness, storage):
        message = await _types(harness)
        view = await harness.opens("/extauth delete EtGoogle0001")
        assert await storage.installations.remove("T0SANDBOX", SecretStr(harness.state.bot_token))
        harness.clock.advance(60)
        assert "Extauth isn't installed" in harness.read(await harness.presses(message, "Show token"))
        assert "Extauth isn't installed" in harness.read(await harness.submits(view))


async def test_a_database_that_cannot_be_read_is_told(transport: Transport, tmp_path: Path) -> None:
    async with open_many(transport, tmp_path) as (harness, _):
        url = f"sqlite:///{tmp_path}/many.db"
        await change(url, "ALTER TABLE installations RENAME TO gone")
        assert "Extauth can't use its database" in harness.read(await _types(harness))
        await change(url, "ALTER TABLE gone RENAME TO installations")
        assert "[Show token]" in harness.read(await _types(harness))
