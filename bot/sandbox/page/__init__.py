"""The sandbox's page, which is a small Slack in the browser."""
