"""Departures: where a curve leaves its polynomials unseen, between the places at which both were compared.

A saturated network is as flat as a table but for steep bands, and its boundary is straight but for the
corners where bands cross. A step, or a polynomial, may go straight on over such a corner and meet the same
band behind it: whatever is measured at a few places is perfect. So F is evaluated along all polynomials at
steps of 1/256 of the box, as on a fine lattice, and of a network also where one of its neurons switches
between two such samples. Where F is not 0 the curve has left the polynomial before, and bisection locates
where. A function that is no network may do the same between two samples, and stay unseen.
"""

from typing import Any

import numpy as np

from tracer.arrays import EPS, Array, Indices, Mask, max_norm
from tracer.atlas.edges.roots import point_bounds
from tracer.curves.corrector import newton_step
from tracer.curves.pieces import Pieces
from tracer.fields.box import Box
from tracer.fields.evaluations import Evaluations
from tracer.fields.field import Field, noise_of, unenclosable
from tracer.fields.networks.network import Network

# Steps of the samples, in box units.
SPACING = 1 / 256
# A neuron switches between two samples if its argument changes its sign, and by at least so much.
SWITCHES = 4.0
# A sample is off the curve if its distance to it is more than so many tolerances, and F more than so many
# times its noise, or its rounding where it varies as it does along the polynomials.
TOLERANCES, ROUNDING = 10.0, 1e3
# The directions around a sample in which F keeps its sign then.
AROUND = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]])
# Rounds of cuts into so many parts that locate a departure.
ROUNDS, PARTS = 3, 16


def departed(field: Field, box: Box, pieces: Pieces, tolerance: float) -> tuple[Indices, Array]:
    """Where a curve leaves the polynomials that predict it with an error of `tolerance` (box units).

    Returns
    -------
    piece : ndarray of int, shape (k,)
        The polynomials that it leaves, in order.
    x : ndarray, shape (k, 2)
        Where it first leaves each, nearly.
    """
    place = _places(field, box, pieces)
    off = _off(field, box, pieces.at_places(place)[:, :2], tolerance)
    piece, first = np.unique(place[off].astype(np.intp), return_index=True)
    high = place[off][first]
    low = piece + np.zeros(len(piece))
    before = np.searchsorted(place, high) - 1
    known = (before >= 0) & (place[before] > piece)
    low[known] = place[before[known]]
    for _ in range(ROUNDS if len(piece) else 0):
        at = low + np.arange(PARTS + 1)[:, None] / PARTS * (high - low)
        off = _off(field, box, pieces.at_places(at[1:-1].ravel())[:, :2], tolerance).reshape(PARTS - 1, -1)
        k = np.concatenate([off, np.ones((1, len(piece)), dtype=bool)]).argmax(axis=0)
        low, high = at[k, np.arange(len(piece))], at[k + 1, np.arange(len(piece))]
    return piece, pieces.at_places(high)[:, :2]


def _places(field: Field, box: Box, pieces: Pieces) -> Array:
    """Where samples are taken, (n,), in order: places between the ends of the pieces."""
    number = np.arange(len(pieces))
    start, end = (pieces.at(number, np.full(len(pieces), at))[:, :2] for at in (-1.0, 1.0))
    length = np.nan_to_num(box.distance(start, end))
    many = (np.minimum(length, 1.0) / SPACING).astype(np.intp)
    piece = np.repeat(number, many)
    share = np.arange(1, len(piece) + 1) - np.repeat(np.cumsum(many) - many, many)
    place = piece + share / (many[piece] + 1)
    network = field.field if isinstance(field, Evaluations) else field
    if not isinstance(network, Network):
        return place
    # With the ends of the pieces: the upper ends belong to the next.
    ends: Any = [place, number, number + 1]
    place = np.sort(np.concatenate(ends))
    more: list[Any] = [place]
    z = network.preactivations(box.clip(pieces.at_places(place)[:, :2]))
    for layer, argument in zip(network.layers, z, strict=True):
        if not layer.function.is_linear:
            low, high = argument[:-1], argument[1:]
            between, neuron = np.nonzero((low * high < 0) & (np.abs(high - low) >= SWITCHES))
            low, high = low[between, neuron], high[between, neuron]
            more.append(place[between] + low / (low - high) * np.diff(place)[between])
    place = np.unique(np.concatenate(more))
    return place[place != np.floor(place)]


def _off(field: Any, box: Box, x: Array, tolerance: float) -> Mask:
    """Which of points (n, 2) are not on the curve."""
    if not len(x):
        return np.zeros(0, dtype=bool)
    x = box.clip(np.where(np.isfinite(x), x, box.lower))
    value, gradient = field.value_and_gradient(x)
    off = ~(newton_step(value, gradient * box.sides)[1] <= TOLERANCES * tolerance)
    if not off.any():
        return off
    size = np.nanmax(max_norm(gradient * box.sides), initial=0.0)
    off &= ~(np.abs(value) <= ROUNDING * (EPS * size + noise_of(field)))
    # Where F is steep its derivatives may be too small, and so its distance too large.
    some = np.flatnonzero(off)
    around = box.clip(x[some] + TOLERANCES * tolerance * box.sides * AROUND[:, None])
    off[some] = (np.sign(field.value(around)) == np.sign(value[some])).all(axis=0) if len(some) else False
    some = np.flatnonzero(off)
    if len(some) and unenclosable(field) is None:
        low, high = point_bounds(field, x[some])
        off[some] = ~((low <= 0) & (high >= 0))
    return off
