"""Takes Slack's requests in, over Socket Mode or HTTP, and serves what operators ask."""


class StartError(Exception):
    """Why serving can't begin. One line for the operator: what is wrong, and how to fix it."""
