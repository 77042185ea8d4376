"""The command line: one file a command group. It parses and prints; the work is done elsewhere."""
