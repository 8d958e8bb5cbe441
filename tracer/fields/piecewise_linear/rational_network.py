"""A piecewise linear network at rational points, in exact fractions.

Every value has an upper bound of its change within a given distance from the point: the sum of |weights|
times the bounds of the layer's inputs, times the steepest slope of the activation.
"""

from fractions import Fraction
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from tracer.arrays import Matrix
from tracer.enclosures.functions.piecewise_linear import PiecewiseLinear
from tracer.fields.networks.network import Network

Point = tuple[Fraction, Fraction]
# The numbers of a row that are not 0, with their columns.
Row = list[tuple[int, Fraction]]


class Exact(NamedTuple):
    """A network's exact values at a point.

    Attributes
    ----------
    outputs : list of Fraction
    heights : list of Fraction
        Each neuron's pre-activation minus each of its kinks.
    outputs_reach, heights_reach : list of Fraction
        Upper bounds of the changes of `outputs` and `heights` within the given distance.
    """

    outputs: list[Fraction]
    heights: list[Fraction]
    outputs_reach: list[Fraction]
    heights_reach: list[Fraction]


class RationalNetwork:
    """A network of two inputs whose layers are linear between kinks, with exact weights."""

    def __init__(self, layers: list[tuple[list[Row], list[Fraction], list[PiecewiseLinear | None]]]) -> None:
        self._layers = layers
        self._known: dict[Any, Exact] = {}

    @classmethod
    def of(cls, network: Network) -> "RationalNetwork | None":
        """The rational network of a network; None if it has smooth activations, or weights with radii."""
        layers = []
        for layer in network.layers:
            functions: list[PiecewiseLinear | None] = []
            for part, row in layer.parts:
                function = row.bounds if isinstance(row.bounds, PiecewiseLinear) else None
                if function is None and not row.is_linear:
                    return None
                functions += [function] * (part.stop - part.start)
            if not layer.exact:
                return None
            layers.append((_rows(layer.weight), [Fraction(b) for b in layer.bias.tolist()], functions))
        return cls(layers)

    def at(self, x: Point, reach: Point = (Fraction(0), Fraction(0))) -> Exact:
        """Values at the point `x`, and bounds of their changes within `reach` along each coordinate."""
        if (x, reach) not in self._known:
            self._known[x, reach] = self._at(list(x), list(reach))
        return self._known[x, reach]

    def _at(self, values: list[Fraction], reach: list[Fraction]) -> Exact:
        heights, heights_reach = [], []
        for rows, bias, functions in self._layers:
            values = [_sum(row, values) + b for row, b in zip(rows, bias, strict=True)]
            reach = [_sum([(k, abs(w)) for k, w in row], reach) for row in rows]
            for neuron, function in enumerate(functions):
                if function is None:
                    continue
                heights += [values[neuron] - Fraction(kink) for kink in function.kinks]
                heights_reach += [reach[neuron]] * len(function.kinks)
                values[neuron] = _value(function, values[neuron])
                reach[neuron] *= Fraction(max(map(abs, function.slopes)))
        return Exact(values, heights, reach, heights_reach)


def _rows(weight: Matrix) -> list[Row]:
    """The rows of a weight."""
    if isinstance(weight, np.ndarray):
        return [[(k, Fraction(w)) for k, w in enumerate(row) if w] for row in weight.tolist()]
    numbers = [(k, Fraction(w)) for k, w in zip(weight.indices.tolist(), weight.data.tolist(), strict=True)]
    return [numbers[start:end] for start, end in pairwise(weight.indptr.tolist())]


def _sum(row: Row, values: list[Fraction]) -> Fraction:
    return sum((w * values[k] for k, w in row if values[k]), Fraction(0))


def _value(kinked: PiecewiseLinear, z: Fraction) -> Fraction:
    """The function at z: the sum of each side's slope times its length between 0 and z."""
    kinks = [Fraction(kink) for kink in kinked.kinks]
    total = Fraction(0)
    for slope, low, high in zip(kinked.slopes, [None, *kinks], [*kinks, None], strict=True):
        ends = [max(t, low) if low is not None else t for t in (Fraction(0), z)]
        start, end = (min(t, high) if high is not None else t for t in ends)
        total += Fraction(slope) * (end - start)
    return total
