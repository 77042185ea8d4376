"""Both ways of docs/setup.md, from a manifest or a token of another app to the first token, with Slack simulated."""

import asyncio
import json

import pytest
from click.testing import CliRunner

from bot.cli.main import main
from bot.sandbox.slack.providers import SimulatedProvider
from bot.sandbox.slack.server import SimulatedSlack
from bot.sandbox.slack.state import StoredToken
from tests import drawing
from tests.bot_process import bot_process, environment, simulated_slack
from tests.forked import run
from tests.harness import ADMIN

pytestmark = pytest.mark.process
TOKEN = "gho_16C7e42F292c6912E7710c838347"
ID = "EtGitHub0042"


async def answer(slack: SimulatedSlack, command: str) -> str:
    before = len(slack.workspace.messages(ADMIN))
    assert await slack.workspace.command(ADMIN, command)
    await slack.state.until(lambda: len(slack.workspace.messages(ADMIN)) > before)
    return "\n".join(drawing.message_lines(slack.workspace.messages(ADMIN)[-1]))


async def test_extauth_is_the_app_that_owns_the_accounts() -> None:
    options = ["--provider", "github", "--mcp-server", "https://api.githubcopilot.com/mcp/", "--json"]
    manifest = json.loads(CliRunner().invoke(main, ["manifest", *options]).stdout)
    async with simulated_slack() as slack:
        named = manifest["external_auth_providers"]["oauth2"]
        slack.state.providers = {
            key: SimulatedProvider(key, provider["options"]["provider_name"]) for key, provider in named.items()
        }
        slack.state.tokens = {ID: StoredToken(ID, "github", TOKEN, account="ada")}
        checked = await asyncio.to_thread(run, ["check"], environment(slack))
        assert "Slack lists 1 account of 1 provider for the app A0SANDBOX." in checked.stdout
        async with bot_process("socket", slack):
            assert f"ada · github · {ID}" in await answer(slack, "/extauth list")
            assert f"✓ Token fetched  {ID}" in await answer(slack, f"/extauth get {ID}")


async def test_extauth_manages_another_app() -> None:
    tried = "xoxp-a-service-token-of-that-app"
    async with simulated_slack() as slack:
        slack.state.api_tokens = {tried}
        slack.state.tokens = {ID: StoredToken(ID, "github", TOKEN, app_id="A0OTHER", account="ada")}
        alone = await asyncio.to_thread(run, ["check"], environment(slack))
        assert "The bot token can't call apps.auth.external.get" in alone.stdout
        typed = await asyncio.to_thread(run, ["check", "--token"], {"SLACK_API_URL": slack.api_url}, f"{tried}\n")
        assert "apps.auth.external.get: This token can fetch tokens. Slack answered token_not_found" in typed.stdout
        other = {"EXTAUTH_API_TOKEN": tried, "EXTAUTH_APP_ID": "A0OTHER"}
        checked = await asyncio.to_thread(run, ["check"], environment(slack, **other))
        assert (checked.returncode, checked.stderr) == (0, "")
        assert "Slack lists 1 account of 1 provider for the app A0OTHER." in checked.stdout
        async with bot_process("socket", slack, **other):
            assert f"ada · github · {ID}" in await answer(slack, "/extauth list")
            assert f"✓ Token fetched  {ID}" in await answer(slack, f"/extauth get {ID}")
