"""The command line, with one file for each command group. Its modules parse and print; other packages do the work."""
