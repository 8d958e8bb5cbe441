"""Keras files read by forks of one process that has imported h5py, instead of by a new interpreter each.

In a block of `used` the same script reads the files under the same limits, but some of them in one process,
which need not start an interpreter and import h5py for .2 s.
"""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn
from unittest import mock

# Files that one fork reads: their time together is far below the limit of the script.
PER_FORK = 50
# The exit status of a fork if no more files are asked for.
IS_OVER = 77


@contextmanager
def used(folder: Path) -> Iterator[None]:
    """A block in which Keras files are read through a server."""
    from tracer.models.keras import contents, hdf5

    with started(folder, contents.__file__) as run, mock.patch.object(hdf5.subprocess, "run", run):
        yield


@contextmanager
def started(folder: Path, script: str) -> Iterator[Callable[..., subprocess.CompletedProcess]]:
    """A function that runs a script on the file of a command, through a server; its output is in a folder."""
    command = [sys.executable, "-P", __file__, script]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OPENBLAS_NUM_THREADS": "1"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    target = folder / "output"
    with subprocess.Popen(command, env=environment, **pipes) as server:

        def run(asked: list[str], **_) -> subprocess.CompletedProcess:
            server.stdin.write(json.dumps([asked[-1], str(target)]).encode() + b"\n")
            server.stdin.flush()
            if status := int(server.stdout.readline()):
                raise subprocess.CalledProcessError(status, asked)
            return subprocess.CompletedProcess(asked, 0, target.read_bytes())

        yield run
        server.stdin.close()


def serve(script: str) -> None:
    """Read the files that are asked for on standard input in forks, some in each, and say how each ended."""
    spec = importlib.util.spec_from_file_location("contents", script)
    contents = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(contents)
    # Forks find it imported.
    importlib.import_module("h5py")
    said, status = os.dup(1), 0
    while status != IS_OVER:
        if not (child := os.fork()):
            answer(contents.run, said)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status not in (0, IS_OVER):
            os.write(said, b"%d\n" % status)


def answer(run: Callable[[str], None], said: int) -> NoReturn:
    """Run the script on some files that are asked for, then end; an error ends it at once."""
    status = 1
    try:
        for _ in range(PER_FORK):
            if not (line := sys.stdin.buffer.readline()):
                status = IS_OVER
                return
            path, target = json.loads(line)
            output = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(output, 1)
            os.close(output)
            run(path)
            os.write(said, b"0\n")
        status = 0
    finally:
        os._exit(status)


if __name__ == "__main__":
    serve(sys.argv[1])
