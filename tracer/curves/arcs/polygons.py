"""Polygonal arcs of a piecewise linear field, followed from kink to kink.

In a linear region ∇F is constant: the arc is straight, and every pre-activation z changes along it at a
constant rate. The nearest kink ahead is the next vertex, the solution of two linear equations, F = 0 and
z = kink. There this neuron changes its phase, and the arc continues in the next region, until it reaches the
end given by its chart. All arcs of a batch advance together.

The activation pattern of an arc is stored, never recomputed from the rounded sign of a z that is 0: at a
vertex where several neurons have their kinks they change phase one after the other, in steps of length 0. If
an arc makes no progress, it restarts a little farther on, at a point found in the chart's bracket.
"""

import time
from dataclasses import dataclass, replace

import numpy as np

from tracer.arrays import Array, Indices, Mask, Rows, chunks, cross, lengths, unit_vectors
from tracer.curves.pieces import Pieces
from tracer.curves.prediction.batch import ArcBatch, solve_in_brackets
from tracer.enclosures.functions.piecewise_linear import Pattern
from tracer.equations.zeros import solve_linear
from tracer.fields.box import Box
from tracer.fields.piecewise_linear.linear_regions import ActivationRegions, Extension

# A rate of z below this share of the largest possible one is rounding: the arc runs along such a kink.
PARALLEL = 1e-12
# A step shorter than this, in box units, is no progress; after this many in a row the arc restarts.
NOWHERE = 1e-13
PATIENCE = 24
# The restart skips this share of the rest of the arc; the next restart skips FURTHER times as much.
AHEAD = 1e-9
FURTHER = 32.0
# Vertices closer than this, in box units, are merged.
SAME = 4 * NOWHERE
# The correction of a vertex is at most this, in box units; a larger one would lead to another vertex.
SETTLED = 1e-9
MOST_STEPS = 10_000
# Entries of one array that are processed together: a few such arrays fit into the cache.
TOGETHER = 2**16


def polygonal_pieces(
    regions: ActivationRegions, box: Box, stack: ArcBatch, deadline: float
) -> tuple[ArcBatch, Pieces, bool]:
    """Cut arcs at their vertices into straight parts.

    Returns
    -------
    stack : ArcBatch
        The straight parts, in order.
    pieces : Pieces
        One for each part; the arclength of each starts at 0.
    finished : bool
        Whether all arcs reached their ends before the `deadline`, a time of `time.perf_counter`.
    """
    size = max(64, TOGETHER // max(1, len(regions.kinks)))
    found = [(np.zeros(0, np.intp), np.zeros((0, 2)), np.zeros((0, 2)))]
    finished = True
    for chunk in chunks(len(stack), size):
        follower = _Follower(regions, box, stack[np.arange(chunk.start, chunk.stop)])
        finished &= follower.run(deadline)
        found += [(chunk.start + arc, x, gradient) for arc, x, gradient in follower.found]
    arc, x, gradient = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.argsort(arc, kind="stable")
    arc, start, end, gradient = _parts(box, stack, arc[order], x[order], gradient[order])
    straight = stack[arc]
    straight.start[:], straight.end[:] = start, end
    straight.start_gradient[:] = straight.end_gradient[:] = gradient
    return straight, Pieces.lines(start, end), finished


def _parts(
    box: Box, stack: ArcBatch, arc: Indices, x: Array, gradient: Array
) -> tuple[Indices, Array, Array, Array]:
    """The parts that start at `x`, without parts that are too short: arc, start, end, ∇F."""
    _, last = _outer(arc)
    far = box.distance(x, np.where(last[:, None], stack.end[arc], np.roll(x, -1, axis=0))) > SAME
    some = np.bincount(arc[far], minlength=len(stack)) > 0
    kept = far | (last & ~some[arc])
    arc, x, gradient = arc[kept], x[kept], gradient[kept]
    first, last = _outer(arc)
    start = np.where(first[:, None], stack.start[arc], x)
    return arc, start, np.where(last[:, None], stack.end[arc], np.roll(start, -1, axis=0)), gradient


def _outer(arc: Indices) -> tuple[Mask, Mask]:
    """Which parts are the first, and which the last, of their arcs."""
    change = arc[1:] != arc[:-1]
    return np.append(True, change)[: len(arc)], np.append(change, True)[: len(arc)]


@dataclass(frozen=True, eq=False)
class _March(Rows):
    """The arcs that have not reached their ends, m of them.

    Attributes
    ----------
    arc : ndarray of int, shape (m,)
    x : ndarray, shape (m, 2)
        Their current points.
    sides, last : ndarray of int8, shape (m, N)
        Their activation patterns there, and at their ends.
    neuron : ndarray of int, shape (m,)
        The neuron whose kink they are at; −1 for none.
    kink : ndarray, shape (m,)
        The value of z at that kink.
    idle, skip : ndarray, shape (m,)
        The number of consecutive steps without progress, and the share to skip at the next restart.
    """

    arc: Indices
    x: Array
    sides: Pattern
    last: Pattern
    neuron: Indices
    kink: Array
    idle: Indices
    skip: Array


class _Follower:
    """Follows arcs from kink to kink; `found` are the parts so far: arc, start, ∇F."""

    def __init__(self, regions: ActivationRegions, box: Box, stack: ArcBatch) -> None:
        self.regions, self.box, self.stack = regions, box, stack
        self.found: list[tuple[Indices, Array, Array]] = []

    def run(self, deadline: float) -> bool:
        """Follow all arcs to their ends, or until the `deadline`; returns whether all reached their ends."""
        march = self._start()
        for _ in range(MOST_STEPS):
            if not len(march):
                break
            # At least one step is made, so that every arc has a part.
            march = self._step(march)
            if time.perf_counter() >= deadline:
                break
        return not len(march)

    def _start(self) -> _March:
        n, ends = len(self.stack), np.concatenate([self.stack.start, self.stack.end])
        sides, last = np.split(self.regions.sides(ends, np.concatenate([self.stack.direction] * 2)), 2)
        none, zero = np.full(n, -1), np.zeros(n)
        x, idle = self.stack.start.copy(), np.zeros(n, dtype=np.intp)
        return _March(np.arange(n), x, sides, last, none, zero, idle, np.full(n, AHEAD))

    def _step(self, march: _March) -> _March:
        """Advance each arc to the next kink, or retire it at its end."""
        here = self.regions.at(march.x, march.sides)
        march = self._snap(march, here)
        self.found.append((march.arc, march.x, here.gradient))
        g = here.gradient * self.box.sides
        ahead = unit_vectors(np.stack([g[:, 1], -g[:, 0]], axis=1)) * self.box.sides
        direction, end = self.stack.direction[march.arc], self.stack.end[march.arc]
        tau, forward = cross(march.x, direction), cross(ahead, direction)
        rest = cross(end, direction) - tau
        step, neuron, up = self._next_kink(march, here, ahead)
        at_end = (rest <= 0) | ((forward > 0) & ~(step * forward < rest))
        march = self._advance(march, step, ahead, neuron, up)
        # If τ does not grow, the activation pattern is wrong for this arc.
        lost = ~at_end & ((march.idle > PATIENCE) | (~(forward > 0) & ~(step <= NOWHERE)))
        if lost.any():
            self._restart(march, lost, tau[lost], rest[lost])
        return march[~at_end] if at_end.any() else march

    def _snap(self, march: _March, here: Extension) -> _March:
        """Correct every arc that is at a kink, so that F = 0 and z = kink."""
        if (march.neuron < 0).all():
            return march
        values, gradients = here.at_kink(np.maximum(march.neuron, 0), march.kink, self.box.sides)
        move = -solve_linear(gradients, values)
        near = (march.neuron >= 0) & (lengths(move) <= SETTLED)
        move = np.where(near[:, None], move, 0.0) * self.box.sides
        here.z[:] += _along(move, here.partials)
        return replace(march, x=march.x + move)

    def _next_kink(self, march: _March, here: Extension, ahead: Array) -> tuple[Array, Indices, Mask]:
        """The step to the next kink, the neuron that it belongs to, and whether z grows there."""
        rate = _along(ahead, here.partials)
        most = _along(np.broadcast_to(self.box.sides, ahead.shape), np.abs(here.partials))
        up = rate > 0
        with np.errstate(all="ignore"):
            step = self.regions.kink(march.sides + up)
            step -= here.z
            step /= rate
        # A neuron with another phase at the end passes its kink, at whatever rate.
        passes = np.abs(rate) > PARALLEL * most
        passes |= (march.sides != march.last) & (step > 0)
        step = np.where(passes, np.maximum(step, 0.0), np.inf)
        neuron = step.argmin(axis=1)
        row = np.arange(len(neuron))
        return step[row, neuron], neuron, up[row, neuron]

    def _advance(self, march: _March, step: Array, ahead: Array, neuron: Indices, up: Mask) -> _March:
        """Move each arc to its next kink, where the neuron changes its phase."""
        row, sides = np.arange(len(step)), march.sides.copy()
        kink = self.regions.kinks[neuron, sides[row, neuron] + up]
        sides[row, neuron] += np.where(up, 1, -1).astype(np.int8)
        x = march.x + np.where(np.isfinite(step), step, 0.0)[:, None] * ahead
        idle = np.where(step > NOWHERE, 0, march.idle + 1)
        return replace(march, x=x, sides=sides, neuron=neuron, kink=kink, idle=idle)

    def _restart(self, march: _March, lost: Mask, tau: Array, rest: Array) -> None:
        """Restart arcs without progress a little farther on."""
        arcs = self.stack[march.arc[lost]]
        share = np.minimum(march.skip[lost], 0.5)
        march.x[lost] = solve_in_brackets(self.regions.field, arcs, tau + share * rest)
        march.sides[lost] = self.regions.sides(march.x[lost], arcs.direction)
        march.neuron[lost], march.idle[lost] = -1, 0
        march.skip[lost] *= FURTHER


def _along(move: Array, partials: Array) -> Array:
    """The change of z, (m, N), along `move` (m, 2), given its `partials` (2, m, N)."""
    change = move[:, :1] * partials[0]
    change += move[:, 1:] * partials[1]
    return change
