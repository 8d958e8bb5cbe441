"""Kinks on arcs that are smooth between them: where a pre-activation z passes a kink of its activation.

An arc whose ends lie on different sides of a neuron's kink is cut where F = 0 and z = kink meet, found by
Newton's method in the region that the arc comes from, which continues beyond the kink as if there were none;
where that fails, by bisection along the arc. What lies between two cuts is smooth, and is followed to full
order on both sides.
"""

import numpy as np
from numpy.typing import NDArray

from tracer.atlas.charts import across
from tracer.curves.arcs import Stack, can_be_halved, in_bracket
from tracer.fields.box import Box
from tracer.fields.regions import Regions, Sides

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

MOST_ROUNDS = 64
MOST_DIPS = 8
# A parabola whose vertex is no higher than this share of z at an end is looked at.
DIP = 0.2
NEWTON_STEPS = 8
# Newton's last step, in box units.
CONVERGED = 1e-12
BISECTIONS = 60
# A kink nearer to an arc's end than this share of the arc is at the end.
AT_END = 1e-12


def cut_at_kinks(regions: Regions, box: Box, stack: Stack) -> Stack:
    """The arcs cut at their kinks: where their ends lie on different sides, and where a z dips between."""
    stack = _cut(regions, box, stack)
    for _ in range(MOST_DIPS if len(stack) else 0):
        dips, x = _dips(regions, stack)
        if not dips.any():
            break
        gradient = regions.at(x, regions.sides(x)).gradient
        stack = _cut(regions, box, stack.halved(dips, x, gradient)[0])
    return stack


def _cut(regions: Regions, box: Box, stack: Stack) -> Stack:
    """The arcs cut at kinks between ends that lie on different sides."""
    before, after = regions.sides(stack.start), regions.sides(stack.end)
    for _ in range(MOST_ROUNDS):
        cut = (before != after).any(axis=1) & can_be_halved(stack)
        if not cut.any():
            break
        arcs, old, new = stack[cut], before[cut], after[cut]
        row, neuron = np.arange(len(arcs)), (old != new).argmax(axis=1)
        up = new[row, neuron] > old[row, neuron]
        x = _meeting(regions, box, arcs, old, neuron, up)
        start, end = arcs.across()
        tau, margin = across(arcs.direction, x), AT_END * (end - start)
        near_end = tau > end - margin
        inside = (tau >= start + margin) & ~near_end
        # Sides at the cut, seen from before it and from behind it; of other neurons, as they are.
        here = regions.sides(x)
        here[row, neuron] = old[row, neuron]
        there = here.copy()
        there[row, neuron] += np.where(up, 1, -1).astype(np.int8)
        # At an end the neuron is on the other side throughout, or on this one.
        old[row, neuron] = np.where(inside | near_end, old[row, neuron], there[row, neuron])
        new[row, neuron] = np.where(near_end, old[row, neuron], new[row, neuron])
        before[cut], after[cut] = old, new
        which = cut.copy()
        which[cut] = inside
        x, here, there = x[inside], here[inside], there[inside]
        gradients = regions.at(x, here).gradient, regions.at(x, there).gradient
        stack, index = stack.halved(which, x, *gradients)
        before, after = before[index], after[index]
        first = np.append(index[1:] == index[:-1], False)[: len(index)]
        second = np.append(False, first[:-1])[: len(index)]
        after[first], before[second] = here, there
    return stack


def _dips(regions: Regions, stack: Stack) -> tuple[NDArray[np.bool_], Array]:
    """Which arcs pass a kink and come back, and a point of each beyond that kink.

    By the parabola through a z at both ends and the middle, whose vertex is looked at.
    """
    start, end = stack.across()
    middle = in_bracket(regions.field, stack, 0.5 * start + 0.5 * end)
    z = [regions.at(x, regions.sides(middle)).z[..., None] for x in (stack.start, middle, stack.end)]
    first, half, last = (np.reshape(some - regions.kinks[:, 1:-1], (len(stack), -1)) for some in z)
    bend, slope = 2 * (first - 2 * half + last), 4 * half - 3 * first - last
    with np.errstate(all="ignore"):
        at, vertex = -slope / (2 * bend), first - slope * (slope / (4 * bend))
        # One end may be at the kink itself.
        depth = vertex / np.where(np.abs(first) > np.abs(last), first, last)
        depth = np.where((at > 0) & (at < 1) & (depth < DIP), depth, np.inf)
    row, deepest = np.arange(len(stack)), depth.argmin(axis=1)
    dips = np.isfinite(depth[row, deepest]) & can_be_halved(stack)
    share = at[row, deepest][dips]
    arcs = stack[dips]
    x = in_bracket(regions.field, arcs, start[dips] + share * (end - start)[dips])
    sides = regions.sides(x)
    another = ((sides != regions.sides(arcs.start)) & (sides != regions.sides(arcs.end))).any(axis=1)
    dips[dips] = another
    return dips, x[another]


def _meeting(
    regions: Regions, box: Box, arcs: Stack, sides: Sides, neuron: Indices, up: NDArray[np.bool_]
) -> Array:
    """Where on the arcs a neuron each, on its side in `sides` at the start, passes its kink, (n, 2)."""
    row = np.arange(len(arcs))
    kink = regions.kinks[neuron, sides[row, neuron] + up]
    z = [regions.at(x, sides).z[row, neuron] - kink for x in (arcs.start, arcs.end)]
    with np.errstate(all="ignore"):
        share = np.clip(np.nan_to_num(z[0] / (z[0] - z[1]), nan=0.5), 0, 1)
    x, length = arcs.start + share[:, None] * (arcs.end - arcs.start), np.full(len(arcs), np.inf)
    for _ in range(NEWTON_STEPS):
        step = regions.at(x, sides).meeting(neuron, kink, box.sides)
        length = np.hypot(*step.T)
        x = x + np.where(np.isfinite(length), 1.0, np.nan)[:, None] * step * box.sides
    start, end = arcs.across()
    tau = across(arcs.direction, x)
    # The region's own F and the field's must agree there: no other kink lies between.
    found = (length <= CONVERGED) & (tau >= start) & (tau <= end)
    found &= ((x >= arcs.lower) & (x <= arcs.upper)).all(axis=1)
    found &= _on_curve(regions, box, x)
    if not found.all():
        x[~found] = _bisected(regions, arcs[~found], neuron[~found], kink[~found], up[~found])
    return x


def _on_curve(regions: Regions, box: Box, x: Array) -> NDArray[np.bool_]:
    """Whether points (n, 2) are roots of the field itself, not of a region's continuation alone."""
    value, gradient = regions.field.value_and_gradient(np.nan_to_num(x))
    with np.errstate(all="ignore"):
        return np.abs(value) <= CONVERGED * np.hypot(*(gradient * box.sides).T)


def _bisected(regions: Regions, arcs: Stack, neuron: Indices, kink: Array, up: NDArray[np.bool_]) -> Array:
    """The same, by halving the interval of τ."""
    row = np.arange(len(arcs))
    low, high = arcs.across()
    for _ in range(BISECTIONS):
        middle = 0.5 * low + 0.5 * high
        x = in_bracket(regions.field, arcs, middle)
        z = regions.at(x, regions.sides(x)).z[row, neuron]
        passed = (z > kink) == up
        low, high = np.where(passed, low, middle), np.where(passed, middle, high)
    return in_bracket(regions.field, arcs, 0.5 * low + 0.5 * high)
