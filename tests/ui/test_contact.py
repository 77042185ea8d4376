"""Whom people are sent to."""

import pytest

from bot.ui.contact import mention


@pytest.mark.parametrize(
    ("contact", "shown"),
    [
        (None, "a workspace admin"),
        ("U012ABCDEF", "<@U012ABCDEF>"),
        ("W012ABCDEF", "<@W012ABCDEF>"),
        ("S012ABCDEF", "<!subteam^S012ABCDEF>"),
        ("C012ABCDEF", "<#C012ABCDEF>"),
        ("https://help.example/x?a=1&b=2", "<https://help.example/x?a=1&amp;b=2>"),
        ("mailto:help@example.com", "<mailto:help@example.com>"),
    ],
)
def test_a_contact_is_mentioned_as_what_it_is(contact: str | None, shown: str) -> None:
    assert mention(contact) == shown
