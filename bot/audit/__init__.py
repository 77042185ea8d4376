"""The audit log: an attempt before each operation, its result after, and proof that no one changed either."""
