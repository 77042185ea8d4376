"""The parser of typed text after `/extauth`, which yields a subcommand with values or an error with a suggestion."""
