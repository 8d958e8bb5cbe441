"""Files that are read: what one may cost, and how one is refused.

A hundred bytes can ask for a layer of 2⁴⁰ neurons, for functions that call each other twice, or hold zeros
packed a thousand times. So whoever reads a file draws from the budget of its size, before arrays are made:
n numbers for an array of n, `STEP` numbers for a node, a layer or a member, however small,

    budget = LEAST + PER_BYTE · size.

A drawn number takes up to 50 bytes and half a microsecond: a file of 20 kB takes at most 500 MB and 5 seconds
of a processor. A convolution has more products than weights, by the number of its places: hence `PER_BYTE`.
What is made without a file, or after it was read, draws from nothing.
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
# What a file raises in those who read it as something else.
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
    """A block that reads a file as `what`, with the budget of its size.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    OSError
        If it may not be read.
    ValueError
        If the block refuses the file, or fails; the message names the file, and the block's reason, which
        says where in the file, and by which rule.
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
    """Read another file, which belongs to the one that is being read: its budget grows."""
    need_no_pointer(file)
    budget = _BUDGET.get()
    if budget is not None:
        budget.join(file)


def size_of(file: Path, path: str | os.PathLike[str]) -> int:
    """The size of a file in bytes; errors as of `reading`."""
    # Unlike is_file, which takes a folder that may not be searched for one without the file.
    try:
        size = file.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(f"path must be a file that exists; got {shown(path)}") from None
    if not file.is_file():
        raise FileNotFoundError(f"path must be a file; got {shown(path)}")
    return size


def need_no_pointer(file: Path) -> None:
    """Raise a ValueError if a file is what Git LFS leaves in its place."""
    with file.open("rb") as stream:
        if stream.read(len(POINTER)) == POINTER:
            raise ValueError("it is a pointer of Git LFS: fetch the file itself, git lfs pull")
