"""The cost of reading a file: an upper bound by the size of the file, and the error of a refused file.

A hundred bytes can describe a layer of 2⁴⁰ neurons, or functions that each call another one twice, or a
thousand times as many zeros, packed. So every reader draws numbers from the budget of its file before it
makes arrays: n numbers for an array of n, `STEP` numbers for a node, a layer or a member, however small,

    budget = LEAST + PER_BYTE · size.

A drawn number takes up to 50 bytes and half a microsecond: a file of 20 kB takes at most 500 MB and 5 seconds
of a processor. `PER_BYTE` is large because a convolution multiplies each of its weights at many places.
Outside a block that reads a file, there is no budget and nothing is drawn.
"""

import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import prod
from pathlib import Path

from tracer.fields.checks import cut, shown
from tracer.fields.checks import path as checked

LEAST, PER_BYTE, STEP = 8 * 10**6, 100, 2000
# The most characters of the reason why a file is refused.
LONGEST_REASON = 380
# The exceptions that readers raise for a file that has another content than they expect.
FAULTS = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
POINTER = b"version https://git-lfs.github.com/spec/"


class Budget:
    """The numbers that a file may still draw."""

    def __init__(self, file: Path, size: int) -> None:
        self.total = self.left = LEAST + PER_BYTE * size
        self._files = {file.resolve()}

    def draw(self, count: int) -> None:
        """Draw numbers, before they are made."""
        self.left -= count
        if self.left < 0:
            drawn = self.total - self.left
            raise ValueError(f"it would have {drawn} numbers, and at most {self.total} in a file of its size")

    def join(self, file: Path) -> None:
        """Add another file to the file, once."""
        if file not in self._files:
            self._files.add(file)
            more = PER_BYTE * file.stat().st_size
            self.total, self.left = self.total + more, self.left + more


_BUDGET: ContextVar[Budget | None] = ContextVar("budget", default=None)


@contextmanager
def reading(path: str | os.PathLike[str], what: str) -> Iterator[tuple[Path, Budget]]:
    """A block that reads a file as `what`; its value is the file's Path, and the budget of its size.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    OSError
        If the file may not be read.
    ValueError
        If the block raises one of `FAULTS`; the message names the file, and gives the block's reason: the
        place in the file, and the rule.
    """
    file = checked("path", path)
    budget = Budget(file, size_of(file, path))
    token = _BUDGET.set(budget)
    try:
        need_no_pointer(file)
        yield file, budget
    except FAULTS as error:
        reason = cut(str(error), LONGEST_REASON) or type(error).__name__
        raise ValueError(f"{shown(file)} cannot be read as {what}: {reason}") from None
    finally:
        _BUDGET.reset(token)


def draw(*sizes: int) -> None:
    """Draw the product of `sizes` from the budget of the file that is being read, if there is one."""
    budget = _BUDGET.get()
    if budget is not None:
        budget.draw(prod(map(int, sizes)))


def join(file: Path) -> None:
    """Add another file to the file that is being read, whose budget grows by the size of the other."""
    need_no_pointer(file)
    budget = _BUDGET.get()
    if budget is not None:
        budget.join(file)


def size_of(file: Path, path: str | os.PathLike[str]) -> int:
    """The size of a file in bytes; errors as in `reading`."""
    # In a folder that may not be searched is_file may return False, but stat raises PermissionError.
    try:
        size = file.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(f"path must be a file that exists; got {shown(path)}") from None
    if not file.is_file():
        raise FileNotFoundError(f"path must be a file; got {shown(path)}")
    return size


def need_no_pointer(file: Path) -> None:
    """Raise a ValueError if a file is a pointer of Git LFS in place of the file itself."""
    with file.open("rb") as stream:
        if stream.read(len(POINTER)) == POINTER:
            raise ValueError("it is a pointer of Git LFS: fetch the file itself, git lfs pull")
