"""Whom to ask for help."""

import re

from bot.slack import mrkdwn

_CONTACT = re.compile(r"[UWSCG][A-Z0-9]{2,}|https://[^\s<>|]+|mailto:[^\s<>|@]+@[^\s<>|]+", re.ASCII)
_NOBODY_NAMED = "a workspace admin"


def is_contact(text: str) -> bool:
    """Return whether a text can be a contact: a person's, user group's, or channel's ID, or a link."""
    return _CONTACT.fullmatch(text) is not None


def mention(contact: str | None) -> str:
    """Return `EXTAUTH_CONTACT` as mrkdwn: a person, a user group, a channel, or a link. Without one, an admin."""
    if contact is None:
        return _NOBODY_NAMED
    if re.fullmatch(r"[UW][A-Z0-9]+", contact):
        return f"<@{contact}>"
    if contact.startswith("S"):
        return f"<!subteam^{contact}>"
    if re.fullmatch(r"[CG][A-Z0-9]+", contact):
        return f"<#{contact}>"
    return f"<{mrkdwn.escape(contact)}>"
