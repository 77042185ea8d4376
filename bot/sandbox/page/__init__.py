"""The sandbox's page: a small Slack in the browser."""
