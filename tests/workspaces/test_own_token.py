"""Whether a token is a workspace's own, as Slack says it."""

import pytest
from pydantic import SecretStr

from bot.actor import Workspace
from bot.clock import SystemClock
from bot.slack.client import ClientFactory, open_session
from bot.workspaces.own_token import OTHER_WORKSPACE, UNREACHABLE, find_problem
from tests.bot_process import simulated_slack

OWN = Workspace("T0SANDBOX")
OTHER = Workspace("T0OTHER")
ORGANIZATION = Workspace("E0ORG", "E0ORG", is_org_install=True)


@pytest.mark.parametrize(
    ("workspace", "is_org_wide", "fault", "code"),
    [
        (OWN, False, None, None),
        (OTHER, False, None, OTHER_WORKSPACE),
        (OWN, True, None, OTHER_WORKSPACE),
        (ORGANIZATION, False, None, OTHER_WORKSPACE),
        (ORGANIZATION, True, None, None),
        (Workspace("E1", "E1", is_org_install=True), True, None, OTHER_WORKSPACE),
        (OWN, False, "token_revoked", "token_revoked"),
        (OWN, False, "503", UNREACHABLE),
    ],
)
async def test_a_token_is_only_ever_its_own_workspace_s(
    workspace: Workspace, is_org_wide: bool, fault: str | None, code: str | None
) -> None:
    async with simulated_slack() as slack, open_session() as session:
        slack.state.enterprise_id, slack.state.is_org_install = "E0ORG", is_org_wide
        if fault is not None:
            slack.web_api.failures["auth.test"] = fault
        clients = ClientFactory(session, slack.api_url, None, SystemClock())
        assert await find_problem(clients, SecretStr(slack.state.bot_token), workspace) == code
