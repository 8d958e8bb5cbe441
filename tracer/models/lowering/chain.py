"""Graphs of affine maps and activations as chains of layers.

Layer k computes the sources of level k. Entries of older sources that a later layer needs pass through it:
rows of the identity, without activation. Entries that no later layer needs are left out, and so are inputs
that the output does not depend on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from tracer.arrays import Array, Indices
from tracer.fields.files.budget import STEP, draw
from tracer.fields.networks.activations import TABLE
from tracer.fields.networks.layer import Layer
from tracer.fields.networks.network import Network
from tracer.models.lowering.affine import Affine, Source
from tracer.models.lowering.matrix import Matrix

# The name of an activation, its number of neurons, and its parameter if it has one.
Block = tuple[str, int] | tuple[str, int, float]


@dataclass(frozen=True, eq=False)
class Step:
    """The numbers of a layer: ``weight``, ``bias`` with a radius, and blocks of activations."""

    weight: Matrix
    bias: Array
    bias_radius: Array
    blocks: tuple[Block, ...]

    def layer(self) -> Layer:
        """The layer of these numbers; a sparse weight stays sparse."""
        W, r = self.weight.arrays() if self.weight.places is None else self.weight.csr()
        radii: dict[str, Any] = {"weight_radius": r, "bias_radius": self.bias_radius}
        (name, _, *parameter), *others = self.blocks
        if others:
            return Layer(W, self.bias, self.blocks, **radii)
        given: dict[str, Any] = {str(TABLE[name].parameter): number for number in parameter}
        return Layer(W, self.bias, name, **given, **radii)


def network(output: Affine, inputs: Sequence[Affine]) -> Network:
    """The network of a graph from its inputs, one after another, to its output.

    Raises
    ------
    ValueError
        If a softmax stands before the end, or the output depends on no input.
    """
    return Network([step.layer() for step in steps(output, inputs)])


def steps(output: Affine, inputs: Sequence[Affine]) -> list[Step]:
    """The layers from the inputs that the output depends on to the output."""
    last = output.as_source
    if last is None or last.affine is None:
        last = Source(output.outputs, output)
    uses = _last_uses(last)
    alive = {s: np.arange(s.size) for x in inputs if (s := x.as_source) is not None and s in uses}
    if not alive:
        raise ValueError("its output does not depend on its input")
    levels = {
        level: sorted(group, key=lambda source: (source.activation == "linear", _block(source)))
        for level, group in groupby(sorted(uses, key=lambda source: source.level), lambda s: s.level)
    }
    for source in uses:
        if TABLE[source.activation].couples and source is not last:
            raise ValueError(
                f"{source.activation} must be the last layer's activation; got it in layer {source.level - 1}"
            )
    found = []
    for level in sorted(levels.keys() - {0}):
        new = {source: np.flatnonzero(uses[source]) for source in levels[level]}
        carried = {source: some[uses[source][some] > level] for source, some in alive.items()}
        carried = {source: some for source, some in carried.items() if len(some)}
        rows = [(_block(s), s.affine.taken(some)) for s, some in new.items() if s.affine is not None]
        rows += [(("linear",), Affine.of(source).taken(some)) for source, some in carried.items()]
        found.append(_step(rows, alive))
        alive = {**new, **carried}
    return found


def _last_uses(last: Source) -> dict[Source, Indices]:
    """For each entry of each source the highest level that uses it; 0 if none does."""
    uses = {last: np.full(last.size, last.level + 1)}
    open_ = [last]
    while open_:
        # The source of the highest level comes first: then all sources that use it have been visited.
        source = open_.pop(max(range(len(open_)), key=lambda k: open_[k].level))
        if source.affine is None:
            continue
        for before, matrix in source.affine.taken(np.flatnonzero(uses[source])).terms.items():
            if before not in uses:
                uses[before] = np.zeros(before.size, dtype=np.intp)
                open_.append(before)
            uses[before] = np.maximum(uses[before], np.where(matrix.used, source.level, 0))
    return uses


def _block(source: Source) -> tuple:
    """The name of a source's activation, and its parameter if it has one."""
    return (source.activation,) if source.parameter is None else (source.activation, source.parameter)


def _step(rows: list[tuple[tuple, Affine]], alive: dict[Source, Indices]) -> Step:
    """The layer of the `rows`, blocks and affine maps, on the entries `alive` of the sources before it."""
    width, start = sum(map(len, alive.values())), 0
    none = np.zeros(0)
    parts = [(none.astype(np.intp), none, none)]
    columns, ends = {}, np.cumsum([len(some) for some in alive.values()])
    for (source, some), end in zip(alive.items(), ends, strict=True):
        columns[source] = np.zeros(source.size, dtype=np.intp)
        columns[source][some] = np.arange(end - len(some), end)
    for _, affine in rows:
        for source, matrix in affine.terms.items():
            places = (matrix.rows + start) * width + columns[source][matrix.columns]
            parts.append((places, matrix.values, matrix.radii))
        start += affine.outputs
    draw(STEP + sum(len(places) for places, *_ in parts))
    weight = Matrix.of((start, width), *map(np.concatenate, zip(*parts, strict=True)))
    bias, radius = (
        np.concatenate([getattr(affine, name) for _, affine in rows]) for name in ("bias", "bias_radius")
    )
    blocks = []
    for (name, *parameter), group in groupby(rows, key=lambda row: row[0]):
        blocks.append((name, sum(affine.outputs for _, affine in group), *parameter))
    return Step(weight, bias, radius, tuple(blocks))
