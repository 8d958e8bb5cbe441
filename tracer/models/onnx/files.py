"""ONNX files, plain or packed with gzip.

The package `onnx` only parses the file; nothing in a file is executed. Weights in an external file are read
if that file lies in the same folder, or below. The network is the real function of the stored weights:
float32 runtimes differ from it by their rounding errors.
"""

import gzip
import os
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tracer.fields.checks import said
from tracer.fields.files.budget import STEP, Budget, draw, reading
from tracer.fields.networks.network import Network
from tracer.models.onnx import graph

# Protocol buffers, and so ONNX files, have at most so many bytes: no file is unpacked further.
LARGEST_FILE = 2**31
# A file is unpacked so many bytes at a time.
PART = 2**20


def load(
    path: str | os.PathLike[str],
    output: str | int | None = None,
    shape: Sequence[int] | Mapping[str, Sequence[int]] | None = None,
) -> Network:
    """Read a network from an ONNX file, as `tracer.load` does; it is unpacked if its name ends in ``.gz``.

    The network's inputs are the entries of the graph's inputs for one point, one after another in C order,
    without inputs that the output does not need. Errors name the node.
    """
    try:
        import onnx
    except ImportError:
        raise ImportError(f"reading {os.fspath(path)} needs the package onnx: pip install onnx") from None
    from google.protobuf.message import DecodeError

    with reading(path, "an ONNX network") as (file, budget):
        try:
            model = onnx.load_model_from_string(_content(file))
        except (DecodeError, gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise ValueError(f"it is no ONNX model, or was cut off: {said(error)}") from None
        need_few_nodes(model, budget)
        if model.functions:
            model = _inlined(model)
        # Overflow and nan are reported where they occur.
        with np.errstate(over="ignore", invalid="ignore"):
            return graph.lowered(model, file.parent, output, shape)


def _inlined(model: Any) -> Any:
    """The model with its own functions written out."""
    from onnx import inliner

    try:
        return inliner.inline_local_functions(model)
    except Exception as error:  # RuntimeError, or one of the package's own exceptions
        raise ValueError(f"its functions must fit their calls: {said(error)}") from None


def _content(path: Path) -> bytes:
    """The bytes of a file, unpacked; each byte draws a number, as gzip packs zeros to a thousandth."""
    parts, total = [], 0
    with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
        while part := file.read(PART):
            draw(len(part))
            parts.append(part)
            total += len(part)
            if total > LARGEST_FILE:
                raise ValueError(f"it must have at most {LARGEST_FILE} bytes unpacked")
    return b"".join(parts)


def need_few_nodes(model: Any, budget: Budget) -> None:
    """Raise a ValueError if a model has too many nodes for its file, once its functions are written out.

    Functions call functions, so that a file of some kilobytes may stand for millions of nodes: they are
    counted before they are written out.
    """
    most = budget.left // STEP
    functions = {(each.domain, each.name): each.node for each in model.functions}
    known: dict[tuple[str, str], int] = {}
    # Depth first: a function that calls one whose count has begun, but is not known yet, is in a circle.
    open_: dict[tuple[str, str], None] = {}

    def count(nodes: Sequence[Any]) -> int:
        total = 0
        for node in nodes:
            name = node.domain, node.op_type
            total += known[name] if name in functions else 1
            if total > most:
                raise ValueError(f"it must have at most {most} nodes with its functions written out")
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
