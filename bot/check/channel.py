"""A check that Extauth can post to the audit channel, which doesn't post any message."""

from datetime import UTC, datetime

from bot.check.finding import Finding, not_checked, ok, problem
from bot.check.tokens import Bot
from bot.check.web_api import ask, reason
from bot.settings import Settings
from bot.slack.client import ClientFactory
from bot.slack.external_auth.errors import ExternalAuthError

SUBJECT = "EXTAUTH_AUDIT_CHANNEL"
SCHEDULE_SECONDS = 30 * 24 * 3600
"""Seconds until the scheduled time of the test message. Slack may still post a message deleted minutes before it."""
_TEXT = "A test message from Extauth's check that couldn't be deleted. You can ignore it."
_FAULTS = {
    "channel_not_found": (
        "Slack doesn't know this channel, or it is private and the bot isn't in it.",
        "Check the channel's ID. If the channel is private, invite Extauth to it.",
    ),
    "not_in_channel": ("The bot isn't in this channel.", "Type /invite @Extauth in the channel."),
    "no_permission": ("The bot isn't in this channel.", "Type /invite @Extauth in the channel."),
    "is_archived": ("This channel is archived.", "Unarchive the channel, or choose another one."),
}
_RESTRICTED = (
    "The bot isn't allowed to post in this channel.",
    "Allow Extauth to post there, or choose another channel.",
)


async def check_channel(
    channel: str, settings: Settings, clients: ClientFactory, bot: Bot, blocked: str | None
) -> Finding:
    """Schedule a message in the audit channel and delete it at once.

    Slack refuses a scheduled message for the same reasons as a post, requires only chat:write, and shows it to no one.
    https://docs.slack.dev/reference/methods/chat.scheduleMessage
    """
    if blocked or bot.unusable:
        return not_checked(SUBJECT, blocked or str(bot.unusable))
    at = int(clients.clock.now()) + SCHEDULE_SECONDS
    try:
        answer = await ask(
            clients, settings.only_bot_token, "chat.scheduleMessage", channel=channel, post_at=str(at), text=_TEXT
        )
    except ExternalAuthError as error:
        if error.code == "missing_scope":
            return not_checked(SUBJECT, "the scope chat:write is missing")
        fault = _RESTRICTED if error.code.startswith("restricted_action") else _FAULTS.get(error.code)
        return not_checked(SUBJECT, reason(error)) if fault is None else problem(SUBJECT, *fault)
    scheduled = answer.body.get("scheduled_message_id") if isinstance(answer.body, dict) else None
    return await _delete(channel, str(scheduled), at, settings, clients)


async def _delete(channel: str, scheduled: str, at: int, settings: Settings, clients: ClientFactory) -> Finding:
    for _ in range(2):
        try:
            await ask(
                clients,
                settings.only_bot_token,
                "chat.deleteScheduledMessage",
                channel=channel,
                scheduled_message_id=scheduled,
            )
        except ExternalAuthError:
            continue
        return ok(SUBJECT, "The bot can post in this channel.")
    day = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")
    return problem(
        SUBJECT,
        f"The bot can post in this channel, but its scheduled test message couldn't be deleted and appears on {day}.",
        f"Call chat.deleteScheduledMessage with scheduled_message_id={scheduled}, or ignore the message.",
    )
