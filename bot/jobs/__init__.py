"""Batches of requests, and unattended tests of all accounts."""
