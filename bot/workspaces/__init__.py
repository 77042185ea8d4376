"""The workspaces that the bot serves: where it is installed, with which token and settings."""
