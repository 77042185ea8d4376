"""Clients for Slack's Web API, including its external auth methods."""
