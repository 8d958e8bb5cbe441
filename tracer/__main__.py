# PYTHON_ARGCOMPLETE_OK
"""The command line as ``python -m tracer``."""

from tracer.cli.running import run

run()
