"""The App Home: what Extauth is, what this person is allowed to do, and the ways in."""

from collections.abc import Mapping

from slack_sdk.models.views import View

from bot.access import Decision
from bot.operation import Permission
from bot.ui import buttons, parts
from bot.ui.help import ABOUT, TOKEN_IDS
from bot.ui.permissions import may_use, permission_lines


def home_view(permissions: Mapping[Permission, Decision], contact: str) -> View:
    """Return the tab for a person with these permissions: only what they are allowed to do has a button."""
    blocks: list[parts.Block] = [
        parts.paragraph(ABOUT),
        *buttons.form_buttons(permissions),
        parts.DIVIDER,
        parts.paragraph(f"*What you can do*\n{permission_lines(permissions, contact)}"),
    ]
    if may_use(permissions):
        blocks += [
            parts.paragraph(TOKEN_IDS),
            parts.small_print("Type `/extauth help` in any channel for all commands."),
        ]
    return View(type="home", blocks=blocks)
