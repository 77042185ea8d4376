"""Extauth: Slack's external tokens, by slash command and modal."""

__version__ = "0.1.0"
