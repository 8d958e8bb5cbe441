"""Arcs cut at kinks, where a pre-activation z passes a kink of its activation; smooth in between.

If the ends of an arc lie on different sides of a neuron's kink, it is cut where F = 0 and z = kink. This
point is found by Newton's method on the extension of F and z from the region before the kink; if that fails,
in the bracket of τ that the arc is. Dips inside arcs are searched for before the arcs are followed, and again
on their polynomials. So the parts between cuts are smooth, and are followed to full order on both sides of a
kink.
"""

from typing import Any

import numpy as np

from tracer.arrays import Array, Indices, Mask, cross, dot, lengths, turned, within
from tracer.curves.arcs.dips import dips_between, dips_of
from tracer.curves.pieces import Pieces
from tracer.curves.prediction.batch import ArcBatch, can_be_halved, solve_in_brackets
from tracer.curves.prediction.collocation import stacked_pieces
from tracer.equations.zeros import newton, solve
from tracer.fields.box import Box
from tracer.fields.field import EnclosedField
from tracer.fields.piecewise_linear.linear_regions import ActivationRegions, Extension, Pattern

MOST_ROUNDS = 64
MOST_DIPS = 8
NEWTON_STEPS = 8
# Upper limit of Newton's last step, in box units.
CONVERGED = 1e-12
# A step of this size is rounding.
SETTLED = 1e-16
# A kink closer to an arc's end than this share of the arc counts as at the end.
AT_END = 1e-12


def smooth_pieces(
    field: EnclosedField,
    regions: ActivationRegions,
    box: Box,
    stack: ArcBatch,
    tolerance: float,
    deadline: float,
) -> tuple[ArcBatch, Pieces, Mask]:
    """Follow arcs of a field with these `regions` as polynomials, cut at the kinks; see `stacked_pieces`."""
    stack = _cut(regions, box, stack)
    for _ in range(MOST_DIPS if len(stack) else 0):
        which, beyond = dips_between(regions, box, stack)
        if not which.any():
            break
        stack = _cut_in_dips(regions, box, stack, which, beyond)
    stack, pieces, good = stacked_pieces(field, box, stack, tolerance, deadline)
    for _ in range(MOST_DIPS if good.all() else 0):
        which, beyond = dips_of(regions, box, stack, pieces)
        if not which.any():
            break
        stack = _cut_in_dips(regions, box, stack, which, beyond)
        stack, pieces, good = stacked_pieces(field, box, stack, tolerance, deadline)
    return stack, pieces, good


def _cut_in_dips(
    regions: ActivationRegions, box: Box, stack: ArcBatch, which: Mask, beyond: Array
) -> ArcBatch:
    """Cut some arcs at a point each `beyond` (k, 2) the kink of a dip, and all arcs at their kinks."""
    sides = regions.sides(beyond, stack.direction[which])
    stack, _ = stack.cut(which, beyond[:, None], regions.at(beyond, sides).gradient[:, None])
    return _cut(regions, box, stack)


def _cut(regions: ActivationRegions, box: Box, stack: ArcBatch) -> ArcBatch:
    """Cut arcs at the kinks between ends with different activation patterns.

    In each round one neuron of every such arc passes its kink at a point x on the arc from P to Q::

        P ------ x ------ Q  inside: the arc is cut; the neuron has its old phase before x, its new one behind
        x --------------- Q  at the start, or not found: the neuron has its new phase from P on
        P --------------- x  at the end: the neuron has its old phase up to Q
    """
    before, after = (regions.sides(x, stack.direction) for x in (stack.start, stack.end))
    for _ in range(MOST_ROUNDS):
        cut = (before != after).any(axis=1) & can_be_halved(box, stack)
        if not cut.any():
            break
        arcs, old, new = stack[cut], before[cut], after[cut]
        row, neuron = np.arange(len(arcs)), (old != new).argmax(axis=1)
        up = new[row, neuron] > old[row, neuron]
        x = _meeting(regions, box, arcs, old, neuron, up)
        inside, at_end = _position(arcs, x)
        here = _sides_at_cut(regions, box, x, arcs.direction, old)
        here[row, neuron] = old[row, neuron]
        there = here.copy()
        there[row, neuron] += np.where(up, 1, -1).astype(np.int8)
        phase = np.flatnonzero(cut), neuron
        before[phase] = np.where(inside | at_end, here[row, neuron], there[row, neuron])
        after[phase] = np.where(at_end, here[row, neuron], new[row, neuron])
        cut[cut] = inside
        stack, before, after = _halved(
            regions, stack, cut, x[inside], (here[inside], there[inside]), (before, after)
        )
    return stack


def _position(arcs: ArcBatch, x: Array) -> tuple[Mask, Mask]:
    """Which points (n, 2) lie inside their arcs, and which at their ends; the others are at the starts."""
    start, end = arcs.across()
    tau, margin = cross(x, arcs.direction), AT_END * (end - start)
    at_end = tau > end - margin
    return (tau >= start + margin) & ~at_end, at_end


def _halved(
    regions: ActivationRegions,
    stack: ArcBatch,
    which: Mask,
    x: Array,
    sides: tuple[Pattern, Pattern],
    ends: tuple[Pattern, Pattern],
) -> tuple[ArcBatch, Pattern, Pattern]:
    """Cut some arcs at points `x`, with the activation patterns `sides` just before and just behind them.

    Also returns the activation patterns of all arcs at both `ends`.
    """
    gradients = (regions.at(x, seen).gradient[:, None] for seen in sides)
    stack, index = stack.cut(which, x[:, None], *gradients)
    before, after = (end[index] for end in ends)
    first = np.append(index[1:] == index[:-1], False)[: len(index)]
    second = np.append(False, first[:-1])[: len(index)]
    after[first], before[second] = sides
    return stack, before, after


def _sides_at_cut(regions: ActivationRegions, box: Box, x: Array, towards: Array, before: Pattern) -> Pattern:
    """Activation patterns at points of arcs; for neurons at a kink, to rounding, their phase in `before`."""
    sides = regions.sides(x, towards)
    here = regions.at(x, sides)
    kinks = regions.kinks[np.arange(len(regions.kinks)), np.maximum(sides, before)]
    kept = (np.abs(sides - before) == 1) & (np.abs(here.z - kinks) <= _rounding(here, box))
    return np.where(kept, before, sides)


def _rounding(here: Extension, box: Box) -> Array:
    """How far from a kink a pre-activation counts as at it, (n, N)."""
    return CONVERGED * np.hypot(*(here.partials * box.sides[:, None, None]))


def _meeting(
    regions: ActivationRegions, box: Box, arcs: ArcBatch, sides: Pattern, neuron: Indices, up: Mask
) -> Array:
    """The points (n, 2) of arcs at which one neuron each, in its phase at the start, passes its kink.

    Where it is at its kink at an end, to rounding, perhaps because it is so on a part of the arc, the end.
    """
    row = np.arange(len(arcs))
    kink = regions.kinks[neuron, sides[row, neuron] + up]
    ends = [regions.at(x, sides) for x in (arcs.start, arcs.end)]
    z = [end.z[row, neuron] - kink for end in ends]
    rounding = [_rounding(end, box)[row, neuron] for end in ends]
    at_start, at_end = (np.abs(some) <= less for some, less in zip(z, rounding, strict=True))
    x, between = np.where(at_start[:, None], arcs.start, arcs.end), ~(at_start | at_end)
    if between.any():
        with np.errstate(all="ignore"):
            share = np.clip(np.nan_to_num(z[0] / (z[0] - z[1]), nan=0.5), 0, 1)
        rows: Any = (share, sides, neuron, kink, up)
        x[between] = _crossed(regions, box, arcs[between], *(some[between] for some in rows))
    return x


def _crossed(
    regions: ActivationRegions,
    box: Box,
    arcs: ArcBatch,
    share: Array,
    sides: Pattern,
    neuron: Indices,
    kink: Array,
    up: Mask,
) -> Array:
    """The points of `_meeting`, by Newton's method from these shares of the arcs' chords, or in brackets."""

    def both(x: Array, which: Indices) -> tuple[Array, Array]:
        return regions.at(x, sides[which]).at_kink(neuron[which], kink[which], box.sides)

    x, step, _ = solve(
        both,
        arcs.start + share[:, None] * (arcs.end - arcs.start),
        steps=NEWTON_STEPS,
        scale=box.sides,
        settled=SETTLED,
    )
    start, end = arcs.across()
    tau = cross(x, arcs.direction)
    # The extension of F and F itself must agree there: no other kink lies between.
    found = (lengths(step) <= CONVERGED) & (tau >= start) & (tau <= end)
    found &= within(x, arcs.lower, arcs.upper) & _on_curve(regions, box, x)
    if not found.all():
        x[~found] = _bisected(regions, arcs[~found], neuron[~found], kink[~found], up[~found])
    return x


def _on_curve(regions: ActivationRegions, box: Box, x: Array) -> Mask:
    """Whether points (n, 2) are roots of F itself, not only of its extension from a region."""
    value, gradient = regions.field.value_and_gradient(np.nan_to_num(x))
    with np.errstate(all="ignore"):
        return np.abs(value) <= CONVERGED * lengths(gradient * box.sides)


def _bisected(regions: ActivationRegions, arcs: ArcBatch, neuron: Indices, kink: Array, up: Mask) -> Array:
    """The points of `_meeting`, in the brackets of τ that the arcs are."""

    def beyond(tau: Array, which: Indices) -> tuple[Array, Array]:
        """z − kink, and its rate by τ: ∇z · t / (τ of t), t a tangent of the curve."""
        x, direction = solve_in_brackets(regions.field, arcs[which], tau), arcs.direction[which]
        here = regions.at(x, regions.sides(x, direction))
        values, gradients = here.at_kink(neuron[which], kink[which], np.ones(2))
        tangent = turned(gradients[:, 0])
        with np.errstate(all="ignore"):
            return values[:, 1], dot(gradients[:, 1], tangent) / cross(tangent, direction)

    return solve_in_brackets(regions.field, arcs, newton(beyond, arcs.across(), np.where(up, 1, -1))[0])
