"""The two Web API methods this bot exists for, and nothing of Slack's user interface."""
