"""Extauth without Slack: the real app against a simulated Slack on loopback, in a browser."""
