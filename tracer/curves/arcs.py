"""All arcs of the atlas at once: one differential equation, stacked.

An arc from P to Q with chord c and unit normal n (box units) is the graph of its height y over its
chord, x(t) = P + t c + y n, t ∈ [0, 1], with

    dy/dt = −(∇F · c) / (∇F · n),      y(0) = 0,  y(1) = 0,

as long as its tangent stays within 90° of the chord. Arcs are halved until it is within 45°: then no
slope blows up, and the arcs are alike, so that one step of `solve_ivp` serves the whole stack, in units of
the chords' lengths. What it predicts is corrected along n onto F = 0, at the nodes of a
polynomial of degree 7; where that misses the curve by more than the tolerance between its nodes, the
arc is halved again. So the accuracy comes from the corrector, and the prediction may be loose: with the
caller's tolerance instead, the same points take five times the evaluations.

The chart makes this safe. In it F grows along a direction d, so whatever point of the chart has F = 0
and a τ (see `charts`) between those of the arc's ends lies on this arc and on no other; a corrected point
for which that does not hold is found again in the bracket that the chart gives, along d.
"""

import time
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from tracer.atlas.atlas import Atlas
from tracer.atlas.charts import across, is_oblique
from tracer.atlas.roots import Segments, Transversals, bracketed_newton
from tracer.curves.chart_ode import EPS
from tracer.curves.legs import RELATIVE_TOLERANCE
from tracer.curves.pieces import DERIVATIVE, INTEGRAL, NODES, Pieces, interpolation
from tracer.curves.vectors import dot, turned, unit_vectors
from tracer.fields.box import Box
from tracer.fields.field import Field

Array = NDArray[np.float64]
Indices = NDArray[np.intp]
Mask = NDArray[np.bool_]

# The error the solver may leave, of heights over the chords' lengths: so much that it takes one step of
# order 8, from which two of the corrector reach rounding on nearly all arcs. The others are halved; with a
# strict tolerance they would set the steps of the whole stack.
PREDICTION = 1.0
# Tangent and chord: within 45°. A slope beyond this is cut off: one arc must not stop the stack.
LEAST_COSINE = 0.5**0.5
STEEPEST = 4.0
MOST_HALVINGS = 64
# The chord of an arc no longer than this many roundings of its coordinates points anywhere.
SHORTEST = 64.0
CORRECTOR_STEPS = 2
# A last step of the corrector, in box units, whose square is rounding.
CONVERGED = 1e-8
# A polynomial is not asked to be nearer to the curve than this many of the corrector's last steps there,
# which are rounding of F, and of the coordinates' own.
NOISE = 8.0
# After so many halvings one that leaves more than this share of the deviation is the last: it is rounding
# too, or F turns faster than its floats.
PATIENCE = 6
STALLED = 0.7
# More arcs than this are not made: the curve is followed no further than they reach.
MOST_ARCS = 2**20
# Where a polynomial is held against the curve: at its middle, and further out, between its nodes.
PLACES = np.array([-0.78, 0.0, 0.78])
MIDDLE = 1
# What takes values at the nodes to the rates of their polynomial, close by each other.
RATES = interpolation(np.linspace(-1, 1, 4 * len(NODES) + 1)) @ DERIVATIVE


@dataclass(frozen=True, eq=False)
class Stack:
    """Arcs inside their charts, in order along the curves.

    Attributes
    ----------
    start, end : ndarray, shape (n, 2)
        Points on the curve, with ∇F at them in `start_gradient`, `end_gradient`.
    lower, upper : ndarray, shape (n, 2)
        The cell.
    direction : ndarray, shape (n, 2)
        Along which F grows in the cell.
    arc : ndarray of int, shape (n,)
        Which arc of the atlas each is a part of.
    """

    start: Array
    end: Array
    start_gradient: Array
    end_gradient: Array
    lower: Array
    upper: Array
    direction: Array
    arc: Indices

    def __len__(self) -> int:
        return len(self.arc)

    def __getitem__(self, which: NDArray) -> "Stack":
        return Stack(*(getattr(self, f.name)[which] for f in fields(self)))

    def across(self) -> tuple[Array, Array]:
        """τ at the start and at the end of each arc, (n,)."""
        return across(self.direction, self.start), across(self.direction, self.end)

    def halved(
        self, which: Mask, x: Array, gradient: Array, behind: Array | None = None
    ) -> tuple["Stack", Indices]:
        """The stack with some arcs cut in two, each at a point of `x` (k, 2) with ∇F there.

        At a kink ∇F is another `behind` it.

        Returns
        -------
        stack : Stack
        index : ndarray of int
            The arc each of its arcs was, or is half of.
        """
        index = np.repeat(np.arange(len(self)), 1 + which)
        second = np.append(False, index[1:] == index[:-1])[: len(index)]
        first = np.append(second[1:], False)[: len(index)]
        parts = self[index]
        parts.end[first], parts.end_gradient[first] = x, gradient
        parts.start[second], parts.start_gradient[second] = x, gradient if behind is None else behind
        return parts, index


def stack_of(atlas: Atlas, gradients: Array) -> Stack:
    """The arcs of an atlas in the order of its chains, with ∇F at its crossings, `gradients` (n, 2)."""
    order = atlas.chains.arcs
    arcs = atlas.arcs[order]
    start, end = atlas.crossings.points[arcs.start], atlas.crossings.points[arcs.end]
    cells, slopes = atlas.paving.lines.at(atlas.paving.charts[arcs.chart]), atlas.paving.slopes[arcs.chart]
    # Of two coordinates along which F grows or falls, the one in which the arc is shorter.
    shorter = np.abs((end - start) / atlas.box.sides).argmin(axis=1)
    row = np.arange(len(arcs))
    dependent = np.where(slopes[row, shorter] != 0, shorter, 1 - shorter)
    direction = np.zeros_like(start)
    direction[row, dependent] = slopes[row, dependent]
    oblique = ~slopes.any(axis=1)
    direction[oblique] = atlas.paving.directions[arcs.chart[oblique]]
    return Stack(
        start,
        end,
        gradients[arcs.start],
        gradients[arcs.end],
        cells[:, 0],
        cells[:, 1],
        direction,
        order,
    )


def stacked_pieces(
    field: Field, box: Box, stack: Stack, tolerance: float, deadline: float
) -> tuple[Stack, Pieces, bool]:
    """Arcs as polynomials, halved until each is within `tolerance` (box units) of the curve.

    Returns
    -------
    stack : Stack
        The arcs there are then, in order.
    pieces : Pieces
        One for each; the arclength of each starts at 0.
    finished : bool
        Whether all polynomials are that good; `deadline`, of `time.perf_counter`, or `MOST_ARCS` may end
        the work before.
    """
    stack = _gentle(field, box, stack, deadline)
    if _is_spent(stack, deadline):
        return stack, _with_arclength(_straight(stack)), len(stack) == 0
    values = _integrated(field, box, stack)
    pending = np.arange(len(stack))
    steep = _correct_nodes(field, box, stack, values, pending)
    finished, before = False, np.full(len(stack), np.inf)
    for halvings in range(MOST_HALVINGS):
        x, gradient, off, noise = _middles(field, box, stack, values, pending)
        misses = ~(off <= tolerance + noise)
        if halvings < PATIENCE:
            misses |= steep
        else:
            misses &= off < STALLED * before
        finished = not misses.any()
        if finished or _is_spent(stack, deadline):
            break
        which = np.zeros(len(stack), dtype=bool)
        which[pending[misses]] = True
        halves = _half_nodes(values[which])
        stack, index = stack.halved(which, x[misses], gradient[misses])
        values, pending = values[index], np.flatnonzero(which[index])
        values[pending], before = halves, np.repeat(off[misses], 2)
        steep = _correct_nodes(field, box, stack, values, pending)
    return stack, _with_arclength(values), finished


# Halving ------------------------------------------------------------------------------------------


def _is_spent(stack: Stack, deadline: float) -> bool:
    return len(stack) >= MOST_ARCS or time.perf_counter() >= deadline


def _gentle(field: Field, box: Box, stack: Stack, deadline: float) -> Stack:
    """The arcs halved until the tangents at their ends are within 45° of their chords."""
    for _ in range(MOST_HALVINGS):
        steep = ~_is_gentle(box, stack) & can_be_halved(box, stack)
        if not steep.any() or _is_spent(stack, deadline):
            break
        some = stack[steep]
        a, b = some.across()
        x = in_bracket(field, some, 0.5 * a + 0.5 * b)
        stack, _ = stack.halved(steep, x, field.value_and_gradient(x)[1])
    return stack


def _is_gentle(box: Box, stack: Stack) -> Mask:
    ends = (stack.start_gradient, stack.end_gradient)
    return np.minimum(*(_cosines(box, stack, gradient) for gradient in ends)) >= LEAST_COSINE


def _cosines(box: Box, stack: Stack, gradient: Array) -> Array:
    """The cosines (n,) between the chords of arcs and tangents, from ∇F (n, 2) there."""
    normal = turned(unit_vectors((stack.end - stack.start) / box.sides))
    return dot(normal, unit_vectors(gradient * box.sides))


def can_be_halved(box: Box, stack: Stack) -> Mask:
    """Which arcs have a float of τ between their ends, which are farther apart than their rounding."""
    a, b = stack.across()
    middle = 0.5 * a + 0.5 * b
    rounding = EPS * np.abs(stack.start / box.sides).max(axis=1, initial=0.0)
    apart = box.distance(stack.start, stack.end) > SHORTEST * rounding
    return apart & (middle > np.minimum(a, b)) & (middle < np.maximum(a, b))


def in_bracket(field: Field, stack: Stack, t: Array) -> Array:
    """The points (n, 2) of arcs where τ is `t` (n,), by the chart's bracket along its direction."""
    x, oblique = np.empty((len(stack), 2)), is_oblique(stack.direction)
    for which, bracketed in ((~oblique, _along_axis), (oblique, _along_direction)):
        if which.any():
            brackets, rises = bracketed(stack[which], t[which])
            x[which] = brackets.at(bracketed_newton(field, brackets, rises))
    return x


def _along_axis(stack: Stack, t: Array) -> tuple[Segments, Array]:
    """The segments across cells along an axis where τ is `t` (n,), and the sign of F's growth along them."""
    row, d = np.arange(len(stack)), stack.direction
    dependent = np.abs(d).argmax(axis=1)
    lower, upper = stack.lower.copy(), stack.upper.copy()
    # τ is ± the other coordinate.
    lower[row, 1 - dependent] = upper[row, 1 - dependent] = (d[:, 1] - d[:, 0]) * t
    return Segments(lower, upper, dependent), d[row, dependent]


def _along_direction(stack: Stack, t: Array) -> tuple[Transversals, Array]:
    """The segments across cells along oblique directions where τ is `t` (n,); F grows along them."""
    d, center = stack.direction, 0.5 * stack.lower + 0.5 * stack.upper
    # From the point of the line {τ = t} that is nearest to the cell's centre: τ grows to the right of d.
    away = (t - across(d, center)) / np.hypot(*d.T)
    nearest = center - away[:, None] * turned(unit_vectors(d))
    reach = np.stack([stack.lower, stack.upper]) - nearest
    behind, ahead = (reach / d).min(axis=0).max(axis=1), (reach / d).max(axis=0).min(axis=1)
    ends = nearest + np.stack([behind, ahead])[..., None] * d
    return Transversals(*np.clip(ends, stack.lower, stack.upper)), np.ones(len(stack))


# The differential equation ------------------------------------------------------------------------


def _integrated(field: Field, box: Box, stack: Stack) -> Array:
    """Points at the nodes of every arc, shape (n, 8, 2), predicted by the stacked equation."""
    if not len(stack):
        return np.zeros((0, len(NODES), 2))
    from scipy.integrate import solve_ivp

    origin, chord = stack.start / box.sides, (stack.end - stack.start) / box.sides
    length, unit = np.linalg.norm(chord, axis=1), unit_vectors(chord)
    normal = turned(unit)

    def points(t: float, y: Array) -> Array:
        x = (origin + t * chord + (length * y)[:, None] * normal) * box.sides
        return np.clip(x, stack.lower, stack.upper)

    def rate(t: float, y: Array) -> Array:
        g = field.value_and_gradient(points(t, y))[1] * box.sides
        with np.errstate(all="ignore"):
            slope = -dot(g, unit) / dot(g, normal)
        return np.nan_to_num(np.clip(slope, -STEEPEST, STEEPEST))

    solution = solve_ivp(
        rate,
        (0.0, 1.0),
        np.zeros(len(stack)),
        method="DOP853",
        dense_output=True,
        rtol=RELATIVE_TOLERANCE,
        atol=PREDICTION,
        first_step=1.0,
    )
    t = 0.5 * (1 + NODES)
    heights = solution.sol(t) if solution.success else np.zeros((len(stack), len(t)))
    values = np.stack([points(*pair) for pair in zip(t, heights.T, strict=True)], axis=1)
    values[:, 0], values[:, -1] = stack.start, stack.end
    return values


def _straight(stack: Stack) -> Array:
    """Points at the nodes of the chords, shape (n, 8, 2): what there is when the time is over."""
    t = 0.5 * (1 + NODES)[:, None]
    return (1 - t) * stack.start[:, None] + t * stack.end[:, None]


# The corrector ------------------------------------------------------------------------------------


def _correct_nodes(field: Field, box: Box, stack: Stack, values: Array, which: Indices) -> Mask:
    """Put the inner nodes of some arcs onto the curve, and the outer ones where the arcs end.

    Returns which of the arcs are steep, beyond 45° of their chords, at a node: such a one may wave.
    """
    arcs, inner = stack[which], values[which, 1:-1]
    owner = np.repeat(which, inner.shape[1])
    found, gradient, *_ = _corrected(field, box, stack[owner], inner.reshape(-1, 2))
    steep = (_cosines(box, stack[owner], gradient) < LEAST_COSINE).reshape(-1, len(NODES) - 2).any(axis=1)
    inner = found.reshape(-1, len(NODES) - 2, 2)
    # A polynomial that folds, because of a bad prediction, may run beyond its arc's ends.
    folded = _folds(box, arcs, inner)
    if folded.any():
        over = stack[np.repeat(which[folded], len(NODES) - 2)]
        tau = across(over.direction, _straight(arcs[folded])[:, 1:-1].reshape(-1, 2))
        inner[folded] = in_bracket(field, over, tau).reshape(-1, len(NODES) - 2, 2)
    values[which, 1:-1] = inner
    values[which, 0], values[which, -1] = arcs.start, arcs.end
    return steep & can_be_halved(box, arcs)


def _folds(box: Box, stack: Stack, inner: Array) -> Mask:
    """Whether the polynomials through inner nodes (n, 6, 2) of arcs ever run back over their chords."""
    origin, chord = stack.start / box.sides, (stack.end - stack.start) / box.sides
    place = np.zeros((len(stack), len(NODES)))
    place[:, 1:-1] = ((inner / box.sides - origin[:, None]) * chord[:, None]).sum(axis=2)
    place[:, -1] = dot(chord, chord)
    return np.asarray(~(place @ RATES.T > 0).all(axis=1))


def _corrected(field: Field, box: Box, arcs: Stack, x: Array) -> tuple[Array, Array, Array, Array]:
    """Points `x` (n, 2), one for each arc, put onto it, and ∇F near them.

    Also how far they were off, and how much of that may be rounding, in box units.
    """
    normal = turned(unit_vectors((arcs.end - arcs.start) / box.sides))
    at, gradient, step = x, x, np.zeros(len(x))
    for _ in range(CORRECTOR_STEPS):
        value, gradient = field.value_and_gradient(at)
        with np.errstate(all="ignore"):
            step = value / dot(gradient * box.sides, normal)
        # A step from where F is flat goes nowhere; such a point is found again in the bracket.
        step = np.where(np.isfinite(step), step, np.inf)
        at = at - np.where(np.isfinite(step), step, 0.0)[:, None] * normal * box.sides
    t, ends = across(arcs.direction, at), arcs.across()
    low, high = np.minimum(*ends), np.maximum(*ends)
    inside = ((at >= arcs.lower) & (at <= arcs.upper)).all(axis=1) & (t >= low) & (t <= high)
    lost = ~(inside & (np.abs(step) <= CONVERGED))
    if lost.any():
        t = np.clip(across(arcs.direction, x), low, high)[lost]
        at[lost] = in_bracket(field, arcs[lost], np.where(np.isfinite(t), t, (0.5 * low + 0.5 * high)[lost]))
        gradient = gradient.copy()
        gradient[lost] = field.value_and_gradient(at[lost])[1]
    noise = NOISE * (
        np.where(lost, 0.0, np.abs(step)) + EPS * np.abs(at / box.sides).max(axis=1, initial=0.0)
    )
    return at, gradient, box.distance(at, x), noise


def _middles(
    field: Field, box: Box, stack: Stack, values: Array, which: Indices
) -> tuple[Array, Array, Array, Array]:
    """The middle of each of some arcs, ∇F there, how far its polynomial is off, and rounding's share."""
    pieces = Pieces.through(values[which])
    index = np.repeat(np.arange(len(which)), len(PLACES))
    predicted = pieces.at(index, np.tile(PLACES, len(which)))
    arcs = stack[np.repeat(which, len(PLACES))]
    x, gradient, off, noise = _corrected(field, box, arcs, predicted)
    shape = (len(which), len(PLACES))
    # An arc so short that there is nothing between its ends is as good as it can be.
    off = np.where(can_be_halved(box, stack[which]), off.reshape(shape).max(axis=1), 0.0)
    middles = x.reshape(*shape, 2)[:, MIDDLE], gradient.reshape(*shape, 2)[:, MIDDLE]
    return *middles, off, noise.reshape(shape).max(axis=1)


# Polynomials --------------------------------------------------------------------------------------


def _half_nodes(values: Array) -> Array:
    """The nodes of both halves of each polynomial, shape (2n, 8, 2)."""
    pieces = Pieces.through(values)
    sigma = 0.5 * NODES
    halves = np.stack([sigma - 0.5, sigma + 0.5])
    index = np.arange(len(values))[:, None, None]
    nodes = pieces.at(
        np.broadcast_to(index, (len(values), *halves.shape)),
        np.broadcast_to(halves, (len(values), *halves.shape)),
    )
    return nodes.reshape(-1, len(NODES), 2)


def _with_arclength(values: Array) -> Pieces:
    """The polynomials through the nodes (n, 8, 2), and through the arclengths at them."""
    speed = np.linalg.norm(np.einsum("jk,nkc->njc", DERIVATIVE, values), axis=2)
    s = speed @ INTEGRAL.T
    return Pieces.through(np.concatenate([values, s[..., None]], axis=2))
