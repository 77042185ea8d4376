"""The simulated app's scopes, and the scope that Slack requires for each method."""

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
"""The scope that each method requires. Other methods don't require any."""
