"""Takes Slack's requests in, over Socket Mode or HTTP, from start to an orderly end."""
