"""The command line: one file per command group. It parses and prints; other packages do the work."""
