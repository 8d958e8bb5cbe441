"""The boundaries of many problems as files in a folder: ``000012-<fingerprint>.npz`` for problem 12.

Files are written atomically, so an existing file is a finished problem, and an interrupted sweep resumes
after it. A file with the same index and another fingerprint belongs to another sweep, and is an error. The
digest of a file covers its fingerprint, so a renamed file is not accepted for another problem.
"""

import os
import re
from pathlib import Path

from tracer.boundaries import archive
from tracer.boundaries.boundary import Boundary
from tracer.boundaries.sweeps.problem import DIGITS, Problem
from tracer.fields.checks import path as checked
from tracer.fields.checks import shown
from tracer.fields.files.writing import whole_file

NAME = re.compile(rf"(\d{{6,}})-([0-9a-f]{{{DIGITS}}})\.npz")


class Folder:
    """A folder of boundaries; created if it is missing, in an existing folder.

    Raises
    ------
    FileNotFoundError
        If its parent folder does not exist.
    NotADirectoryError
        If a file has that name.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = checked("folder", path)
        if not self._path.parent.is_dir():
            raise FileNotFoundError(f"folder must lie in a folder that exists; got {shown(path)}")
        if self._path.exists() and not self._path.is_dir():
            raise NotADirectoryError(f"folder must be a folder; got the file {shown(path)}")
        self._path.mkdir(exist_ok=True)
        found = filter(None, map(NAME.fullmatch, os.listdir(self._path)))
        self._names = {int(name[1]): name[0] for name in found}

    def contains(self, problem: Problem) -> bool:
        """Whether the folder contains the boundary of this problem.

        Raises
        ------
        ValueError
            If the folder contains the boundary of another problem with the same index.
        """
        found, own = self._names.get(problem.index), _name(problem)
        if found not in (None, own):
            raise ValueError(
                f"folder must hold boundaries of these problems; problem {problem.index} would be {own}, but "
                f"there is {found} in {shown(self._path)}: its field, bounds or keywords differ. Pass "
                "another folder, or delete the file to trace the problem anew"
            )
        return found == own

    def save(self, problem: Problem, boundary: Boundary) -> None:
        """Write the boundary of a problem, whole or not at all."""
        name = _name(problem)
        with whole_file(self._path / name) as target:
            archive.write(boundary, target, problem.fingerprint)
        self._names[problem.index] = name

    def load(self, index: int) -> Boundary:
        """The boundary of the problem with this index.

        Raises
        ------
        ValueError
            If the file is damaged, contains another problem than its name says, or was written by another
            version of this library.
        """
        name = self._names[index]
        try:
            return archive.read(self._path / name, Path(name).stem.partition("-")[2])
        except ValueError as error:
            raise ValueError(f"{error}; delete the file to trace problem {index} anew") from None


def _name(problem: Problem) -> str:
    return f"{problem.index:06d}-{problem.fingerprint}.npz"
