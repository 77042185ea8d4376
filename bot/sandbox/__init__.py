"""A simulated Slack on loopback, strict where Slack is strict: for trying the bot, and for its tests."""
