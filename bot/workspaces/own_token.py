"""A check that an entered token belongs to the workspace, by a Slack call that changes nothing."""

from pydantic import SecretStr
from slack_sdk.errors import SlackApiError

from bot.actor import Workspace
from bot.logs import slack_code
from bot.slack.calls import release
from bot.slack.client import ClientFactory

OTHER_WORKSPACE, UNREACHABLE = "other_workspace", "unreachable"


async def find_problem(clients: ClientFactory, token: SecretStr, workspace: Workspace) -> str | None:
    """Return Slack's or Extauth's code for the reason a token isn't this workspace's; None if it belongs there.

    An org-wide installation needs an org-wide token, because the token is used for all of its workspaces.
    https://docs.slack.dev/reference/methods/auth.test
    """
    try:
        answer = await clients.web(token, once=True).auth_test()
    except SlackApiError as error:
        release(error)
        code = slack_code(error)
        return UNREACHABLE if code == "unknown" else code
    except Exception as error:
        release(error)
        return UNREACHABLE
    is_org_wide = answer.get("is_enterprise_install") is True
    if workspace.is_org_install:
        is_own = is_org_wide and workspace.enterprise_id is not None
        is_own = is_own and answer.get("enterprise_id") == workspace.enterprise_id
    else:
        is_own = not is_org_wide and answer.get("team_id") == workspace.team_id
    return None if is_own else OTHER_WORKSPACE
