"""Try the bot without Slack: the real bot against a simulated Slack on loopback, in a browser."""
