# PYTHON_ARGCOMPLETE_OK
"""The entry point of the command, and its end when a signal stops it.

An exception raised by a signal may be printed as a traceback from any code: a module that is being imported,
a callback, the end of the interpreter. So a signal ends the process at once, with the status that a shell
gives to such an end, after unfinished files are removed. Only the standard library is imported before the
handlers of signals are set.
"""

import contextlib
import os
import signal
import sys
from typing import Any, NoReturn

WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}
# A shell gives the status 128 + n to a command that signal n ended.
ENDED_BY_SIGNAL = 128
STANDARD_ERROR = 2


def run() -> NoReturn:
    """Run the command of `sys.argv`, and exit with its status."""
    for number in WORDS:
        # Signals that the caller ignores, as of jobs in the background, stay ignored.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)
    if hasattr(signal, "SIGPIPE"):
        # A reader that closes the pipe, such as `head`, ends this command like any other.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)

    from tracer.cli.parser import main

    sys.exit(main())


def _stop(number: int, _: Any) -> NoReturn:
    files = sys.modules.get("tracer.fields.files.writing")
    for name in tuple(getattr(files, "UNFINISHED", ())):
        with contextlib.suppress(OSError):
            os.unlink(name)
    with contextlib.suppress(OSError):
        os.write(STANDARD_ERROR, f"tracer: {WORDS[signal.Signals(number)]}\n".encode())
    os._exit(ENDED_BY_SIGNAL + number)
