"""The command line: tracer trace | partition | plot | bench."""
