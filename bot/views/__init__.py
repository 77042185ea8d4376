"""Screens and forms in Block Kit. The modules are pure and never call Slack."""
