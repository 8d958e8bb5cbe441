"""Named arrays of known kinds as one `.npz` file, bound together by a digest.

A table gives the kind of number, the shape and a condition on the entries of each named array. A word in a
shape is a size that the file determines; equal words mean equal sizes. The digest is SHA-256 over names,
kinds, shapes and bytes, so it does not depend on the container or on the machine.

A file is read without NumPy's reader, which evaluates headers as Python literals: only headers that
`numpy.save` writes for these kinds are accepted. Claimed sizes are compared with the number of bytes before
anything is read.
"""

import hashlib
import math
import os
import re
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

DIGEST, VERSION, KIND = "digest", "version", "kind"
RULES = {
    "finite": np.isfinite,
    "0 or more": lambda x: x >= 0,
    "-1 or more": lambda x: x >= -1,
}
# The rule of a kind whose column has none; integers and truth values are unrestricted.
USUAL = {"f8": "finite"}

_START = b"PK\x03\x04"
_MAGIC = b"\x93NUMPY\x01\x00"
_HEADER = re.compile(
    rb"\{'descr': '([<>|](?:f8|i8|b1|U\d{1,9}))', 'fortran_order': False, 'shape': "
    rb"\(((?:\d{1,18}(?:, \d{1,18})*,?)?)\), \} *\n"
)
# The exceptions that `zipfile` raises for a broken container.
_BROKEN = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
    OverflowError,
    struct.error,
)


class Column(NamedTuple):
    """What an array must be: `kind` is f8, i8, b1 or U, `shape` its sizes as numbers and words."""

    kind: str
    shape: str = ""
    rule: str = ""


Table = Mapping[str, Column]


def write(path: Path, table: Table, values: Mapping[str, Any]) -> None:
    """Write the arrays of a table, and their digest."""
    arrays: dict[str, Any] = {name: _written(column, values[name]) for name, column in table.items()}
    arrays[DIGEST] = np.array(digest(arrays))
    with path.open("wb") as file:
        np.savez(file, **arrays)


def attributes(table: Table, given: Mapping[str, Any], **things: Any) -> dict[str, Any]:
    """The values of a table: those `given`, and the attributes of some things by name.

    The column "stats.cells" is the attribute `cells` of the thing `stats`; of None it is empty. Of a sequence
    it is the attributes of all, one row for each if the first size is the name of the thing, else
    concatenated.
    """
    values = dict(given)
    for name in table.keys() - given.keys():
        owner, _, attribute = name.partition(".")
        thing = things[owner]
        if isinstance(thing, list | tuple):
            parts = [getattr(each, attribute) for each in thing]
            rows = not parts or table[name].shape.split()[0] == owner
            values[name] = parts if rows else np.concatenate(parts)
        else:
            values[name] = [] if thing is None else getattr(thing, attribute)
    return values


def kind_of(path: str | os.PathLike[str]) -> str:
    """The kind of result that a file says it holds."""
    members = _members(path)
    return str(_array(KIND, members[KIND])) if KIND in members else ""


def read(path: str | os.PathLike[str], table: Table, kind: str, version: int) -> dict[str, NDArray]:
    """The arrays of a kind of result that `write` wrote, read-only.

    Raises
    ------
    ValueError
        If the file is not of this format, has another version, or was changed after it was written.
    """
    members = _members(path)
    written_by = _array(VERSION, members[VERSION]).ravel().tolist() if VERSION in members else None
    if written_by != [version]:
        raise ValueError(
            f"its {VERSION} must be {version}, got {written_by}: this version of tracer reads no other, "
            "trace the boundary again"
        )
    if KIND in members and (found := str(_array(KIND, members[KIND]))) != kind:
        raise ValueError(f"it says that it holds {found[:40]!r}")
    if set(members) != {*table, DIGEST}:
        odd = sorted(set(members) ^ {*table, DIGEST})
        raise ValueError(f"it must hold the {len(table) + 1} arrays of a {kind}; lacking or odd: {odd[:3]}")
    arrays = {name: _array(name, data) for name, data in members.items()}
    if arrays.pop(DIGEST).ravel().tolist() != [digest(arrays)]:
        raise ValueError(
            "its digest does not fit its numbers, so it was damaged or changed after it was saved: take a "
            "copy that is whole, or trace the boundary again"
        )
    _check(arrays, table)
    return arrays


def digest(arrays: Mapping[str, NDArray]) -> str:
    """The SHA-256 digest of arrays, their names, kinds and shapes, in hexadecimal digits."""
    total = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        plain = array.astype(array.dtype.newbyteorder("<"), order="C", copy=False)
        total.update(f"{name} {plain.dtype.str} {plain.shape}\n".encode())
        total.update(plain.tobytes())
    return total.hexdigest()


def _written(column: Column, value: Any) -> NDArray:
    """A value as the array of its column; an empty value gets the right number of dimensions."""
    array = np.asarray(value, dtype=column.kind)
    sizes = column.shape.split()
    return array if array.size else array.reshape([int(n) if n.isdigit() else 0 for n in sizes])


def _members(path: str | os.PathLike[str]) -> dict[str, bytes]:
    """The members of a container by name; their claimed sizes are checked against the size of the file."""
    with open(path, "rb") as file:
        if file.read(len(_START)) != _START:
            raise ValueError("it does not begin as one")
        try:
            with zipfile.ZipFile(file) as archive:
                infos = archive.infolist()
                names = [info.filename.removesuffix(".npy") for info in infos]
                claimed = sum(info.file_size for info in infos)
                if claimed > os.fstat(file.fileno()).st_size or len(set(names)) < len(names):
                    raise ValueError(f"its {len(names)} members claim {claimed} bytes, or one name twice")
                if any(info.compress_type != zipfile.ZIP_STORED for info in infos):
                    raise ValueError("its members must be stored as they are")
                return {name: archive.read(info) for name, info in zip(names, infos, strict=True)}
        except _BROKEN as error:
            raise ValueError(f"its container is broken or cut off: {error}") from None


def _array(name: str, data: bytes) -> NDArray:
    """The array in a member, read-only."""
    start = len(_MAGIC) + 2
    end = start + int.from_bytes(data[len(_MAGIC) : start], "little")
    header = _HEADER.fullmatch(data[start:end])
    if not data.startswith(_MAGIC) or header is None:
        raise ValueError(f"{name} must be an array of floats, whole numbers, truth values or a text")
    dtype = np.dtype(header[1].decode())
    shape = tuple(int(n) for n in re.findall(rb"\d+", header[2]))
    if math.prod(shape) * dtype.itemsize != len(data) - end:
        raise ValueError(f"{name} claims an array of shape {shape} in {len(data) - end} bytes")
    array = np.frombuffer(data[end:], dtype).reshape(shape).astype(dtype.newbyteorder("="))
    array.flags.writeable = False
    return array


def _check(arrays: Mapping[str, NDArray], table: Table) -> None:
    """Check every array against the table."""
    sizes: dict[str, int] = {}
    for name, (kind, shape, rule) in table.items():
        array, words = arrays[name], shape.split()
        if array.dtype.kind != kind[0]:
            raise ValueError(f"{name} must be of kind {kind}; got {array.dtype.name}")
        expected = [
            int(w) if w.isdigit() else sizes.setdefault(w, n)
            for w, n in zip(words, array.shape, strict=False)
        ]
        if expected != list(array.shape) or len(words) != array.ndim:
            raise ValueError(f"{name} must have shape ({', '.join(words)}), {sizes}; got {array.shape}")
        holds = rule or USUAL.get(kind, "")
        if holds and not RULES[holds](array).all():
            raise ValueError(f"{name} must be {holds}")
