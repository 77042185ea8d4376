"""Why serving could not begin."""


class StartError(Exception):
    """One line for the operator: what is wrong and how to mend it."""
