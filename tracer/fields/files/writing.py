"""Files, written whole or not at all.

A file is written beside its target, under a hidden name, and replaces the target at the end. The hidden file
of a process that is killed remains, but the lock of the process ends with it: the next process that writes
into the folder deletes hidden files that are unlocked and not new.
"""

import contextlib
import os
import secrets
import stat
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tracer.fields.checks import path as checked
from tracer.fields.checks import shown

PREFIX = ".tracer-"
# A file younger than so many seconds is new: it may be between its creation and its lock, or between its lock
# and its renaming.
NEW = 60.0
# The temporary files that are being written; a handler that ends the process at once deletes them.
UNFINISHED: set[str] = set()


def check_target(path: str | os.PathLike[str], suffixes: tuple[str, ...]) -> Path:
    """`path` as a Path of a file that can be written.

    Raises
    ------
    TypeError
        If `path` is no path.
    ValueError
        If its suffix is not one of `suffixes`.
    FileNotFoundError
        If its folder does not exist.
    IsADirectoryError
        If a folder has that name.
    """
    target = checked("path", path)
    if target.suffix.lower() not in suffixes:
        raise ValueError(f"path must end in one of {', '.join(suffixes)}; got {shown(path)}")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"path must lie in a folder that exists; got {shown(path)}")
    if target.is_dir():
        raise IsADirectoryError(f"path must be a file; got the folder {shown(path)}")
    return target


@contextlib.contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """A temporary file beside `target`; it replaces `target` if the block ends without an error.

    A link is followed, and a file that is replaced keeps its mode. Errors of the system name `target`.
    """
    real = Path(os.path.realpath(target))
    clean(real.parent)
    name = real.parent / f"{PREFIX}{secrets.token_hex(8)}{target.suffix}"
    with _named(target):
        # The system removes the bits of the user's umask from the mode.
        handle = os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
        UNFINISHED.add(os.fspath(name))
        try:
            try:
                _lock(handle)
                with contextlib.suppress(FileNotFoundError):
                    os.chmod(name, stat.S_IMODE(real.stat().st_mode))
                yield name
            finally:
                os.close(handle)
            os.replace(name, real)
        finally:
            name.unlink(missing_ok=True)
            UNFINISHED.discard(os.fspath(name))


@cache
def clean(folder: Path) -> None:
    """Delete the hidden files of killed processes in a folder, once for each folder in this process."""
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            if entry.name.startswith(PREFIX) and entry.stat().st_mtime < time.time() - NEW:
                with contextlib.suppress(OSError):
                    _delete_unlocked(entry.path)


def _delete_unlocked(path: str) -> None:
    handle = os.open(path, os.O_WRONLY)
    try:
        if _lock(handle):
            os.unlink(path)
    finally:
        os.close(handle)


def _lock(handle: int) -> bool:
    """Lock a file until its handle is closed, or its process ends; whether that was possible."""
    try:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    # Some systems, and some file systems, have no such locks; or another process has the lock.
    except (ImportError, OSError):
        return False
    return True


@contextlib.contextmanager
def _named(target: Path) -> Iterator[None]:
    """A block in which errors of the system without a file name, such as errors of writing, get `target`."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = os.fspath(target)
        raise
