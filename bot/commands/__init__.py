"""Parsing of typed text after `/extauth`: to a subcommand and its values, or a UsageError with a suggestion."""
