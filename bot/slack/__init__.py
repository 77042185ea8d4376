"""How the bot talks to Slack's Web API, and to the two external-auth methods."""
