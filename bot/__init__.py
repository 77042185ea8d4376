"""Extauth: Slack's external-auth tokens, by slash command and dialog."""
