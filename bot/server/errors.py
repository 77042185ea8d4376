"""Why serving couldn't begin."""


class StartError(Exception):
    """One line for the operator: what is wrong and how to fix it."""
