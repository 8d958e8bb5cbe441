"""The texts and arrays of a Keras file, written to standard output: a script for a process of its own.

HDF5 is a C library, and a damaged file can send it into an endless loop or beyond its memory. And an HDF5
file can point to other files (external links, external and virtual data sets) and claim arrays far larger
than itself (numbers that were never written, filters, chunks). So this process has limits of time and memory,
follows only links within the file, and checks the size and the storage of an array before it reads it.

The output is the length of a header as 8 bytes, the header as JSON, and the numbers of all arrays, one after
another. The header contains the texts of the file by name; for each group its attribute "name", or null; and
for each array its type and shape, or the reason why the array was not read.
"""

import json
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from math import prod
from shutil import copyfileobj
from typing import Any, BinaryIO

# The limits of this process: seconds of a processor, and bytes of memory.
SECONDS, MEMORY = 3, 2**30
# The most bytes of all arrays of a model together: 33 million weights in float32.
MOST_BYTES = 2**27
# The most bytes of the weights in a `.keras` file, with the state of an optimizer.
LARGEST_WEIGHTS = 2**28
# The most characters of a text: configurations of models of a thousand layers have a million.
MOST_CHARACTERS = 2**23
# The most characters of the name of a layer.
LONGEST_NAME = 1000
# The most members of all groups together, and the deepest nesting of groups.
MOST_MEMBERS, DEEPEST = 10**5, 24
# The filters that are part of h5py itself: deflate, shuffle, Fletcher's checksums, lzf.
FILTERS = (1, 2, 3, 32000)
# Groups that only training needs.
OPTIMIZERS = ("optimizer", "optimizer_weights")
WEIGHTS = "model.weights.h5"
ARCHIVED = ("config.json", "metadata.json")
ATTRIBUTES = ("model_config", "keras_version")


def copied(stream: BinaryIO, is_archive: bool) -> tuple[dict[str, Any], list[Any]]:
    """The header, and the numbers of each array."""
    import h5py

    texts: dict[str, str | None] = {}
    if is_archive:
        with zipfile.ZipFile(stream) as archive:
            for name in ARCHIVED:
                texts[name] = member(archive, name, MOST_CHARACTERS).getvalue().decode()
            stream = member(archive, WEIGHTS, LARGEST_WEIGHTS)
    with h5py.File(stream, "r") as file:
        for name in () if is_archive else ATTRIBUTES:
            texts[name] = text(file, name)
        groups: dict[str, str | None] = {}
        arrays, numbers, room = [], [], MOST_BYTES
        for path, found in walk(file):
            if isinstance(found, h5py.Group):
                groups[path] = text(found, "name", LONGEST_NAME)
                continue
            entry: dict[str, Any] = {"path": path}
            try:
                array = floats(found, room)
                entry |= {"type": array.dtype.str, "shape": array.shape}
                numbers.append(array.ravel().data)
                room -= array.nbytes
            except (ValueError, TypeError, OSError, RuntimeError) as error:
                entry["reason"] = str(error)[:200]
            arrays.append(entry)
    return {"texts": texts, "groups": groups, "arrays": arrays}, numbers


def member(archive: zipfile.ZipFile, name: str, most: int) -> BytesIO:
    """A member of an archive, unpacked to at most as many bytes as it claims."""
    if name not in archive.namelist():
        raise ValueError(f"it must contain {name}, as model.save('model.keras') writes it")
    entry = archive.getinfo(name)
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or entry.flag_bits & 1:
        raise ValueError(f"{name} must be stored or deflated, without a password")
    if entry.file_size > most:
        raise ValueError(f"{name} must have at most {most} bytes; it claims {entry.file_size}")
    unpacked = BytesIO()
    with archive.open(entry) as packed:
        copyfileobj(packed, unpacked)
    return unpacked


def text(group: Any, name: str, longest: int = MOST_CHARACTERS) -> str | None:
    """An attribute that is a text; None if the group has no such attribute."""
    import h5py

    if name not in group.attrs:
        return None
    attribute = group.attrs.get_id(name)
    kind = h5py.check_string_dtype(attribute.dtype)
    if kind is None or attribute.shape != () or (kind.length or 0) > longest:
        raise ValueError(f"attribute {name} must be a text of at most {longest} characters")
    value = group.attrs[name]
    found = value if isinstance(value, str) else bytes(value).decode()
    if len(found) > longest:
        raise ValueError(f"attribute {name} must have at most {longest} characters")
    return found


def walk(file: Any) -> Iterator[tuple[str, Any]]:
    """All groups and arrays by their paths; a link out of the file is represented by its class."""
    import h5py

    open_, seen = [("", file)], 0
    while open_:
        start, group = open_.pop()
        seen += len(group)
        if seen > MOST_MEMBERS or start.count("/") > DEEPEST:
            raise ValueError(f"groups must have at most {MOST_MEMBERS} members, {DEEPEST} deep")
        for name in group:
            link = group.get(name, getlink=True)
            found = group[name] if isinstance(link, h5py.HardLink) else type(link)
            if start == "" and name in OPTIMIZERS:
                continue
            yield start + name, found
            if isinstance(found, h5py.Group):
                open_.append((f"{start}{name}/", found))


def floats(dataset: Any, room: int) -> Any:
    """The numbers of an array of floats that lies in the file and has at most `room` bytes."""
    import h5py
    import numpy as np

    if not isinstance(dataset, h5py.Dataset) or dataset.shape is None:
        raise ValueError(f"arrays must lie in the file; got {getattr(dataset, '__name__', 'none')}")
    kind, width = dataset.dtype.kind, dataset.dtype.itemsize
    # Keras stores bfloat16, the upper half of a float32, as two bytes without a type.
    is_bfloat = kind == "V" and width == 2
    if not is_bfloat and (kind != "f" or width > 8):
        raise ValueError(f"floats are read; got {dataset.dtype}")
    size = prod(dataset.shape) * width
    if size > room:
        raise ValueError(f"the arrays of a model must have at most {MOST_BYTES} bytes together")
    if dataset.external or dataset.is_virtual:
        raise ValueError("arrays must lie in the file; this one is in another file")
    created = dataset.id.get_create_plist()
    filters = [created.get_filter(k)[0] for k in range(created.get_nfilters())]
    if any(number not in FILTERS for number in filters):
        raise ValueError(f"filters {FILTERS} are read; got {filters}")
    if any(c > n for c, n in zip(dataset.chunks or (), dataset.shape, strict=False)):
        raise ValueError(f"a chunk must not be larger than its array; got {dataset.chunks}")
    stored = dataset.id.get_storage_size()
    if stored < (1 if filters else size):
        raise ValueError(f"it claims {size} bytes, and the file contains {stored} of them")
    found = np.asarray(dataset[()])
    return (found.view(np.uint16).astype(np.uint32) << 16).view(np.float32) if is_bfloat else found


def limit() -> None:
    """Limit the time and the memory of this process, where the system can."""
    # Not every system has the module, or lets the memory be limited.
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def run(path: str) -> None:
    """Write the contents of a file to standard output."""
    limit()
    numbers: list[Any] = []
    try:
        with open(path, "rb") as stream:
            header, numbers = copied(stream, path.lower().endswith(".keras"))
    except ValueError as error:
        header = {"error": str(error)[:400]}
    except (OSError, EOFError, RuntimeError, KeyError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        header = {
            "error": f"it is no Keras model, or was cut off: {str(error)[:300] or type(error).__name__}"
        }
    except MemoryError:
        header = {"error": "it is no Keras model: it takes too much memory"}
    encoded = json.dumps(header).encode()
    sys.stdout.buffer.write(len(encoded).to_bytes(8, "little"))
    for part in (encoded, *numbers):
        sys.stdout.buffer.write(part)
    sys.stdout.flush()


if __name__ == "__main__":
    run(sys.argv[1])
