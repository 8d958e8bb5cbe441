"""Dips: places inside an arc where a pre-activation z passes a kink and comes back.

Samples of all z along the arc show dips: a sample beyond the kink, or a parabola through three samples with
its vertex there. The result is a point of the arc beyond the kink: the arc is cut there, so that the ends of
its parts lie on different sides of the kink.

The extension of F across the kink of a z has the same zeros where z = kink, so a dip next to an end may not
show on the polynomial of its arc. But the extension of z from the arc's own region across the kink is smooth:
it is interpolated between the nodes.
"""

import numpy as np

from tracer.arrays import Array, Indices, Mask, chunks, cross
from tracer.curves.pieces import DEGREE, NODES, Pieces, interpolation
from tracer.curves.prediction.batch import ArcBatch, can_be_halved, solve_in_brackets
from tracer.fields.box import Box
from tracer.fields.piecewise_linear.linear_regions import ActivationRegions

# Parts of an arc, at whose ends z is sampled for dips before the arc is followed.
PARTS = 8
# The matrix from values at the nodes to values at the samples of a polynomial.
TO_PLACES = interpolation(np.linspace(-1, 1, 4 * DEGREE + 1))
# z is at its kink if its distance from it is at most this share of the largest along the arc.
AT_KINK = 1e-9
# A parabola counts as a possible dip if its vertex is at most this share of z at an end.
SHALLOW = 0.2
# Entries of one array that are processed together.
TOGETHER = 2**20


def dips_between(regions: ActivationRegions, box: Box, stack: ArcBatch) -> tuple[Mask, Array]:
    """Which arcs show a dip at equal steps of τ, and a point (k, 2) of each of these beyond the kink.

    The ends of each arc have the same activation pattern, except for neurons at kinks.
    """
    start, end = stack.across()
    t = start[:, None] + np.linspace(0, 1, PARTS + 1) * (end - start)[:, None]
    inner = stack[np.repeat(np.arange(len(stack)), PARTS - 1)]
    x = np.empty((*t.shape, 2))
    x[:, 0], x[:, -1] = stack.start, stack.end
    x[:, 1:-1] = solve_in_brackets(regions.field, inner, t[:, 1:-1].ravel()).reshape(len(stack), -1, 2)
    z = regions.preactivations(x.reshape(-1, 2))
    return _shown(regions, box, stack, t, z.reshape(*t.shape, z.shape[1]))


def dips_of(regions: ActivationRegions, box: Box, stack: ArcBatch, pieces: Pieces) -> tuple[Mask, Array]:
    """Which followed arcs show a dip on their polynomials, and a point (k, 2) of each beyond the kink."""
    n, neurons = len(stack), len(regions.kinks)
    x = pieces.at(np.arange(n)[:, None], np.tile(NODES, (n, 1)))[..., :2]
    sides = regions.sides(x[:, len(NODES) // 2], stack.direction)
    z = regions.at(x.reshape(-1, 2), np.repeat(sides, len(NODES), axis=0)).z.reshape(n, len(NODES), neurons)
    t = cross(x.swapaxes(0, 1), stack.direction).T
    return _shown(regions, box, stack, t @ TO_PLACES.T, np.einsum("pj,njm->npm", TO_PLACES, z))


def _shown(regions: ActivationRegions, box: Box, stack: ArcBatch, t: Array, z: Array) -> tuple[Mask, Array]:
    """The dips that z (n, samples, N) shows at τ = `t` (n, samples), each confirmed at a point of the arc."""
    there, points = np.zeros(len(stack), dtype=bool), np.empty((len(stack), 2))
    size = max(1, TOGETHER // max(1, z[:1].size))
    for chunk in chunks(len(stack), size):
        part = np.arange(chunk.start, chunk.stop)
        part = part[can_be_halved(box, stack[part])]
        v, end = _heights(regions, z[part])
        place, column = _deepest(t[part], v)
        some = np.flatnonzero(np.isfinite(place))
        part, end, column = part[some], end[some], column[some]
        points[part] = solve_in_brackets(regions.field, stack[part], place[some])
        beyond = _above_kinks(regions, regions.preactivations(points[part]))
        row = np.arange(len(part))
        there[part] = beyond[row, column] * end[row, column] < 0
    return there, points[there]


def _above_kinks(regions: ActivationRegions, z: Array) -> Array:
    """z (..., N) minus each kink, (..., N p); nan for missing kinks."""
    kinks = np.where(np.isfinite(regions.kinks[:, 1:-1]), regions.kinks[:, 1:-1], np.nan)
    return (z[..., None] - kinks).reshape(*z.shape[:-1], kinks.size)


def _heights(regions: ActivationRegions, z: Array) -> tuple[Array, Array]:
    """z minus each kink, as a share of its value at the end farther from the kink; and that value.

    Shapes (n, samples, N p) and (n, N p).
    """
    z = _above_kinks(regions, z)
    first, last = z[:, 0], z[:, -1]
    end = np.where(np.abs(first) > np.abs(last), first, last)
    small = np.abs(z) <= AT_KINK * np.abs(z).max(axis=1, keepdims=True)
    with np.errstate(all="ignore"):
        return np.where(small, 0.0, z) / end[:, None], end


def _deepest(t: Array, v: Array) -> tuple[Array, Indices]:
    """The τ (n,) of the deepest dip of each arc, nan if there is none, and its column of `v`."""
    at, low = _vertices(t, v)
    inner = v[:, 1:-1]
    # Samples beyond the kink take precedence over parabolas.
    depth = np.where(inner < 0, inner - 1 / SHALLOW, np.where(low < SHALLOW, low, np.inf))
    depth = np.where(np.isnan(depth), np.inf, depth).reshape(len(v), -1)
    place, row = depth.argmin(axis=1), np.arange(len(v))
    at = np.where(inner < 0, t[:, 1:-1, None], at).reshape(len(v), -1)[row, place]
    return np.where(np.isfinite(depth[row, place]), at, np.nan), place % max(1, v.shape[2])


def _vertices(t: Array, v: Array) -> tuple[Array, Array]:
    """The τ and the values of the minima of parabolas through three samples; inf for minima outside these.

    Shapes (n, samples − 2, columns).
    """
    t0, t1, t2 = t[:, :-2, None], t[:, 1:-1, None], t[:, 2:, None]
    v0, v1, v2 = v[:, :-2], v[:, 1:-1], v[:, 2:]
    with np.errstate(all="ignore"):
        slope, next_slope = (v1 - v0) / (t1 - t0), (v2 - v1) / (t2 - t1)
        second = (next_slope - slope) / (t2 - t0)
        at = 0.5 * (t0 + t1) - 0.5 * slope / second
        low = v0 + slope * (at - t0) + second * (at - t0) * (at - t1)
        inside = (second > 0) & ((at - t0) * (t2 - at) > 0)
    return at, np.where(inside, low, np.inf)
