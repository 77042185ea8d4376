"""The kinds of Slack's tokens, by how they begin."""

from pydantic import SecretStr

_KINDS = {
    "xoxb-": "a bot token",
    "xoxe.xoxb-": "a bot token",
    "xoxp-": "a user token",
    "xoxe.xoxp-": "a user token",
    "xapp-": "an app-level token",
    "xoxe-": "a refresh token",
    "xoxc-": "a browser's session token",
    "xoxd-": "a browser's session cookie",
}
"""https://docs.slack.dev/authentication/tokens"""


def kind(token: SecretStr) -> str | None:
    """Return which kind of Slack token this is by its beginning, with an article; None for an unknown one."""
    text = token.get_secret_value()
    return next((name for prefix, name in _KINDS.items() if text.startswith(prefix)), None)
