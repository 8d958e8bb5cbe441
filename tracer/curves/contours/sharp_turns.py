"""Turns of a curve within cells of the lattice, where its contour has no points.

Of the chord between two points, one before a turn and one behind it, the curve goes off in the direction
``t₁ − t₂`` of the difference of its unit tangents there: across the chord for a gentle turn, along the curve
where it turns back. The first sign changes in that direction are more points of the turn. So chords are
divided until the curve turns little between their ends.
"""

import numpy as np

from tracer.arrays import Array, Indices, Mask, dot, lengths, turned, unit_vectors
from tracer.curves.continuation.lattice import located
from tracer.curves.corrector import regular
from tracer.fields.box import Box
from tracer.fields.field import Field

# Chords between whose ends the curve turns by more than this are divided, so often; not those that are
# shorter, in box units, as there is a corner.
LARGEST_TURN, ROUNDS, SHORTEST = 1.0, 8, 2e-5
# The most points there may be: so many for each of the first ones, and so many more. A curve that needs
# others is not smooth.
MOST_TIMES, MOST_MORE = 2, 512
# Where a chord is divided.
SHARES = np.array([0.1, 0.3, 0.5, 0.7, 0.9])
# Sign changes are located until |F| is this share of that at both ends of where they are searched.
NEARLY = 1e-8
# How far from chords the sign changes are searched, in their lengths.
REACHES = np.array([0.0, 0.05, 0.5, 2.0, 8.0, 32.0])


def with_turns(
    field: Field, box: Box, x: Array, gradient: Array, last: Indices
) -> tuple[Array, Array, Indices]:
    """Points (n, 2) along curves, ∇F there, and more points where the curves turn; also where each is `last`.

    `last` (k,) holds the numbers of the curves' last points.
    """
    is_last = np.zeros(len(x), dtype=bool)
    is_last[last] = True
    closed, most = is_last.copy(), MOST_TIMES * len(x) + MOST_MORE
    for _ in range(ROUNDS):
        ahead = tangents(box, gradient)
        sharp = (turns(ahead) > LARGEST_TURN) & (box.distance(x[1:], x[:-1]) > SHORTEST)
        which = np.flatnonzero(sharp & ~closed[:-1])
        if not len(which) or len(x) + len(SHARES) * len(which) > most:
            break
        off = unit_vectors(ahead[which] - ahead[which + 1])
        beside, found = _beside(field, box, (x[which], x[which + 1]), off)
        slope = np.zeros_like(beside)
        if found.any():
            slope[found] = field.value_and_gradient(beside[found])[1]
        found &= regular(slope)
        closed[which[~found.any(axis=1)]] = True
        after = np.repeat(which + 1, len(SHARES))[found.ravel()]
        x = np.insert(x, after, beside[found], axis=0)
        gradient = np.insert(gradient, after, slope[found], axis=0)
        closed, is_last = (np.insert(mask, after, False) for mask in (closed, is_last))
    return x, gradient, np.flatnonzero(is_last)


def tangents(box: Box, gradient: Array) -> Array:
    """The unit tangents of curves, in box units, from ∇F (n, 2)."""
    return -turned(unit_vectors(gradient * box.sides))


def turns(ahead: Array) -> Array:
    """By how much curves turn between points one after another, from unit tangents (n, 2) there, (n − 1,)."""
    turn: Array = np.arccos(np.clip(dot(ahead[1:], ahead[:-1]), -1, 1))
    return turn


def _beside(field: Field, box: Box, ends: tuple[Array, Array], off: Array) -> tuple[Array, Mask]:
    """The first sign changes from places on chords in directions `off` (n, 2), and which places have one.

    Shapes (n, shares, 2) and (n, shares); directions are in box units.
    """
    start, chord = ends[0] / box.sides, (ends[1] - ends[0]) / box.sides
    at = start[:, None] + SHARES[:, None] * chord[:, None]
    way = at + REACHES[:, None, None, None] * (lengths(chord)[:, None] * off)[:, None]
    way = box.clip(way * box.sides)
    value = field.value(way)
    changed = (value[1:] >= 0) != (value[:-1] >= 0)
    changed &= np.isfinite(value[1:]) & np.isfinite(value[:-1])
    found, place = changed.any(axis=0), np.nonzero(changed.any(axis=0))
    first = changed.argmax(axis=0)[found]
    before, behind = (first, *place), (first + 1, *place)
    x = way[0]
    if found.any():
        x[found] = located(
            field, np.stack([way[before], way[behind]]), np.stack([value[before], value[behind]]), NEARLY
        ).points
    return x, found
