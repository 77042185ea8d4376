"""The servers for Slack's requests, over Socket Mode or HTTP, and for operators' requests."""


class StartError(Exception):
    """A reason serving can't begin: one line for the operator with the problem and its fix."""
