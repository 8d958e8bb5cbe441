"""ONNX files, plain or packed with gzip.

The package `onnx` only parses the file; nothing in a file is executed. Weights in an external file are read
if it lies in the same folder, or below. The network is the real function of the stored weights: float32
runtimes differ from it by their rounding errors.
"""

import gzip
import os
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tracer.fields.checks import cut, said, shown
from tracer.fields.networks.network import Network
from tracer.models.onnx import graph

# The length of an error message about a file's tensors and nodes, in characters.
LONGEST_REASON = 380
# No ONNX file is larger, and none is unpacked further.
LARGEST_FILE = 2**31


def load(
    path: str | os.PathLike,
    output: str | int | None = None,
    shape: Sequence[int] | Mapping[str, Sequence[int]] | None = None,
) -> Network:
    """Read a network from an ONNX file.

    Parameters
    ----------
    path : path
        Of a plain file, or of one packed with gzip if it ends in ``.gz``.
    output : str or int, optional
        The name or number of the output, if the graph has several.
    shape : sequence of int, or mapping of names to such, optional
        The shape of one point, where the graph leaves sizes of its inputs free.

    Returns
    -------
    Network
        Its inputs are the entries of the graph's inputs for one point, one after another in C order, without
        inputs that the output does not need. A final log-softmax is read as softmax, which has the same
        margins.

    Raises
    ------
    ImportError
        If the package `onnx` is not installed.
    ValueError
        If the file is no ONNX model, or no chain of layers; the message names the node.
    """
    try:
        import onnx
    except ImportError:
        raise ImportError(f"reading {os.fspath(path)} needs the package onnx: pip install onnx") from None
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load_model_from_string(_content(Path(path)))
        if model.functions:
            from onnx import inliner

            model = inliner.inline_local_functions(model)
        # Overflow and nan are reported where they occur.
        with np.errstate(over="ignore", invalid="ignore"):
            return graph.lowered(model, Path(path).parent, output, shape)
    except (DecodeError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"{shown(Path(path))} is no ONNX model, or was cut off: {said(error)}") from None
    except (graph.Unread, ValueError) as error:
        raise ValueError(f"{shown(Path(path))}: {cut(str(error), LONGEST_REASON)}") from None


def _content(path: Path) -> bytes:
    with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
        content = file.read(LARGEST_FILE)
        if file.read(1):
            raise ValueError(f"it must have fewer than {LARGEST_FILE} bytes")
    return content
