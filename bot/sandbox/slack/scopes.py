"""The scopes that the simulated app has, and what Slack asks for each method."""

GRANTED = frozenset({"chat:write", "commands", "files:write", "im:write", "usergroups:read", "users:read"})
NEEDED = {
    "chat.deleteScheduledMessage": "chat:write",
    "chat.postEphemeral": "chat:write",
    "chat.postMessage": "chat:write",
    "chat.scheduleMessage": "chat:write",
    "chat.update": "chat:write",
    "conversations.open": "im:write",
    "files.completeUploadExternal": "files:write",
    "files.getUploadURLExternal": "files:write",
    "usergroups.users.list": "usergroups:read",
    "users.info": "users:read",
}
"""A method that isn't here needs none."""
