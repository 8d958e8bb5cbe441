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
from typing import Any

import numpy as np

from tracer.fields.checks import cut, said, shown
from tracer.fields.networks.network import Network
from tracer.models.onnx import graph

# The length of an error message about a file's tensors and nodes, in characters.
LONGEST_REASON = 380
# No ONNX file is larger, and none is unpacked further.
LARGEST_FILE = 2**31
# It is read by parts of so many bytes. What is larger than `SMALL_FILE` is unpacked to so many times its size
# only: weights are hardly packed, but gzip can do a thousand times.
PART, SMALL_FILE, MOST_PACKED = 2**24, 2**27, 50
# A network of a thousand layers has no more.
MOST_NODES = 10**4


def load(
    path: str | os.PathLike[str],
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
        _need_few_nodes(model)
        if model.functions:
            model = _inlined(model)
        # Overflow and nan are reported where they occur.
        with np.errstate(over="ignore", invalid="ignore"):
            return graph.lowered(model, Path(path).parent, output, shape)
    except (DecodeError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"{shown(Path(path))} is no ONNX model, or was cut off: {said(error)}") from None
    except (graph.Unread, ValueError) as error:
        raise ValueError(f"{shown(Path(path))}: {cut(str(error), LONGEST_REASON)}") from None


def _inlined(model: Any) -> Any:
    """The model with its own functions written out."""
    from onnx import inliner

    try:
        return inliner.inline_local_functions(model)
    except Exception as error:  # RuntimeError, or one of several of the package's own
        raise ValueError(f"its functions must fit their calls: {said(error)}") from None


def _content(path: Path) -> bytes:
    """The bytes of a file, unpacked; by parts, as a buffer for the largest file may be more than there is."""
    content, most = bytearray(), LARGEST_FILE
    packed = path.suffix.lower() == ".gz"
    if packed:
        most = min(most, max(SMALL_FILE, MOST_PACKED * path.stat().st_size))
    with gzip.open(path) if packed else path.open("rb") as file:
        while part := file.read(PART):
            content += part
            if len(content) > most:
                raise ValueError(f"it must have at most {most} bytes{' unpacked' * packed}")
    return bytes(content)


def _need_few_nodes(model: Any) -> None:
    """Count the nodes of a model with its functions written out, before they are.

    Functions call functions, so that a file of some kilobytes may stand for millions of nodes.
    """
    functions = {(each.domain, each.name): each.node for each in model.functions}
    known: dict[tuple[str, str], int] = {}
    # Depth first; a call that is open, and not known yet, is part of a circle.
    open_: dict[tuple[str, str], None] = {}

    def count(nodes: Sequence[Any]) -> int:
        total = 0
        for node in nodes:
            name = node.domain, node.op_type
            total += known[name] if name in functions else 1
            if total > MOST_NODES:
                raise ValueError(f"it must have at most {MOST_NODES} nodes with its functions written out")
        return total

    todo = list(functions)
    while todo:
        name = todo[-1]
        if name in known:
            open_.pop(todo.pop(), None)
            continue
        open_[name] = None
        called = dict.fromkeys((node.domain, node.op_type) for node in functions[name])
        missing = [each for each in called if each in functions and each not in known]
        if circle := [each for each in missing if each in open_]:
            raise ValueError(f"functions must not call each other in a circle; got {circle[0][1]!r}")
        if missing:
            todo += missing
        else:
            known[name] = count(functions[name])
    count(model.graph.node)
