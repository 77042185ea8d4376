"""`python -m bot check`: each fault is found, and comes with its cure."""

import asyncio
import subprocess
import sys
from collections.abc import Callable

import pytest

from bot import settings
from bot.check import Finding, examine
from bot.clock import SystemClock
from bot.sandbox.run import variables
from bot.sandbox.slack.server import SimulatedSlack
from tests.bot_process import environment, simulated_slack


async def findings(slack: SimulatedSlack, **more: str) -> list[Finding]:
    return [finding async for finding in examine(settings.read({**variables(slack), **more}), SystemClock())]


async def test_a_good_set_up_is_well() -> None:
    async with simulated_slack() as slack:
        found = await findings(slack)
        assert all(finding.is_well for finding in found), found
        assert {finding.subject for finding in found} == {
            "SLACK_BOT_TOKEN",
            "scopes",
            "SLACK_APP_TOKEN",
            "external auth",
            "DATABASE_URL",
            "EXTAUTH_GET_ALLOW",
            "EXTAUTH_DELETE_ALLOW",
            "EXTAUTH_HISTORY_ALLOW",
        }


def _forbid_the_methods(slack: SimulatedSlack) -> None:
    slack.state.api_tokens = set()


def _grant_less(slack: SimulatedSlack) -> None:
    slack.web_api.scopes = {"commands"}


def _close_socket_mode(slack: SimulatedSlack) -> None:
    slack.web_api.failures["apps.connections.open"] = "missing_scope"


@pytest.mark.parametrize(
    ("breaks", "more", "subject", "says"),
    [
        (None, {"SLACK_BOT_TOKEN": "xoxb-another-one"}, "SLACK_BOT_TOKEN", "Slack does not accept it (invalid_auth)"),
        (None, {"SLACK_API_URL": "http://127.0.0.1:9/"}, "SLACK_BOT_TOKEN", "does not accept it (ClientConnector"),
        (_grant_less, {}, "scopes", "not granted: chat:write, usergroups:read, users:read"),
        (_close_socket_mode, {}, "SLACK_APP_TOKEN", "does not open Socket Mode for it (missing_scope)"),
        (_forbid_the_methods, {}, "external auth", "does not accept SLACK_BOT_TOKEN (not_allowed_token_type)"),
        (None, {"EXTAUTH_API_TOKEN": "xoxp-another-one"}, "external auth", "EXTAUTH_API_TOKEN (invalid_auth)"),
        (None, {"EXTAUTH_GET_ALLOW": "U0NOBODY"}, "EXTAUTH_GET_ALLOW", "U0NOBODY names nobody"),
        (None, {"EXTAUTH_HISTORY_ALLOW": "S0NOBODY"}, "EXTAUTH_HISTORY_ALLOW", "S0NOBODY is no user group"),
        (None, {"EXTAUTH_DELETE_ALLOW": "U0GUEST"}, "EXTAUTH_DELETE_ALLOW", "U0GUEST is a guest"),
        (None, {"DATABASE_URL": "sqlite:////nowhere/at/all.db"}, "DATABASE_URL", "FileNotFoundError"),
        (None, {"SLACK_APP_TOKEN": "", "SLACK_SIGNING_SECRET": ""}, "transport", "neither"),
    ],
)
async def test_each_fault_is_found_with_its_cure(
    breaks: Callable[[SimulatedSlack], None] | None, more: dict[str, str], subject: str, says: str
) -> None:
    async with simulated_slack() as slack:
        if breaks is not None:
            breaks(slack)
        wrong = [finding for finding in await findings(slack, **more) if not finding.is_well]
        assert any(finding.subject == subject and says in finding.says and finding.fix for finding in wrong), wrong


async def test_the_command_exits_with_1_when_something_is_wrong() -> None:
    async with simulated_slack() as slack:

        def check(**more: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [sys.executable, "-m", "bot", "check"],
                env=environment(slack, **more),
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )

        well = await asyncio.to_thread(check)
        assert well.returncode == 0, well.stderr
        assert "ok    SLACK_APP_TOKEN: opens Socket Mode" in well.stdout
        ill = await asyncio.to_thread(check, EXTAUTH_GET_ALLOW="U0NOBODY")
        assert ill.returncode == 1
        assert "FAIL  EXTAUTH_GET_ALLOW: U0NOBODY names nobody" in ill.stdout
        assert "Take it off the list." in ill.stdout
