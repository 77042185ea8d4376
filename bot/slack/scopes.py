"""The bot scopes that Extauth asks for, and what each is for. https://docs.slack.dev/reference/scopes"""

REQUIRED_SCOPES = {
    "chat:write": "lines to the audit channel, and answers that can't be posted otherwise",
    "commands": "the slash command and the shortcut",
    "usergroups:read": "who is in a user group of a list",
    "users:read": "who is an admin, a member, a guest",
}
"""The bot scopes that Extauth can't do without, and what each is for."""
OPTIONAL_SCOPES = {
    "files:write": "sends the results of a test as a file",
    "im:write": "opens the direct message that the file goes to",
}
"""The bot scopes that people can leave out when they install the app, and what each is for."""
