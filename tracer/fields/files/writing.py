"""Files, written whole or not at all."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tracer.fields.checks import path as checked
from tracer.fields.checks import shown


def check_target(path: str | os.PathLike, suffixes: tuple[str, ...]) -> Path:
    """`path` as a Path of a file that can be written.

    Raises
    ------
    TypeError
        If it is no path.
    ValueError
        If its suffix is not one of `suffixes`.
    FileNotFoundError
        If its folder does not exist.
    IsADirectoryError
        If it is a folder.
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
    """A temporary file beside `target`; it replaces `target` if the block ends without an error."""
    handle, name = tempfile.mkstemp(suffix=target.suffix, prefix=f".{target.stem}-", dir=target.parent)
    os.close(handle)
    try:
        # mkstemp sets mode 0600; the result gets the mode of the user's other files.
        os.chmod(name, 0o666 & ~_umask())
        yield Path(name)
        os.replace(name, target)
    finally:
        Path(name).unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
