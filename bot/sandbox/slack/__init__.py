"""The simulated Slack, strict where Slack is strict. It knows nothing of the bot but its clock."""
