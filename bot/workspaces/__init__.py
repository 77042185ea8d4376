"""The workspaces that Extauth serves: their installations, tokens, and settings."""
