"""The servers for Slack's requests, over Socket Mode or HTTP, and for operators' requests."""


class StartError(Exception):
    """A failure to start serving. The message tells the operator the problem and its fix in one line."""
