"""The audit log: an entry before each act, its result after, and proof that nobody changed either."""
