"""The sandbox, in which the real app runs against a simulated Slack on loopback, with a page for the browser."""
