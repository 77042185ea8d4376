"""Slack's Web API methods for external tokens, without any user interface."""
