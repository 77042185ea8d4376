"""The audit log, which records an attempt before each operation and its result after, and reveals alterations."""
