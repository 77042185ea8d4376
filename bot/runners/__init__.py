"""Serving the app: Socket Mode or HTTP, from start to an orderly end."""
