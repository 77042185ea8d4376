"""What testing connected accounts found."""

from bot.outcomes import Tested
from bot.ui import parts
from bot.ui.screen import Screen


def tested_screen(tested: Tested) -> Screen:
    """Return that one account works."""
    arguments = tested.request.arguments()
    title = "This account works"
    blocks = (
        parts.heading(parts.Mark.DONE, title, parts.subject(arguments)),
        parts.paragraph("Slack returned its token. Extauth didn't show or keep it."),
        parts.small_print(f"Only you can see this. Reference {tested.reference}"),
    )
    return Screen("Works", f"{title}: {parts.plain_subject(arguments)}", blocks)
