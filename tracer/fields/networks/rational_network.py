"""A piecewise linear network at rational points, in exact fractions.

Every value has an upper bound of its change within a given distance from the point: the sum of |weights|
times the bounds of the layer's inputs, times the steepest slope of the activation.
"""

from fractions import Fraction
from typing import Any, NamedTuple

from tracer.enclosures.functions.piecewise_linear import PiecewiseLinear
from tracer.fields.networks.network import Network

Point = tuple[Fraction, Fraction]


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

    def __init__(
        self, layers: list[tuple[list[list[Fraction]], list[Fraction], PiecewiseLinear | None]]
    ) -> None:
        self._layers = layers
        self._known: dict[Any, Exact] = {}

    @classmethod
    def of(cls, network: Network) -> "RationalNetwork | None":
        """The rational network of a network; None if it has smooth activations, or weights with radii."""
        layers = []
        for layer in network.layers:
            form = layer.function.bounds
            piecewise_linear = layer.function.is_linear or isinstance(form, PiecewiseLinear)
            if not piecewise_linear or layer.weight_radius.any() or layer.bias_radius.any():
                return None
            rows = [[Fraction(w) for w in row] for row in layer.weight.tolist()]
            bias = [Fraction(b) for b in layer.bias.tolist()]
            layers.append((rows, bias, form if isinstance(form, PiecewiseLinear) else None))
        return cls(layers)

    def at(self, x: Point, reach: Point = (Fraction(0), Fraction(0))) -> Exact:
        """Values at the point `x`, and bounds of their changes within `reach` along each coordinate."""
        if (x, reach) not in self._known:
            self._known[x, reach] = self._at(list(x), list(reach))
        return self._known[x, reach]

    def _at(self, values: list[Fraction], reach: list[Fraction]) -> Exact:
        heights, heights_reach = [], []
        for rows, bias, kinked in self._layers:
            values = [_sum(row, values) + b for row, b in zip(rows, bias, strict=True)]
            reach = [_sum([abs(w) for w in row], reach) for row in rows]
            if kinked is not None:
                for kink in kinked.kinks:
                    heights += [z - Fraction(kink) for z in values]
                    heights_reach += reach
                values = [_value(kinked, z) for z in values]
                steepest = Fraction(max(map(abs, kinked.slopes)))
                reach = [steepest * r for r in reach]
        return Exact(values, heights, reach, heights_reach)


def _sum(row: list[Fraction], values: list[Fraction]) -> Fraction:
    return sum((w * v for w, v in zip(row, values, strict=True) if w and v), Fraction(0))


def _value(kinked: PiecewiseLinear, z: Fraction) -> Fraction:
    """The function at z: the sum of each side's slope times its length between 0 and z."""
    kinks = [Fraction(kink) for kink in kinked.kinks]
    total = Fraction(0)
    for slope, low, high in zip(kinked.slopes, [None, *kinks], [*kinks, None], strict=True):
        ends = [max(t, low) if low is not None else t for t in (Fraction(0), z)]
        start, end = (min(t, high) if high is not None else t for t in ends)
        total += Fraction(slope) * (end - start)
    return total
