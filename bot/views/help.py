"""The screens of `/extauth help`, with the person's permissions and commands, or the use of one command."""

from collections.abc import Mapping, Sequence

from bot.access import Decision
from bot.environment import COMMAND
from bot.operation import Permission
from bot.slack import mrkdwn
from bot.views import buttons, parts
from bot.views.parts import Screen
from bot.views.permissions import may_use, permission_lines

ABOUT = (
    "*Extauth* fetches and deletes the tokens that Slack keeps for connected third-party accounts. Only you can see "
    "its answers."
)
TOKEN_IDS = (
    "*Where do I find a token ID?*\n"
    "It looks like `Et12345ABCDE`. Slack makes one for each account that someone connects to an app. The app's "
    "developer can log the function input of type `oauth2` and read it with `slack activity`."
)
_PAGES = "https://docs.slack.dev/reference/methods"

Usages = Sequence[tuple[str, str]]
"""Commands or options as people type them, and the effect of each."""


def help_screen(commands: Usages, permissions: Mapping[Permission, Decision], contact: str) -> Screen:
    """Return the screen with the person's commands and permissions, and a way to find token IDs."""
    text = f"How to use {COMMAND}"
    allowed = parts.paragraph(f"*What you can do*\n{permission_lines(permissions, contact)}")
    if not may_use(permissions):
        return Screen("Extauth", text, (parts.paragraph(ABOUT), allowed))
    blocks: list[parts.Block] = [
        parts.paragraph(ABOUT),
        allowed,
        parts.paragraph(f"*Commands*\n{_list(commands)}"),
        *buttons.open_buttons(permissions, forms_only=True),
        parts.paragraph(TOKEN_IDS),
        parts.small_print(
            f"`{COMMAND} help get` shows a command's options. Deleting affects Slack only: the provider isn't told. "
            f"<{_PAGES}/apps.auth.external.get|About get> · <{_PAGES}/apps.auth.external.delete|About delete>"
        ),
    ]
    return Screen("Extauth", text, tuple(blocks))


def command_screen(name: str, usages: Usages, options: Usages) -> Screen:
    """Return the screen on the use of one command."""
    text = f"How to use {COMMAND} {name}"
    blocks: list[parts.Block] = [parts.paragraph(f"*{text}*\n{_list(usages)}")]
    if options:
        blocks.append(parts.paragraph(f"*Options*\n{_list(options)}"))
    return Screen("Extauth", text, tuple(blocks))


def _list(usages: Usages) -> str:
    return "\n".join(f"• {mrkdwn.code(usage)}  {mrkdwn.escape(does)}" for usage, does in usages)
