"""The numbers of an ONNX tensor, stored in the model or in an external file.

The model names the external file; it is opened only if it lies in the model's folder, or below.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def read(tensor: Any, folder: Path) -> NDArray[Any]:
    """The array of a tensor of a model in `folder`, in a type of NumPy.

    Raises
    ------
    ValueError
        If its numbers are missing, or lie elsewhere.
    """
    from onnx import TensorProto, numpy_helper

    try:
        elsewhere = tensor.data_location == TensorProto.EXTERNAL
        array = numpy_helper.to_array(_filled(tensor, folder) if elsewhere else tensor)
    except (TypeError, AttributeError, KeyError, OSError) as error:
        raise ValueError(f"its numbers cannot be read: {error}") from None
    if array.dtype.kind in "cOSU":
        raise ValueError(f"its numbers must be real; got {array.dtype}")
    # Types unknown to NumPy, such as bfloat16, are exact in float64.
    return array if array.dtype.kind in "fiub" else array.astype(np.float64)


def _filled(tensor: Any, folder: Path) -> Any:
    """The tensor, with its numbers read from their file."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    home = folder.resolve()
    file = (home / entries.get("location", "")).resolve()
    if not file.is_relative_to(home) or not file.is_file():
        raise ValueError(
            f"its numbers must lie in a file in the model's folder; got {entries.get('location')!r}"
        )
    filled = type(tensor)()
    filled.CopyFrom(tensor)
    filled.ClearField("external_data")
    filled.ClearField("data_location")
    with file.open("rb") as stream:
        stream.seek(int(entries.get("offset", 0)))
        filled.raw_data = stream.read(int(entries.get("length", -1)))
    return filled
