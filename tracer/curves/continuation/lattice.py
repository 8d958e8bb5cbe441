"""Sign changes on the lines of a lattice: grid root-finding.

F is evaluated at the vertices of a lattice over the box; each edge whose ends have opposite signs contains a
sign change, and all are located together by bracketing without derivatives [1]_. Where |F| becomes small
there it is a root, where it does not F jumps over 0, or has a pole. A curve that closes between the lines is
missed: the result is a sample, not a proof.

References
----------
.. [1] M. Dowell and P. Jarratt, "A modified regula falsi method for computing the root of an equation",
   BIT 11 (1971): the Illinois method.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tracer.arrays import Array, Indices, Mask, Signs, chunks
from tracer.fields.box import Box
from tracer.fields.field import Field, noise_of

# Points evaluated at once, so that wide networks need at most about 400 MB.
CHUNK = 2**16
# Upper limit of |F| at a root, over the larger |F| at the ends of its edge; beyond the second it is a pole.
ROOT_RATIO, POLE_RATIO = 1e-3, 4.0
# A sign change is located once |F| is this share of that at the ends of the edge, or to a share of the edge.
NEARLY, FINEST = 1e-4, 2.0**-32
# |F| of at most so many times its noise is 0.
NOISE = 8.0
# Steps of the Illinois method, to rounding or before brackets are cut into so many parts at once.
ROUNDS, SECANT_ROUNDS, PARTS = 64, 6, 16
# Brackets that are cut at once.
CUT_TOGETHER = 2**12
# F is constant beside a place if it is at this distance, in cells.
BESIDE = 1e-3
# A line of the lattice along which F is 0 is moved out of the box by this share of its side.
HAIR = 1e-9
# The eight directions around a point, counterclockwise.
AROUND = np.array([[1, 0], [1, 1], [0, 1], [-1, 1], [-1, 0], [-1, -1], [0, -1], [1, -1]])


@dataclass(frozen=True, eq=False)
class Lattice:
    """F at the vertices of a lattice, and the edges on which its sign changes.

    Attributes
    ----------
    lines : tuple of ndarray
        The coordinates of the lines, both sides of the box included.
    values : ndarray, shape (nx + 1, ny + 1)
        F at the vertices. A vertex with F = 0 counts as positive; nan has no sign.
    axis : ndarray of int, shape (n,)
        The coordinate that varies along each edge with a sign change.
    edge : ndarray of int, shape (n, 2)
        The indices of the edge's lower end.
    """

    lines: tuple[Array, Array]
    values: Array
    axis: Indices
    edge: Indices

    @classmethod
    def of_values(cls, lines: tuple[Array, Array], values: Array) -> "Lattice":
        """The lattice of lines with F at its vertices."""
        positive, finite = values >= 0, np.isfinite(values)
        found = []
        for a, b in ((np.s_[:-1], np.s_[1:]), (np.s_[:, :-1], np.s_[:, 1:])):
            found.append(np.argwhere((positive[a] != positive[b]) & finite[a] & finite[b]))
        axis = np.repeat([0, 1], [len(found[0]), len(found[1])])
        return cls(lines, values, axis, np.concatenate(found))

    @property
    def density(self) -> float:
        """The share of edges with a sign change."""
        return len(self.edge) / max(1, 2 * self.values.size)

    def coarser(self, sides: int) -> "Lattice":
        """The lattice of so many cells a side, on some of its lines."""
        x, y = (np.linspace(0, n - 1, sides + 1).round().astype(np.intp) for n in self.values.shape)
        return self.of_values((self.lines[0][x], self.lines[1][y]), self.values[np.ix_(x, y)])

    @property
    def far(self) -> Indices:
        """The indices of the upper ends of the edges, (n, 2)."""
        return self.edge + np.where(self.axis[:, None] == 0, [1, 0], [0, 1])

    @property
    def ends(self) -> tuple[Array, Array]:
        """The ends of the edges, (2, n, 2), and F there, (2, n)."""
        both = self.edge, self.far
        return np.stack([self.at(k) for k in both]), np.stack([self.values[tuple(k.T)] for k in both])

    def at(self, vertex: Indices) -> Array:
        """The vertices with indices (n, 2), shape (n, 2)."""
        return np.stack([self.lines[0][vertex[:, 0]], self.lines[1][vertex[:, 1]]], axis=-1)


@dataclass(frozen=True, eq=False)
class SignChanges:
    """The places at which F changes its sign on some segments.

    Attributes
    ----------
    ends : ndarray, shape (2, n, 2)
        The ends of the brackets around them, on both sides.
    values : ndarray, shape (2, n)
        F there.
    points : ndarray, shape (n, 2)
        The better of the two.
    ratio : ndarray, shape (n,)
        |F| at `points`, or on both sides of a narrow bracket, over the larger |F| at the ends of the
        segment; 0 where it is noise.
    flat : ndarray of bool, shape (n,)
        Where F is known to jump between values that are constant beside the jump.
    """

    ends: Array
    values: Array
    points: Array
    ratio: Array
    flat: Mask

    def replaced(self, which: Indices, by: "SignChanges") -> "SignChanges":
        """The sign changes with those numbered `which` replaced."""
        ends, values, points, ratio, flat = (column.copy() for column in vars(self).values())
        ends[:, which], values[:, which] = by.ends, by.values
        points[which], ratio[which], flat[which] = by.points, by.ratio, by.flat
        return SignChanges(ends, values, points, ratio, flat)

    @property
    def roots(self) -> Mask:
        """Which are roots: a pole or a jump changes the sign, too, but |F| does not become small there."""
        return self.ratio < ROOT_RATIO

    @property
    def jumps(self) -> Mask:
        """Which are jumps: |F| does not become small there, nor large as at a pole."""
        return (self.ratio >= ROOT_RATIO) & (self.ratio <= POLE_RATIO)


@dataclass(frozen=True, eq=False)
class LatticeRoots:
    """Roots of F on the lines of a lattice.

    Attributes
    ----------
    points : ndarray, shape (n, 2)
        The roots.
    axis : ndarray of int, shape (n,)
        The coordinate that varies along each root's edge.
    edge : ndarray of int, shape (n, 2)
        The indices of the edge's lower end.
    values : ndarray, shape (nx + 1, ny + 1)
        F at the vertices.
    vertices : ndarray, shape (m, 2)
        Vertices at which F is 0: roots, too, even if F changes its sign on no edge there.
    """

    points: Array
    axis: Indices
    edge: Indices
    values: Array
    vertices: Array


def lattice_lines(box: Box, shape: tuple[int, int]) -> tuple[Array, Array]:
    """The coordinates of the lines, `shape` + 1 on each axis, both sides of the box included."""
    x, y = (np.linspace(lo, hi, n + 1) for lo, hi, n in zip(box.lower, box.upper, shape, strict=True))
    return x, y


def lattice_values(field: Field, lines: tuple[Array, Array]) -> Array:
    """F at the vertices of the lattice, shape (nx + 1, ny + 1)."""
    points = np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1).reshape(-1, 2)
    parts = [field.value(points[chunk]) for chunk in chunks(len(points), CHUNK)]
    return np.concatenate(parts).reshape(len(lines[0]), len(lines[1]))


def lattice_of(field: Field, box: Box, shape: tuple[int, int]) -> Lattice:
    """F on a lattice of `shape` cells along x1 and x2, and the edges on which its sign changes."""
    lines = lattice_lines(box, shape)
    return Lattice.of_values(lines, lattice_values(field, lines))


def beyond_zero_sides(field: Field, box: Box, lattice: Lattice) -> Lattice:
    """The lattice with its outermost lines a hair beyond those sides of the box along which F is 0.

    There F changes its sign across the side, or not at all. Sides next to which F is not defined stay.
    """
    lines, values, moved = tuple(line.copy() for line in lattice.lines), lattice.values.copy(), False
    for axis, last in ((axis, last) for axis in (0, 1) for last in (0, -1)):
        zero = np.moveaxis(values, axis, 0)[last] == 0
        if not (zero[1:] & zero[:-1]).any():
            continue
        lines[axis][last] += (HAIR if last else -HAIR) * box.sides[axis]
        x, y = (line if k != axis else line[[last]] for k, line in enumerate(lines))
        found = lattice_values(field, (x, y)).ravel()
        if np.isfinite(found).all():
            np.moveaxis(values, axis, 0)[last], moved = found, True
        else:
            lines[axis][last] = lattice.lines[axis][last]
    return Lattice.of_values((lines[0], lines[1]), values) if moved else lattice


def zero_vertices(field: Field, lattice: Lattice) -> Array:
    """The vertices (n, 2) at which F is 0, but those on a plateau of 0, or at its edge."""
    x = lattice.at(np.argwhere(lattice.values == 0))
    if not len(x):
        return x
    cell = np.array([line[1] - line[0] for line in lattice.lines])
    zero = field.value(x + BESIDE * cell * AROUND[:, None]) == 0
    # At the edge of a plateau F is 0 in a quarter of the surroundings; beside a curve or a crossing in none.
    quarter = zero & np.roll(zero, -1, axis=0) & np.roll(zero, -2, axis=0)
    return x[~quarter[::2].any(axis=0)]


def lattice_roots(field: Field, box: Box, shape: tuple[int, int]) -> LatticeRoots:
    """All roots, to rounding, at sign changes along the edges of a lattice of `shape` cells."""
    lattice = lattice_of(field, box, shape)
    found = sign_changes_of(field, lattice, 0.0)
    root = found.roots
    vertices = zero_vertices(field, lattice)
    return LatticeRoots(found.points[root], lattice.axis[root], lattice.edge[root], lattice.values, vertices)


def sign_changes_of(field: Field, lattice: Lattice, nearly: float = NEARLY) -> SignChanges:
    """Locate the sign changes on a lattice's edges, until |F| is the share `nearly` of that at the ends."""
    return located(field, *lattice.ends, nearly)


def interpolated(lattice: Lattice) -> SignChanges:
    """The sign changes on a lattice's edges by linear interpolation, without any evaluation."""
    ends, values = lattice.ends
    share = (values[0] / (values[0] - values[1]))[:, None]
    points = ends[0] + share * (ends[1] - ends[0])
    return SignChanges(ends, values, points, np.zeros(len(share)), np.zeros(len(share), dtype=bool))


def _narrowest_part(
    share: Array, found: Array, sign: Signs, value_at: Callable[[Array], Array]
) -> tuple[Array, Array]:
    """The first of many parts of each bracket, (2, n), across which the sign changes, and F at its ends.

    It is for brackets that secants do not narrow, such as those of jumps: few calls of F cut them all.
    """
    (low, high), row = share, np.arange(share.shape[1])
    t = low + np.arange(PARTS + 1)[:, None] / PARTS * (high - low)
    value = np.concatenate([found[:1], value_at(t[1:-1]), found[1:]])
    k = (np.where(value[1:] < 0, -1, 1) != sign).argmax(axis=0)
    return np.stack([t[k, row], t[k + 1, row]]), np.stack([value[k, row], value[k + 1, row]])


def located(field: Field, ends: Array, values: Array, nearly: float = 0.0) -> SignChanges:
    """Locate a sign change between each two of points `ends` (2, n, 2) where F has `values` (2, n).

    One value of each two is negative, the other is not. Without `nearly` the results are exact to rounding.
    """
    n, size = values.shape[1], np.abs(values).max(axis=0)
    share = np.repeat([[0.0], [1.0]], n, axis=1)
    found, sign = values.copy(), np.where(values[0] < 0, -1, 1)

    def along(share: Array, which: Indices) -> Array:
        first, last = ends[:, which]
        return first + share[..., None] * (last - first)

    # An exact 0 may be one of a plateau: with `nearly` it does not end the search.
    def is_open(value: Array, which: Indices) -> Mask:
        return (np.abs(value) > nearly * size[which]) | ((value == 0) & (nearly > 0))

    left = np.flatnonzero(is_open(np.where(np.abs(values[0]) < np.abs(values[1]), *values), np.arange(n)))
    weight, last = values.copy(), np.full(n, -1)
    for k in range(SECANT_ROUNDS if nearly else ROUNDS):
        if not len(left):
            break
        low, high = share[:, left]
        with np.errstate(all="ignore"):
            t = low + (high - low) * (weight[0, left] / (weight[0, left] - weight[1, left]))
        t = np.clip(t, low + 0.5 * nearly * (high - low), high - 0.5 * nearly * (high - low))
        # Every third step bisects, as the others need not shorten the bracket.
        t = np.where((t > low) & (t < high) & (k % 3 < 2), t, 0.5 * low + 0.5 * high)
        value = field.value(along(t, left))
        side = np.where(np.where(value < 0, -1, 1) == sign[left], 0, 1)
        share[side, left], found[side, left], weight[side, left] = t, value, value
        # Illinois: the weight of an end that stays once more is halved.
        weight[1 - side, left] *= np.where(side == last[left], 0.5, 1.0)
        last[left] = side
        left = left[is_open(value, left) & (t > low) & (t < high)]
    while nearly and len(left):
        # Where F is noise there may be hundreds of thousands of brackets.
        for chunk in chunks(len(left), CUT_TOGETHER):
            some = left[chunk]
            share[:, some], found[:, some] = _narrowest_part(
                share[:, some], found[:, some], sign[some], lambda t, some=some: field.value(along(t, some))
            )
        left = left[share[1, left] - share[0, left] > FINEST]
    least = np.where(np.isnan(found), np.inf, np.abs(found))
    brackets = np.stack([along(share[0], np.arange(n)), along(share[1], np.arange(n))])
    best = brackets[least.argmin(axis=0), np.arange(n)]
    return SignChanges(brackets, found, best, _ratio(field, share, least, size), np.zeros(n, dtype=bool))


def _ratio(field: Field, share: Array, least: Array, size: Array) -> Array:
    """See `SignChanges`: of brackets (2, n), at whose ends |F| is `least`, on segments of the `size` of F."""
    # A narrow bracket tells a root from a jump next to 0.
    narrow = share[1] - share[0] <= 2 * FINEST
    remaining = np.where(narrow, least.max(axis=0), least.min(axis=0))
    with np.errstate(all="ignore"):
        ratio = np.where(remaining <= NOISE * noise_of(field), 0.0, remaining / size)
    return np.where(size > 0, ratio, 0.0)
