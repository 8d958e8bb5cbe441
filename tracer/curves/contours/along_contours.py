"""Curves along contours: polynomials between roots where these succeed, elsewhere chords of sign changes.

A boundary is where F changes its sign. Between roots it is a curve F = 0, made of polynomials as any other.
Where F jumps over 0 it goes on along the jump, through the sign changes on the edges of the lattice. The same
chords replace the polynomials that fail, at kinks or in noise. They are divided where the boundary is no
jump: the sign change across the middle of each is located, until it is next to the chord, or noise.
"""

from typing import Any, NamedTuple

import numpy as np

from tracer.arrays import Array, Indices, Mask, lengths, spans, turned
from tracer.curves.continuation.lattice import NEARLY, Lattice, SignChanges, located
from tracer.curves.continuation.steps import Polynomials, Steps, polynomials_of
from tracer.curves.contours.marching_squares import Contour, few_steps, spaced, spacing
from tracer.curves.corrector import regular
from tracer.curves.end import End
from tracer.curves.pieces import NODES, Pieces
from tracer.curves.trace import Trace
from tracer.fields.box import Box
from tracer.fields.evaluations import Overtime
from tracer.fields.field import Field, noise_of

# Fewer roots in a row, between jumps, are no curve F = 0.
LEAST_ROOTS = 3
# Chords are divided until the boundary is this near to their middles, in box units, or so often; and the
# points of all of them, at most.
NEAR, ROUNDS, MOST_POINTS = 1e-6, 24, 2**13
# How far across a chord its sign change is searched, in its lengths.
REACHES = np.array([0.05, 0.5, 2.0])
# Distances that so many times the noise of F explains are noise.
NOISE = 8.0
# The polynomials of a curve may be this far outside the box, in box units.
HAIR = 1e-9
# What joins a point to the next, if it is no polynomial.
CHORD, LAST = -1, -2


def traces_along(
    field: Field,
    box: Box,
    lattice: Lattice,
    runs: list[Contour],
    changes: SignChanges,
    tolerance: float,
    deadline: float,
) -> list[Trace]:
    """The boundary along some runs of sign changes, which hold no pole.

    ∇F is 0 at points where F jumps. The error of a trace is that of its chords.
    """
    walks = _walks(field, box, lattice, [run.distinct(changes.points) for run in runs], changes)
    found = polynomials_of(field, box, [walk.steps for walk in walks], tolerance, deadline)
    lines = [_patched(box, *each, changes) for each in zip(walks, found, strict=True)]
    offsets = np.cumsum([0, *(len(one.trace.pieces) for one in found)])
    whole = Polyline(*(np.concatenate(column) for column in zip(*lines, strict=True)))
    shift = np.repeat(offsets[:-1], [len(line.x) for line in lines])
    whole = whole._replace(piece=np.where(whole.piece >= 0, whole.piece + shift, whole.piece))
    whole, error = _divided(field, box, whole, max(tolerance, NEAR))
    return _traces(field, box, walks, found, whole, error)


# Steps -------------------------------------------------------------------------------------------------


class _Walk(NamedTuple):
    """The steps along a run: `at` (n,) are the places of their points among its `numbers`."""

    steps: Steps
    at: Indices
    numbers: Indices


def _walks(
    field: Field, box: Box, lattice: Lattice, runs: list[Contour], changes: SignChanges
) -> list[_Walk]:
    """Steps along runs: few between roots, one from each sign change to the next along jumps."""
    apart, longest = spacing(lattice)
    roots = [_of_long_runs(changes.roots[run.numbers]) for run in runs]
    places = [
        _places(box, changes.points[run.numbers], root, apart) for run, root in zip(runs, roots, strict=True)
    ]
    every = np.concatenate([run.numbers[at] for run, at in zip(runs, places, strict=True)])
    is_root = np.concatenate([root[at] for root, at in zip(roots, places, strict=True)])
    gradients = np.zeros((len(every), 2))
    if is_root.any():
        gradients[is_root] = field.value_and_gradient(changes.points[every[is_root]])[1]
    gradients[~regular(gradients)] = 0.0
    walks, start = [], 0
    for run, at in zip(runs, places, strict=True):
        gradient = gradients[start : start + len(at)]
        chosen = _chosen(box, changes.points[run.numbers[at]], gradient, longest)
        walks.append(_walk(run, at[chosen], gradient[chosen], changes))
        start += len(at)
    return walks


def _of_long_runs(root: Mask) -> Mask:
    """Which sign changes (n,) are roots in rows of at least `LEAST_ROOTS`."""
    found = root.copy()
    for a, b in spans(root):
        found[a:b] = b - a >= LEAST_ROOTS
    return found


def _places(box: Box, x: Array, root: Mask, apart: float) -> Indices:
    """All places of points (n, 2) that are no roots, and some in each row of roots, its ends included."""
    chosen = ~root
    for a, b in spans(root):
        chosen[a + spaced(box, x[a:b], apart)] = True
        chosen[b - 1] = True
    return np.flatnonzero(chosen)


def _chosen(box: Box, x: Array, gradient: Array, longest: float) -> Indices:
    """Which of the points (n, 2) steps go to: all without a gradient, as few as possible of the others."""
    chosen: Any = ~gradient.any(axis=1)
    for a, b in spans(~chosen):
        chosen[a + few_steps(box, x[a:b], gradient[a:b], longest)] = True
    return np.flatnonzero(chosen)


def _walk(run: Contour, at: Indices, gradient: Array, changes: SignChanges) -> _Walk:
    numbers = run.numbers[at]
    jump: Any = ~gradient.any(axis=1)
    last = [
        End.BOX if side else End.UNDECIDED if changes.roots[number] else End.JUMP
        for side, number in zip(run.at_box, run.numbers[[0, -1]], strict=True)
    ]
    steps = Steps(
        changes.points[numbers], gradient, jump[1:] | jump[:-1], jump, 0, () if run.closed else tuple(last)
    )
    return _Walk(steps, at, run.numbers)


# Polynomials and chords --------------------------------------------------------------------------------


class Polyline(NamedTuple):
    """The points (n, 2) of curves one after another, in box units.

    `piece` (n,) says what joins each to the next: the number of a polynomial, `CHORD` or `LAST`; `open` (n,)
    which chords may be divided.
    """

    x: Array
    piece: Indices
    open: Mask


def _patched(box: Box, walk: _Walk, found: Polynomials, changes: SignChanges) -> Polyline:
    """The points of a curve, with chords through all sign changes where it has no good polynomials."""
    trace, steps = found.trace, walk.steps
    bad = steps.hops.copy()
    bad[found.step[~(found.good & _stay_in(box, trace.pieces))]] = True
    first = np.searchsorted(found.step, np.arange(len(bad) + 1))
    x, piece, divided = [], [], []
    for k, chords in enumerate(bad.tolist()):
        numbers = np.arange(first[k], first[k + 1])
        if not chords:
            x.append(trace.points[numbers])
            piece.append(numbers)
        else:
            between = walk.numbers[walk.at[k] + 1 : walk.at[k + 1]]
            x += [trace.points[numbers[:1]], changes.points[between]]
            piece.append(np.full(1 + len(between), CHORD))
        # Along a jump chords are as they are.
        divided.append(np.full(len(piece[-1]), chords and not (steps.corners[k] and steps.corners[k + 1])))
    x.append(trace.points[-1:])
    return Polyline(
        np.concatenate(x) / box.sides,
        np.concatenate([*piece, [LAST]]),
        np.concatenate([*divided, [False]]),
    )


def _stay_in(box: Box, pieces: Pieces) -> Mask:
    """Which pieces stay in the box, as far as a few points of each show."""
    number = np.arange(len(pieces))[:, None]
    x = pieces.at(number, np.broadcast_to(NODES, (len(pieces), len(NODES))))[..., :2]
    hair = HAIR * box.sides
    inside: Any = ((x >= box.lower - hair) & (x <= box.upper + hair)).all(axis=(1, 2))
    return inside


def _divided(field: Field, box: Box, line: Polyline, near: float) -> tuple[Polyline, Array]:
    """The polyline with sign changes across the middles of its open chords, divided again and again.

    Also how far the boundary was from the middle of each chord that was looked at last, (n,).
    """
    error = np.zeros(len(line.x))
    for _ in range(ROUNDS):
        which = np.flatnonzero(line.open)
        if not len(which) or len(line.x) > MOST_POINTS:
            break
        try:
            x, off, noise, found = _across(field, box, line.x[which], line.x[which + 1])
        except Overtime:
            break
        error[which] = np.where(found, off, lengths(line.x[which + 1] - line.x[which]))
        further = found & (off > np.maximum(near, noise))
        line.open[which[~further]] = False
        after = which[further] + 1
        error[which[further]] *= 0.5
        line = Polyline(
            np.insert(line.x, after, x[further], axis=0),
            np.insert(line.piece, after, CHORD),
            np.insert(line.open, after, True),
        )
        error = np.insert(error, after, error[which[further]])
    return line, error


def _across(field: Field, box: Box, start: Array, end: Array) -> tuple[Array, Array, Array, Mask]:
    """The sign changes across the middles of chords (n, 2) in box units, F > 0 on the left.

    Also how far each is from the middle, how far noise moves it, and which chords have one.
    """
    chord, middle = end - start, 0.5 * start + 0.5 * end
    across = REACHES[:, None, None] * turned(chord)
    ends = np.stack([middle + across, middle - across])
    value = field.value(box.clip(ends * box.sides))
    opposite = (value[0] >= 0) & (value[1] < 0)
    found, nearest, row = opposite.any(axis=0), opposite.argmax(axis=0), np.arange(len(middle))
    ends, value = ends[:, nearest, row], value[:, nearest, row]
    x = middle.copy()
    if found.any():
        some = box.clip(ends[:, found] * box.sides)
        x[found] = located(field, some, value[:, found], NEARLY).points / box.sides
    with np.errstate(all="ignore"):
        noise = NOISE * noise_of(field) * lengths(ends[1] - ends[0]) / np.abs(value[0] - value[1])
    return x, lengths(x - middle), np.nan_to_num(noise, nan=0.0), found


def _traces(
    field: Field, box: Box, walks: list[_Walk], found: list[Polynomials], line: Polyline, error: Array
) -> list[Trace]:
    """The traces of curves whose points and joints are known."""
    polynomials = np.concatenate([one.trace.pieces.coefficients for one in found])
    x = box.clip(line.x * box.sides)
    stops = np.append(0, np.flatnonzero(line.piece == LAST) + 1)
    traces = []
    for k, walk in enumerate(walks):
        at, piece = x[stops[k] : stops[k + 1]], line.piece[stops[k] : stops[k + 1] - 1]
        at[0], at[-1] = found[k].trace.points[0], found[k].trace.points[-1]
        coefficients = Pieces.lines(at[:-1], at[1:]).coefficients
        coefficients[piece >= 0] = polynomials[piece[piece >= 0]]
        gradient = np.zeros_like(at)
        if not walk.steps.corners.any():
            gradient = field.value_and_gradient(at)[1]
            gradient[~regular(gradient)] = 0.0
        worst = float(error[stops[k] : stops[k + 1]].max())
        traces.append(Trace(at, gradient, Pieces(coefficients).end_to_end(), walk.steps.ends, error=worst))
    return traces
