"""Several requests that belong together: running them, and testing all accounts when nobody waits for it."""
