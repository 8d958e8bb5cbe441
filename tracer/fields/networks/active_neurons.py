"""A network on a few neighbouring cells, without the neurons that are 0 on all of them.

A relaxation on the hull of the cells proves on which side of its kink a neuron is. On a side where its
function is 0, as a relu left of 0, it is exactly 0 at every point of the cells: without it the network is the
same function there. Deep inside a region most neurons of a wide layer are 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tracer.arrays import Array, Indices, Mask, Signs
from tracer.enclosures.affine_map import AffineMap
from tracer.enclosures.forms.relaxation import Relaxation
from tracer.fields.networks.activations import Activation, Parts, mixed
from tracer.fields.networks.layer import Layer

# Cells are sorted along a curve through a grid of 2 to this power squared.
BITS = 10


@dataclass(frozen=True, eq=False)
class ActiveLayer:
    """A layer without some of its outputs and inputs: what relaxations need of a `Layer`."""

    affine: AffineMap
    function: Activation
    parts: Parts
    duplicates: tuple[Indices, Signs]

    @property
    def outputs(self) -> int:
        """The number of outputs."""
        return len(self.affine.bias)

    @classmethod
    def of(cls, layer: Layer, kept: Mask, inputs: Mask) -> "ActiveLayer":
        """The outputs `kept` (out,) of a layer as functions of some of its `inputs` (in,)."""
        W = _taken(layer.weight, kept, inputs)
        r = 0.0 * W if layer.exact else _taken(layer.weight_radius, kept, inputs)
        parts, start = [], 0
        for part, row in layer.parts:
            stop = start + int(np.count_nonzero(kept[part]))
            if stop > start:
                parts.append((slice(start, stop), row))
            start = stop
        duplicate, sign = layer.duplicates
        # Duplicates of a neuron that is left out may be kept.
        _, first = np.unique(duplicate[kept], return_index=True)
        leader = np.zeros(len(kept), dtype=np.intp)
        leader[duplicate[kept][first]] = first
        return cls(
            AffineMap(W, layer.bias[kept], r, layer.bias_radius[kept]),
            parts[0][1] if len(parts) == 1 else mixed(tuple(parts)),
            tuple(parts),
            (leader[duplicate[kept]], sign[kept]),
        )


def active_layers(layers: Sequence[Layer], lower: Array, upper: Array) -> list[ActiveLayer]:
    """The network of one output without the neurons that are 0 on all cells with corners (k, 2)."""
    form = Relaxation(lower.min(axis=0, keepdims=True), upper.max(axis=0, keepdims=True))
    found, inputs = [], np.ones(layers[0].inputs, dtype=bool)
    for layer in layers:
        form.affine(layer.affine)
        kept = np.ones(layer.outputs, dtype=bool)
        if not layer.function.is_linear:
            assert layer.function.bounds is not None
            form.apply(layer.function.bounds)
            kept = ~form.zeros()[0]
            # A layer has at least one output.
            kept[0] |= not kept.any()
        found.append(ActiveLayer.of(layer, kept, inputs))
        inputs = kept
    return found


def neighbours(lower: Array, upper: Array) -> Indices:
    """An order of cells (k, 2) in which neighbours are near each other: along a Morton curve."""
    center = 0.5 * lower + 0.5 * upper
    least = center.min(axis=0)
    span = center.max(axis=0) - least
    place = ((center - least) / np.where(span > 0, span, 1.0) * (2**BITS - 1)).astype(np.int64)
    bits = (place[:, :, None] >> np.arange(BITS)) & 1
    return np.argsort((bits * 4 ** np.arange(BITS)).sum(axis=2) @ [2, 1], kind="stable")


def _taken(matrix: Any, rows: Mask, columns: Mask) -> Any:
    """Some rows and columns of an array or a sparse matrix."""
    return matrix[np.flatnonzero(rows)][:, np.flatnonzero(columns)]
