"""A check that an entered token is a workspace's own, by a Slack call that changes nothing."""

from pydantic import SecretStr
from slack_sdk.errors import SlackApiError

from bot.actor import Workspace
from bot.logs import slack_code
from bot.slack.calls import release
from bot.slack.client import ClientFactory

OTHER_WORKSPACE, UNREACHABLE = "other_workspace", "unreachable"


async def find_problem(clients: ClientFactory, token: SecretStr, workspace: Workspace) -> str | None:
    """Return the reason a token isn't this workspace's, as Slack's code or Extauth's; None if it is.

    An org-wide installation needs an org-wide token: one of a single workspace would be sent for the others, too.
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
