"""`vroeg`: the command line, a module a command."""
