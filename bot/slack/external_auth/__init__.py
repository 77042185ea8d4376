"""The Web API methods that Extauth exists for, and nothing of Slack's user interface."""
