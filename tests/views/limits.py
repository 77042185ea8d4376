"""Block Kit's limits, as the simulated Slack checks them."""

from bot.sandbox.slack.block_kit import message_complaints, view_complaints
from bot.views.parts import Screen, as_message, as_view


def assert_passes(screen: Screen) -> None:
    """Assert that Slack takes the screen as a message, unless it's for a modal only, and as a modal."""
    if not screen.modal_only:
        assert message_complaints(as_message(screen)) == []
    view = as_view(screen)
    assert view["blocks"] == list(screen.blocks)
    assert view_complaints(view) == []
