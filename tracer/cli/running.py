# PYTHON_ARGCOMPLETE_OK
"""The entry point of the command: how it ends when it is stopped from outside.

An exception raised by a signal is printed by whatever code it meets: a module that is being imported, a
callback, the end of the interpreter. So a signal ends the process at once, with the status that a shell gives
to it, after removing the files that are half written. Nothing but the standard library is imported before
that is arranged.
"""

import contextlib
import os
import signal
import sys
from typing import Any, NoReturn

WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}
# A shell's status of a command that was ended by signal n is this plus n.
ENDED_BY_SIGNAL = 128
STANDARD_ERROR = 2


def run() -> NoReturn:
    """Run the command of `sys.argv`, and exit with its status."""
    for number in WORDS:
        # Signals that the caller ignores, as of jobs in the background, stay ignored.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)
    if hasattr(signal, "SIGPIPE"):
        # A reader that goes away, such as `head`, ends a command as it ends all others.
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
