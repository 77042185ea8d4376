"""Screens that people see: outcomes as Block Kit. Pure: nothing here calls Slack."""
