"""The command line: a command a file, a renderer a file."""
