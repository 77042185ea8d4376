"""The simulated Slack, strict where Slack is strict. It knows nothing of Extauth but its clock."""
