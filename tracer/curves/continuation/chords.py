"""Chords: curves with many kinks as second-order polylines, refined where they are furthest from the curve.

A network of relus that only a library evaluates has a kink wherever a neuron changes its side: thousands on
one curve, and none is known. Between two points of a curve the tangents at both meet in a point, the tip of a
triangle over the chord. If the curve is straight but for one kink, the kink is the tip; if it is smooth, it
is half as high. So with base angles α and β over a chord of length L the height

    h = L sin α sin β / (sin α + sin β)

bounds the error of the chord as long as the curve turns one way, and the tip, corrected onto F = 0, is the
best next point: h decreases with the square of the number of points, and to 0 where the kinks are few. The
curve is walked by steps along its tangent, each corrected, or known from the contours of a lattice.
"""

import time
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from tracer.arrays import Array, Indices, Mask, cross, dot, lengths, turned, unit_vectors
from tracer.curves.branch_points import leaving
from tracer.curves.continuation.chart_ode import SMALLEST_COSINE, tangent
from tracer.curves.continuation.steps import Steps
from tracer.curves.continuation.walk import Budget
from tracer.curves.corrector import regular
from tracer.curves.end import End
from tracer.curves.pieces import Pieces
from tracer.curves.prediction.arc_corrector import newton_along
from tracer.curves.trace import Trace
from tracer.fields.box import Box
from tracer.fields.evaluations import Overtime
from tracer.fields.field import Field

# The first, the longest and the shortest step of a walk, in box units, and the factors between steps.
FIRST_STEP, LONGEST_STEP, SHORTEST_STEP = 0.01, 0.04, 1e-9
LONGER, SHORTER = 1.6, 0.4
# After steps shorter than this a circle round the point shows how the curve goes on, past a sharp corner.
SHARP, CIRCLE = 1e-4, 3.0
# A step is settled when Newton's last one is this share of it.
SETTLED = 1e-6
# A step that passes the start at less than this share of its length closes the curve.
PASSING = 0.1
# The points of all chords that are refined together, at most, and those of one batch.
MOST_POINTS, BATCH = 2**12, 2**9
# Chords of at least this length are looked at in the middle, too, in box units.
LONG = 2e-3
# Chords of this error are an exhausted budget.
COARSE = 1e-3
# Where a curve turns both ways between two points, its error is at most about this share of the triangle.
INFLECTED = 0.25
# A tip this near to an end of its chord, as a share of it, is rounding; one this far away is none.
NEAR_END, FAR = 1e-9, 4.0
# Normals are the same if the cosine between them is at least this.
SAME_NORMAL = 1 - 1e-12
# The largest correction of a tip, as a share of its chord.
LARGEST_CORRECTION = 0.5


# The walk ----------------------------------------------------------------------------------------------


class Point(NamedTuple):
    """A point of the curve, (2,), ∇F there, and whether the curve leaves the box there."""

    x: Array
    gradient: Array
    leaves: bool = False


def steps_along(field: Field, box: Box, here: tuple[Array, Array], budget: Budget) -> Steps:
    """The steps of a walk from a point of the curve, with ∇F there, both ways, or round a closed curve."""
    ahead, end = _walk(field, box, Point(*here), budget, 1)
    if end is None:
        return _steps(ahead, 0, ())
    back, other = _walk(field, box, Point(*here), budget, -1)
    return _steps([*back[:0:-1], *ahead], len(back) - 1, (other or End.UNDECIDED, end))


def _steps(points: list[Point], start: int, ends: tuple[End, ...]) -> Steps:
    none = np.zeros(len(points), dtype=bool)
    x, gradient = np.array([p.x for p in points]), np.array([p.gradient for p in points])
    return Steps(x, gradient, none[1:], none, start, ends)


def _walk(
    field: Field, box: Box, here: Point, budget: Budget, direction: int
) -> tuple[list[Point], End | None]:
    """The points of a walk in one direction, and how it ends: None at its start."""
    points, step = [here], FIRST_STEP
    while not budget.spent:
        budget.steps -= 1
        at = points[-1]
        if not regular(at.gradient) or step < SHORTEST_STEP:
            return points, End.UNDECIDED
        found = _ahead(field, box, at, step, direction)
        if found is None and step < SHARP:
            found = _past_corner(field, box, at, CIRCLE * step, direction)
        if found is None:
            step *= SHORTER
            continue
        if len(points) > 1 and _closes(box, points[0], at, found, direction):
            return [*points, points[0]], None
        if not np.array_equal(found.x, at.x):
            points.append(found)
        if found.leaves:
            return points, End.BOX
        step = min(LONGER * step, LONGEST_STEP)
    return points, End.BUDGET


def _ahead(field: Field, box: Box, at: Point, step: float, direction: int) -> Point | None:
    """The point of the curve a step ahead, or where it leaves the box before; None rejects the step."""
    ahead = tangent(at.gradient, box, direction)
    x, leaves = _in_box(box, at.x, at.x + step * ahead * box.sides)
    if np.array_equal(x, at.x):
        return Point(at.x, at.gradient, True)
    found = _onto(field, box, ahead, step, x, leaves)
    if found is not None and not leaves and not box.contains(found.x):
        x, leaves = _in_box(box, at.x, found.x)
        found = _onto(field, box, ahead, step, x, leaves)
    if found is None or not box.contains(found.x):
        return None
    chord = (found.x - at.x) / box.sides
    length, behind = float(lengths(chord)), tangent(found.gradient, box, direction)
    if not 0 < length <= 2 * step:
        return None
    turns = min(ahead @ behind, ahead @ chord / length, behind @ chord / length)
    return found if turns >= SMALLEST_COSINE else None


def _onto(field: Field, box: Box, ahead: Array, step: float, x: Array, leaves: bool) -> Point | None:
    """A predicted point (2,) moved onto the curve, across it or along the side where it leaves the box."""
    off_side = (x > box.lower) & (x < box.upper)
    along = (off_side if leaves else turned(ahead)) * box.sides
    onto, gradient, size, _ = newton_along(field, along[None], np.array([step]), x[None])
    if not size[0] <= SETTLED * step or not regular(gradient[0]):
        return None
    return Point(onto[0], gradient[0], leaves)


def _in_box(box: Box, here: Array, there: Array) -> tuple[Array, bool]:
    """The part of the way from a point in the box that lies in it, and whether the way leaves the box."""
    if box.contains(there):
        return there, False
    with np.errstate(all="ignore"):
        shares = np.where(there > here, box.upper - here, box.lower - here) / (there - here)
    share = float(np.nanmin(np.clip(shares, 0.0, 1.0)))
    x = here + share * (there - here)
    axis = int(np.nanargmin(shares))
    x[axis] = box.upper[axis] if there[axis] > here[axis] else box.lower[axis]
    return (box.clip(x) if share > 0 else here), True


def _past_corner(field: Field, box: Box, here: Point, radius: float, direction: int) -> Point | None:
    """Where the curve leaves a circle, if it leaves it once."""
    exits, _ = leaving(field, box, here.x, radius, direction)
    if len(exits) != 1 or not box.contains(exits[0]):
        return None
    return Point(exits[0], field.value_and_gradient(exits)[1][0])


def _closes(box: Box, start: Point, before: Point, after: Point, direction: int) -> bool:
    """Whether a step passes the start in its direction."""
    chord, way = (after.x - before.x) / box.sides, (start.x - before.x) / box.sides
    length = float(lengths(chord))
    if not length > 0:
        return False
    along, across = float(dot(chord, way)) / length, float(cross(chord, way)) / length
    same = float(dot(tangent(start.gradient, box, direction), chord)) > 0
    return same and 0 < along <= length and abs(across) <= PASSING * length


# The refinement ----------------------------------------------------------------------------------------


class Polyline(NamedTuple):
    """Some curves one after another: points and normals (n, 2) in box units, and what joins them.

    Masks (n,) say from which points there is a `chord` to the next, which of these may still be divided, and
    which were `seen` in the middle.
    """

    x: Array
    normal: Array
    chord: Mask
    open: Mask
    seen: Mask

    def triangles(self) -> tuple[Array, Array]:
        """The errors of the chords (n,), and the tips (n, 2) over them, or their middles."""
        first, c = -turned(self.normal), np.roll(self.x, -1, axis=0) - self.x
        last, size = np.roll(first, -1, axis=0), np.where(self.chord, lengths(c), 0.0)
        with np.errstate(all="ignore"):
            a, b = cross(first, c) / size, cross(c, last) / size
            reach, back = size * b / cross(first, last), size * a / cross(first, last)
            tip = self.x + reach[:, None] * first
            share = dot(tip - self.x, c) / size**2
            height = size * np.abs(a * b) / (np.abs(a) + np.abs(b))
            # Over an obtuse triangle the tip is nearer to an end of the chord.
            beside = lengths(tip - self.x - np.clip(share, 0, 1)[:, None] * c)
        sharp = (dot(first, c) <= 0) | (dot(last, c) <= 0)
        meets = (reach > NEAR_END * size) & (back > NEAR_END * size) & (np.maximum(reach, back) < FAR * size)
        error = np.where(a * b < 0, INFLECTED * size * np.maximum(np.abs(a), np.abs(b)), height)
        error = np.where(sharp, np.where(meets, beside, size), np.where(np.abs(a) + np.abs(b) > 0, error, 0))
        return np.where(self.chord, error, 0.0), np.where(meets[:, None], tip, self.x + 0.5 * c)

    def unseen(self) -> Mask:
        """Which long chords were not looked at in the middle."""
        return self.chord & self.open & ~self.seen & (lengths(np.roll(self.x, -1, axis=0) - self.x) > LONG)

    def divided(self, which: Indices, x: Array, normal: Array, good: Mask) -> "Polyline":
        """The polyline with a point in each of the chords `which`, where it is `good`."""
        after = which[good] + 1
        return Polyline(
            np.insert(self.x, after, x[good], axis=0),
            np.insert(self.normal, after, normal[good], axis=0),
            np.insert(self.chord, after, True),
            np.insert(self.open, after, True),
            np.insert(self.seen, after, False),
        )


def chords_of(field: Field, box: Box, many: list[Steps], tolerance: float, deadline: float) -> list[Trace]:
    """The steps along curves, all at once, as polylines within `tolerance`, or as near as the budget allows.

    The trace says how near; `deadline`, of `time.perf_counter`, ends the work before.
    """
    line = _polished(field, box, many)
    while len(line.x) < MOST_POINTS and time.perf_counter() < deadline:
        error, tip = line.triangles()
        bad = np.flatnonzero((error > tolerance) & line.open)
        worst = np.sort(bad[np.argsort(-error[bad], kind="stable")[:BATCH]])
        look = not len(worst)
        if look:
            worst = np.flatnonzero(line.unseen())[:BATCH]
            line.seen[worst] = True
            tip = 0.5 * line.x + 0.5 * np.roll(line.x, -1, axis=0)
        if not len(worst):
            break
        try:
            x, normal, good = _corrected(field, box, line, worst, tip[worst])
        except Overtime:
            break
        if look:
            # What is straight there is not divided.
            good &= (lengths(x - tip[worst]) > tolerance) | (dot(normal, line.normal[worst]) < SAME_NORMAL)
        else:
            line.open[worst[~good]] = False
        line = line.divided(worst, x, normal, good)
    error, _ = line.triangles()
    stops = np.append(0, np.flatnonzero(~line.chord) + 1)
    return [
        _trace(box, steps, line.x[part], line.normal[part], float(error[part].max(initial=0.0)))
        for steps, part in zip(many, (slice(*pair) for pair in pairwise(stops)), strict=True)
    ]


def _polished(field: Field, box: Box, many: list[Steps]) -> Polyline:
    """The steps' points on the curves, but for ends on sides of the box, which stay on these."""
    ends = np.cumsum([len(steps.x) for steps in many]) - 1
    x = np.concatenate([steps.x for steps in many])
    gradient = np.concatenate([steps.gradient for steps in many])
    chord = np.ones(len(x), dtype=bool)
    chord[ends] = False
    sides: Any = (x <= box.lower) | (x >= box.upper)
    along = np.where(sides.any(axis=1)[:, None], ~sides, unit_vectors(gradient * box.sides)) * box.sides
    at, slope, size, _ = newton_along(field, along, np.ones(len(x)), x)
    kept: Any = (size > LONG) | ~regular(slope) | (box.distance(at, x) > LONG) | sides.all(axis=1)
    at, slope = (np.where(kept[:, None], *pair) for pair in ((x, at), (gradient, slope)))
    return Polyline(box.clip(at) / box.sides, unit_vectors(slope * box.sides), chord, chord.copy(), ~chord)


def _corrected(
    field: Field, box: Box, line: Polyline, which: Indices, tip: Array
) -> tuple[Array, Array, Mask]:
    """The tips over the chords `which` on the curve, the normals there, and which of them are good."""
    c = line.x[which + 1] - line.x[which]
    size = lengths(c)
    between: Any = unit_vectors(line.normal[which] + line.normal[which + 1])
    along = np.where(between.any(axis=1)[:, None], between, turned(unit_vectors(c)))
    x, gradient, step, _ = newton_along(field, along * box.sides, size, tip * box.sides)
    x, scaled = box.clip(x) / box.sides, gradient * box.sides
    good = regular(gradient) & (lengths(x - tip) <= LARGEST_CORRECTION * size) & (step <= size)
    return x, unit_vectors(scaled), good & (x != line.x[which]).any(axis=1) & (x != line.x[which + 1]).any(1)


def chords_through(box: Box, steps: Steps) -> Trace:
    """The polyline through the points of steps as they are."""
    return _trace(box, steps, steps.x / box.sides, unit_vectors(steps.gradient * box.sides), COARSE)


def _trace(box: Box, steps: Steps, x: Array, normal: Array, error: float) -> Trace:
    at = box.clip(x * box.sides)
    if not steps.ends:
        at[-1] = at[0]
    # What was on a side of the box is on it to the last bit.
    for k in (0, -1):
        on = (steps.x[k] == box.lower) | (steps.x[k] == box.upper)
        at[k] = np.where(on, steps.x[k], at[k])
    pieces = Pieces.lines(at[:-1], at[1:]).end_to_end()
    return Trace(at, normal / box.sides, pieces, steps.ends, error=min(error, COARSE))
