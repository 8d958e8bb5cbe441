"""One verb for all files: the suffix says which reader."""

import os
from collections.abc import Callable
from pathlib import Path

from tracer.enclosures.arithmetic import in_ieee_arithmetic, refused
from tracer.fields import network_json
from tracer.fields.network import Network
from tracer.models import nnet
from tracer.models.onnx import graph

READERS: dict[str, Callable[[str | os.PathLike], Network]] = {
    ".json": network_json.load,
    ".nnet": nnet.load,
    ".onnx": graph.load,
}


@in_ieee_arithmetic(refused)
def load(path: str | os.PathLike) -> Network:
    """Read a network from a file.

    Parameters
    ----------
    path : path
        ``.json``: ``{"layers": [{"W": out × in, "b": out, "activation": name}, …]}``.
        ``.nnet``: the format of ACAS Xu, with its normalisation; inputs are not clamped to their ranges.
        ``.onnx``: a graph that is a chain of layers; needs the package `onnx`.

    Returns
    -------
    Network
        With float64 copies of the file's numbers. What is folded into weights on the way (normalisation,
        scales, layers without activation) leaves its rounding in their radii.

    Raises
    ------
    ValueError
        If the suffix is unknown, or the file does not hold a network; nothing in a file is executed.
    FileNotFoundError
        If there is no such file.
    ImportError
        If a package is needed that is not installed.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in READERS:
        raise ValueError(f"path must end in one of {', '.join(READERS)}; got {os.fspath(path)!r}")
    if not Path(path).is_file():
        raise FileNotFoundError(f"path must be a file that exists; got {os.fspath(path)!r}")
    return READERS[suffix](path)
