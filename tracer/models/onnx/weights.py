"""The numbers of an ONNX tensor, stored in the model or in an external file.

An external file, which the model names, is opened only if it lies in the model's folder, or below. Many
tensors may lie in one file, and overlap: each draws the bytes that it reads.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer.fields.checks import shown
from tracer.fields.files.budget import draw, join


def read(tensor: Any, folder: Path) -> NDArray[Any]:
    """The array of a tensor of a model in `folder`, in a type of NumPy.

    Raises
    ------
    ValueError
        If its numbers are missing, or lie outside the folder.
    """
    from onnx import TensorProto, numpy_helper

    if any(n < 0 for n in tensor.dims):
        raise ValueError(f"its sizes must not be negative; got {list(tensor.dims)}")
    try:
        if tensor.data_location == TensorProto.EXTERNAL:
            tensor = _filled(tensor, folder)
        draw(*tensor.dims)
        array = numpy_helper.to_array(tensor)
    except (TypeError, AttributeError, KeyError, OSError) as error:
        raise ValueError(f"its numbers cannot be read: {error}") from None
    if array.dtype.kind in "cOSU":
        raise ValueError(f"its numbers must be real; got {array.dtype}")
    # Types unknown to NumPy, such as bfloat16, are exact in float64.
    return array if array.dtype.kind in "fiub" else array.astype(np.float64)


def _filled(tensor: Any, folder: Path) -> Any:
    """The tensor, with its numbers read from their file."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    home, location = folder.resolve(), entries.get("location", "")
    file = (home / location).resolve()
    if not file.is_relative_to(home):
        raise ValueError(f"its numbers must lie in a file in the model's folder; got {shown(location)}")
    if not file.is_file():
        raise ValueError(
            f"its numbers must lie in the file {shown(location)} beside the model, which is missing: "
            "copy it there, it belongs to the model"
        )
    join(file)
    size = file.stat().st_size
    offset = int(entries.get("offset", 0))
    length = int(entries.get("length", max(size - offset, 0)))
    if min(offset, length) < 0 or offset + length > size:
        raise ValueError(
            f"its numbers must lie in {shown(location)}, of {size} bytes; got {length} from {offset} on"
        )
    draw(length)
    filled = type(tensor)()
    filled.CopyFrom(tensor)
    filled.ClearField("external_data")
    filled.ClearField("data_location")
    with file.open("rb") as stream:
        stream.seek(offset)
        filled.raw_data = stream.read(length)
    return filled
