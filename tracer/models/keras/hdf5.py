"""The groups and arrays of a Keras file, read by a process of its own.

The script of that process, `contents`, gives the reasons for it, and the files that it refuses.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from tracer.models.keras import contents
from tracer.models.keras.layer import Numbers

# The process limits its own time; this limit serves systems where it cannot, and very busy ones.
MOST_SECONDS = 60.0


@dataclass(frozen=True, eq=False)
class Contents:
    """The texts of a file by name, and its groups' names and its arrays by path."""

    texts: Mapping[str, str | None]
    groups: Mapping[str, str | None]
    arrays: Mapping[str, Numbers]

    @cached_property
    def members(self) -> Mapping[str, list[str]]:
        """The names of the groups and arrays in each group, without empty groups."""
        found: dict[str, list[str]] = {}
        for path in (*self.groups, *self.arrays):
            if path:
                group, _, name = path.rpartition("/")
                found.setdefault(group, []).append(name)
        return found

    def below(self, path: str) -> dict[str, Numbers]:
        """The arrays in a group and in all groups below it, by their paths from the group."""
        found, open_ = {}, [""]
        while open_:
            start = open_.pop()
            for name in self.members.get(f"{path}/{start}".rstrip("/"), ()):
                array = self.arrays.get(f"{path}/{start}{name}")
                if array is None:
                    open_.append(f"{start}{name}/")
                else:
                    found[start + name] = array
        return found


def read(path: Path) -> Contents:
    """The contents of a file.

    Raises
    ------
    ValueError
        If it is no Keras file, or reading it takes too long.
    """
    command = [sys.executable, "-P", contents.__file__, os.fspath(path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OPENBLAS_NUM_THREADS": "1"}
    quiet: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    try:
        run = subprocess.run(
            command, stdout=subprocess.PIPE, env=environment, timeout=MOST_SECONDS, check=True, **quiet
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        raise ValueError("it is no Keras model, or was damaged: h5py cannot read it") from None
    return unpacked(run.stdout)


def unpacked(output: bytes) -> Contents:
    """The contents of a file from the output of the process."""
    place = 8 + int.from_bytes(output[:8], "little")
    header = json.loads(output[8:place])
    if "error" in header:
        raise ValueError(header["error"])
    arrays = {}
    for entry in header["arrays"]:
        found = None
        if "type" in entry:
            shape = entry["shape"]
            found = np.frombuffer(output, entry["type"], prod(shape), place).reshape(shape)
            place += found.nbytes
        arrays[entry["path"]] = Numbers(found, entry.get("reason", ""))
    return Contents(header["texts"], header["groups"], arrays)
