"""Networks without neurons that do nothing: constant on a plane, or 0 or unused on neighbouring cells.

A relaxation on the hull of the cells proves on which side of its kink a neuron is. On a side where its
function is 0, as a relu left of 0, it is exactly 0 at every point of the cells: without it the network is the
same function there. Deep inside a region most neurons of a wide layer are 0. Where relu(a − b) of a maximum
b + relu(a − b) is 0, no later neuron needs a: so it is left out too, and whatever only a needs.

On a plane through images neurons that see only pixels which all of them share are constant, and so are later
neurons that depend on these alone. Their values are part of the next layer's bias.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tracer.arrays import Array, Indices, Mask, Signs
from tracer.enclosures import rounding
from tracer.enclosures.affine_map import AffineMap, cut
from tracer.enclosures.forms.relaxation import Relaxation
from tracer.fields.networks.activations import Activation, Parts, mixed
from tracer.fields.networks.layer import Layer

# A layer is used as it is if more than this share of its neurons would be kept: making a part takes time.
MOST_KEPT = 0.9
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
            layer.affine.part(kept, inputs),
            parts[0][1] if len(parts) == 1 else mixed(tuple(parts)),
            tuple(parts),
            (leader[duplicate[kept]], sign[kept]),
        )


def active_layers(layers: Sequence[Layer], lower: Array, upper: Array) -> list[ActiveLayer]:
    """The network without the neurons that do nothing on all cells with corners (k, 2).

    These are 0 there, or no later neuron needs them. Of layers that would keep nearly all, all are kept.
    """
    form = Relaxation(lower.min(axis=0, keepdims=True), upper.max(axis=0, keepdims=True))
    active = list[Mask]()
    for layer in layers:
        form.affine(layer.affine)
        kept = np.ones(layer.outputs, dtype=bool)
        if not layer.function.is_linear:
            assert layer.function.bounds is not None
            form.apply(layer.function.bounds)
            kept = ~form.zeros()[0]
        active.append(kept)
    for k in range(len(layers) - 1, -1, -1):
        if k < len(layers) - 1:
            active[k] &= _used(layers[k + 1].weight, active[k + 1])
        if np.count_nonzero(active[k]) > MOST_KEPT * len(active[k]):
            active[k][:] = True
        # A layer has at least one output.
        active[k][0] |= not active[k].any()
    inputs = [np.ones(layers[0].inputs, dtype=bool), *active]
    return [ActiveLayer.of(*some) for some in zip(layers, active, inputs, strict=False)]


def _used(weight: Any, outputs: Mask) -> Mask:
    """Which inputs some outputs of a sparse weight depend on; all of those of an array."""
    if isinstance(weight, np.ndarray):
        return np.ones(weight.shape[1], dtype=bool)
    return np.bincount(weight[np.flatnonzero(outputs)].indices, minlength=weight.shape[1]) > 0


def without_constants(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """The same network without the hidden neurons whose weights are all exactly 0."""
    found = []
    inputs, value, error = np.ones(layers[0].inputs, dtype=bool), np.zeros(0), np.zeros(0)
    for number, given in enumerate(layers, 1):
        layer = given if inputs.all() else _with_constants(given, inputs, value, error)
        kept = np.asarray(abs(layer.weight).sum(axis=1) + layer.weight_radius.sum(axis=1)) > 0
        # The outputs stay, and of a hidden layer at least one.
        kept |= number == len(layers)
        kept[0] |= not kept.any()
        value, error = layer.bias[~kept], layer.bias_radius[~kept]
        if not kept.all():
            bounds = layer.rows(*np.flatnonzero(~kept).tolist()).function.bounds
            assert bounds is not None
            value, error = (part[0] for part in bounds.at(value[None], error[None]))
            layer = layer.rows(*np.flatnonzero(kept).tolist())
        found.append(layer)
        inputs = kept
    return tuple(found)


def _with_constants(layer: Layer, inputs: Mask, value: Array, error: Array) -> Layer:
    """A layer as a function of some `inputs`; the others have a constant `value`, with an error bound."""
    every = np.ones(layer.outputs, dtype=bool)
    W, r = cut((layer.weight, layer.weight_radius), every, inputs)
    b, s = layer.bias, layer.bias_radius
    # Inputs that are exactly 0 add nothing, not even a rounding error.
    some = np.flatnonzero((value != 0) | (error != 0))
    if len(some):
        which = np.flatnonzero(~inputs)[some]
        V, v = layer.weight[:, which], layer.weight_radius[:, which]
        moved, radius = rounding.product(V, v, value[some, None])
        # Of the error: |W| e is a product with a radius too.
        size, rest = rounding.product(abs(V), v, error[some, None])
        b, s = rounding.total(b, s, moved[:, 0], ((radius + size + rest) * rounding.UP)[:, 0])
    return layer.with_weights(W, b, r, s)


def neighbours(lower: Array, upper: Array) -> Indices:
    """An order of cells (k, 2) in which neighbours are near each other: along a Morton curve."""
    center = 0.5 * lower + 0.5 * upper
    least = center.min(axis=0)
    span = center.max(axis=0) - least
    place = ((center - least) / np.where(span > 0, span, 1.0) * (2**BITS - 1)).astype(np.int64)
    bits = (place[:, :, None] >> np.arange(BITS)) & 1
    return np.argsort((bits * 4 ** np.arange(BITS)).sum(axis=2) @ [2, 1], kind="stable")
