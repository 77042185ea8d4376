"""The App Home: what Extauth is, what this person is allowed to do, and the two ways in."""

from collections.abc import Mapping

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement, DividerBlock
from slack_sdk.models.views import View

from bot.access import Decision
from bot.operation import Permission
from bot.ui import parts
from bot.ui.notices import TOKEN_IDS, may_lines

GET_BUTTON = "home_get"
DELETE_BUTTON = "home_delete"


def home_view(permissions: Mapping[Permission, Decision]) -> View:
    """Return the tab for a person with these permissions: only what they are allowed to do has a button."""
    buttons = [
        ButtonElement(text="Get a token", action_id=GET_BUTTON, style="primary"),
        ButtonElement(text="Delete tokens", action_id=DELETE_BUTTON),
    ]
    allowed = [
        button
        for button, permission in zip(buttons, (Permission.GET, Permission.DELETE), strict=True)
        if permissions[permission].allowed
    ]
    blocks: list[Block] = [
        parts.paragraph(
            "*Extauth* hands out the tokens that Slack keeps for connected third-party accounts, and deletes them.\n"
            "Only you see its answers. You can also type `/extauth help` anywhere."
        ),
        *([ActionsBlock(elements=list(allowed))] if allowed else []),
        DividerBlock(),
        parts.paragraph(f"*What you may do here*\n{may_lines(permissions)}"),
        parts.paragraph(f"*Where a token id comes from*\n{TOKEN_IDS}"),
    ]
    return View(type="home", blocks=blocks)
