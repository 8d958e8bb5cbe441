"""The .nnet format of ACAS Xu, HorizontalCAS and VerticalCAS [1]_: relu networks with normalisation, as text.

    // comments
    layers, inputs, outputs, widest layer,
    inputs, width, …, outputs,
    a flag that nobody uses,
    minima of the inputs,
    maxima of the inputs,
    means of the inputs, and of all outputs,
    ranges of the inputs, and of all outputs,
    then for each layer its weights, a line for each neuron, and its biases, one in each line.

A network is evaluated at ``(x − mean) / range``, and its output is ``y · range + mean``; both are folded into
the first and the last layer, so inputs and outputs are in physical units. Other evaluators first clamp x to
the minima and maxima; the network read here does not clamp: trace within them.

References
----------
.. [1] K. D. Julian, "NNet", https://github.com/sisl/NNet.
"""

import os
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from tracer.arrays import Array
from tracer.fields.files.budget import STEP, draw, reading
from tracer.fields.networks.network import Network
from tracer.models.lowering import chain
from tracer.models.lowering.affine import Affine


def load(path: str | os.PathLike[str]) -> Network:
    """Read a network from a .nnet file, with its normalisation but without clamping; errors name the line."""
    with reading(path, "a network of .nnet") as (file, _):
        return _network(_Lines(file.read_text(encoding="utf-8")))


def _network(lines: "_Lines") -> Network:
    """The network, after all lines of its file."""
    sizes = _sizes(lines)
    for n, m in pairwise(sizes):
        draw(STEP + 2 * n * m)
    lines.numbers()  # the flag
    minima, maxima = (lines.numbers(sizes[0]) for _ in range(2))
    if not (minima <= maxima).all():
        raise ValueError(f"minima must not lie above maxima; got {minima} and {maxima}")
    means, ranges = (lines.numbers(sizes[0] + 1) for _ in range(2))
    x = Affine.identity(sizes[0])
    y = x.plus(-means[:-1]).over(ranges[:-1])
    for n, m in pairwise(sizes[:-1]):
        y = _layer(lines, y, n, m).activated("relu")
    y = _layer(lines, y, *sizes[-2:]).times(ranges[-1]).plus(means[-1])
    lines.end()
    return chain.network(y, [x])


def _sizes(lines: "_Lines") -> list[int]:
    """The number of inputs, and the number of outputs of each layer."""
    header, sizes = lines.numbers(), lines.numbers()
    whole = [int(size) for size in sizes]
    if whole != sizes.tolist() or min(whole) < 1:
        raise ValueError(f"sizes of layers must be positive integers; got {sizes}")
    if len(header) < 3 or len(whole) < 2 or [len(whole) - 1, whole[0], whole[-1]] != list(header[:3]):
        raise ValueError(
            f"the header must agree with the sizes of the layers; got {header.tolist()} and {whole}"
        )
    return whole


def _layer(lines: "_Lines", x: Affine, n: int, m: int) -> Affine:
    weight = [lines.numbers(n) for _ in range(m)]
    bias = [lines.numbers(1)[0] for _ in range(m)]
    return x.matmul(weight).plus(bias)


class _Lines:
    """An iterator over the lines of a file, without comments."""

    def __init__(self, text: str) -> None:
        self._lines: Iterator[tuple[int, str]] = (
            (k, line.strip())
            for k, line in enumerate(text.splitlines(), start=1)
            if line.strip() and not line.lstrip().startswith("//")
        )

    def numbers(self, count: int | None = None) -> Array:
        """The numbers of the next line, `count` of them; a trailing comma is ignored."""
        k, line = next(self._lines, (0, ""))
        if not k:
            raise ValueError("more lines were expected at the end: the file was cut off")
        try:
            numbers = np.array([float(text) for text in line.rstrip(",").split(",")])
        except ValueError:
            raise ValueError(f"line {k} must hold numbers; got {line[:40]!r}") from None
        if not np.isfinite(numbers).all():
            raise ValueError(f"line {k} must hold finite numbers; got {line[:40]!r}")
        if count is not None and len(numbers) != count:
            raise ValueError(f"line {k} must hold {count} numbers; got {len(numbers)}")
        return numbers

    def end(self) -> None:
        """Raise a ValueError if a line follows the last bias."""
        k, line = next(self._lines, (0, ""))
        if k:
            raise ValueError(f"line {k} comes after the last bias; got {line[:40]!r}")
