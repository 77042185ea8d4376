"""The simulated Slack, which is strict where Slack is strict. It imports nothing from Extauth but the clock."""
