"""Extauth: Slack's external tokens, by slash command and dialog."""

__version__ = "0.1.0"
