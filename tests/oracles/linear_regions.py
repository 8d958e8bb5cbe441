"""The boundary of a small piecewise linear network, from its linear regions.

Shares no code with the library. A network is a list of (W, b, activation[, slope]). The box is cut into
convex polygons, neuron by neuron and layer by layer: in each the network so far is one affine map, so that
a kink of the next neuron is a straight line through it. In the last polygons F is affine, and {F = 0} is
one segment or none. Segments that meet are chained.

All in long double and in box units, both coordinates from 0 to 1. What is too near to degenerate for that
to be certain, or for double precision to be accurate, is `Undecided`: an exception with the reason.
"""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from oracles.broken_lines import kinks

LONG = np.longdouble
# Shares of the largest number that can occur in a layer: a sign below it is not certain.
UNSURE = 1e-15
# A vertex of the regions with |F| below this share of the largest |F| is as good as on the boundary.
TOUCHING = 1e-12
# Segments, and gaps between their ends, that are shorter are slivers; ends that are nearer are one.
SLIVER, SAME = 1e-9, 1e-14
# Sines of angles: sides that turn by less are one side; those that turn by more than the other are two.
STRAIGHT, TURNING = 1e-15, 1e-6
# The middle of a segment that is longer lies no nearer to another one: more than 2^14 cells would be finer.
LONGER, APART = 1e-3, 1e-5
# What one unit of rounding of F may move a vertex by.
ILL_CONDITIONED = 1e-12


class Undecided(Exception):
    """A network too near to degenerate."""


@dataclass(frozen=True)
class Polyline:
    """A component of {F = 0}: its vertices in box units, in order, F > 0 on the left.

    A closed one does not repeat its first vertex.
    """

    vertices: np.ndarray
    closed: bool


def activate(z, activation, slope=0.01):
    """The activation, by its formula."""
    if activation == "relu":
        return np.maximum(z, 0)
    if activation == "leaky_relu":
        return np.where(z > 0, z, LONG(slope) * z)
    return np.clip(z, -1, 1) if activation == "hardtanh" else z


def evaluate(layers, x):
    """F at points x (..., 2), in long double."""
    h = np.asarray(x, LONG)
    for weight, bias, *name in layers:
        h = activate(h @ np.asarray(weight, LONG).T + np.asarray(bias, LONG), *name)
    return h[..., 0]


def boundary(layers, bounds):
    """The components of {F = 0} in the box.

    Returns
    -------
    list of Polyline

    Raises
    ------
    Undecided
    """
    layers = [(np.asarray(w, LONG), np.asarray(b, LONG), *name) for w, b, *name in layers]
    layers[0] = (*_in_box_units(*layers[0][:2], np.asarray(bounds, LONG)), *layers[0][2:])
    cells = _Cells.box()
    for k, layer in enumerate(layers):
        cells.enter(*layer[:2])
        cells.discard(layer[2:], layers[k + 1 :])
        for neuron in range(len(layer[1])):
            for kink in kinks(*layer[2:])[0]:
                cells.cut(neuron, kink)
        cells.leave(*layer[2:])
    return _chained(*cells.segments())


def _range(low, high, *activation):
    """The least and the greatest value of an activation between two numbers: at them or at kinks."""
    at = np.stack([low, high, *(np.clip(LONG(kink), low, high) for kink in kinks(*activation)[0])])
    values = activate(at, *activation)
    return values.min(axis=0), values.max(axis=0)


def _in_box_units(weight, bias, bounds):
    low, sides = bounds[:, 0], bounds[:, 1] - bounds[:, 0]
    return weight * sides, weight @ low + bias


class _Cells:
    """Convex polygons, counter-clockwise, each with its own affine map of the box.

    Attributes
    ----------
    corners : ndarray, shape (n, K, 2)
        From `count` on the first one is repeated.
    count : ndarray, shape (n,)
    maps : ndarray, shape (r, m, 3)
        Affine maps: the partials and the constant of each neuron of the layer.
    row : ndarray, shape (n,)
        Which of them is whose.
    piece : ndarray, shape (n, m)
        Which linear piece of its activation each neuron is on.
    size : float
        The largest number that can occur in the layer.
    """

    def __init__(self, corners, count, maps):
        self.corners, self.count, self.maps = corners, count, maps
        self.size = LONG(1)
        self._renew()

    @classmethod
    def box(cls):
        corners = np.array([[[0, 0], [1, 0], [1, 1], [0, 1]]], LONG)
        return cls(corners, np.array([4]), np.array([[[1, 0, 0], [0, 1, 0]]], LONG))

    def _renew(self):
        self.row = np.arange(len(self.count))
        self.piece = np.zeros((len(self.count), self.maps.shape[1]), np.intp)

    def _keep(self, which):
        self.corners, self.count = self.corners[which], self.count[which]
        self.row, self.piece = self.row[which], self.piece[which]

    def enter(self, weight, bias):
        """To the pre-activations of the next layer."""
        maps = np.zeros((len(self.maps), len(weight), 3), LONG)
        for k in range(weight.shape[1]):
            maps += weight[:, k, None] * self.maps[:, None, k]
        maps[:, :, 2] += bias
        self.maps = maps
        self.size = (np.abs(weight).sum(axis=1) * self.size + np.abs(bias)).max()
        self._renew()

    def leave(self, activation, slope=0.01):
        """Through the activation of this layer."""
        _, slopes, offsets = (np.array(part, LONG) for part in kinks(activation, slope))
        maps = self.maps[self.row] * slopes[self.piece][:, :, None]
        maps[:, :, 2] += offsets[self.piece]
        self.maps = maps
        self._renew()

    def values(self, neuron):
        """One pre-activation at all corners, (n, K)."""
        a = self.maps[self.row, neuron]
        return self.corners[..., 0] * a[:, None, 0] + self.corners[..., 1] * a[:, None, 1] + a[:, None, 2]

    def discard(self, activation, layers):
        """Leave out the cells in which intervals prove that F is not 0."""
        z = np.stack([self.values(k) for k in range(self.maps.shape[1])], axis=-1)
        low, high = _range(z.min(axis=1), z.max(axis=1), *activation)
        size = self.size
        for weight, bias, *name in layers:
            plus, minus = np.maximum(weight, 0).T, np.minimum(weight, 0).T
            low, high = low @ plus + high @ minus + bias, high @ plus + low @ minus + bias
            low, high = _range(low, high, *name)
            size = (np.abs(weight).sum(axis=1) * size + np.abs(bias)).max()
        margin = TOUCHING * (high - low) + UNSURE * size
        self._keep(((low <= margin) & (high >= -margin))[:, 0])

    def cut(self, neuron, kink):
        """All cells along z = kink of one neuron."""
        z = self.values(neuron) - kink
        low, high = z.min(axis=1), z.max(axis=1)
        apart = np.flatnonzero((low < 0) & (high > 0))
        if (np.abs(z) <= UNSURE * self.size).any():
            raise Undecided("a kink through a vertex")
        self.piece[low > 0, neuron] += 1
        if not len(apart):
            return
        start, entry, leaving, positive = self._crossings(apart, z[apart])
        count, corners = self.count[apart], self.corners[apart]
        above = _part(corners, count, start, positive, entry, leaving)
        below = _part(corners, count, start + positive, count - positive, leaving, entry)
        whole = np.flatnonzero((low > 0) | (high < 0))
        self.corners = _padded([self.corners[whole], above, below])
        self.count = np.concatenate([count[:0], self.count[whole], positive + 2, count - positive + 2])
        self.corners = self.corners[:, : self.count.max()]
        self.row = np.concatenate([self.row[whole], self.row[apart], self.row[apart]])
        upper = self.piece[apart]
        upper[:, neuron] += 1
        self.piece = np.concatenate([self.piece[whole], upper, self.piece[apart]])

    def _crossings(self, which, z):
        """Where z changes sign around cells: first positive corner, the points before it and after the last.

        And how many corners are positive.
        """
        count, corners, row = self.count[which], self.corners[which], np.arange(len(which))
        up = z > 0
        if ((up != np.roll(up, 1, axis=1)).sum(axis=1) != 2).any():
            raise Undecided("a sliver of a region")
        start = (up & ~np.roll(up, 1, axis=1)).argmax(axis=1) % count
        positive = (up & (np.arange(z.shape[1]) < count[:, None])).sum(axis=1)

        def between(i, j):
            i, j = i % count, j % count
            share = z[row, i] / (z[row, i] - z[row, j])
            return corners[row, i] + share[:, None] * (corners[row, j] - corners[row, i])

        return start, between(start, start - 1), between(start + positive - 1, start + positive), positive

    def segments(self):
        """The boundary in each cell: starts and ends (m, 2), gradients (m, 2)."""
        f = self.values(0)
        self._check(f)
        which = np.flatnonzero((f.min(axis=1) < 0) & (f.max(axis=1) > 0))
        if not len(which):
            return np.zeros((3, 0, 2), LONG)
        _, end, start, _ = self._crossings(which, f[which])
        return start, end, self.maps[self.row[which], 0, :2]

    def _check(self, f):
        if len(f) and (np.abs(f) <= max(UNSURE * self.size, TOUCHING * np.abs(f).max())).any():
            raise Undecided("the boundary through a vertex of the regions")


def _part(corners, count, first, length, before, after):
    """Polygons of `length` successive corners from `first` on, between two points."""
    j = np.arange(length.max() + 2)[None]
    index = (first[:, None] + j - 1) % count[:, None]
    part = np.take_along_axis(corners, index[:, :, None], axis=1)
    part[:, 0] = before
    part[np.arange(len(part)), length + 1] = after
    return np.where((j > length[:, None] + 1)[:, :, None], before[:, None], part)


def _padded(parts):
    """Polygons of several arrays in one, their first corners repeated."""
    most = max(part.shape[1] for part in parts)
    wide = [np.concatenate([p, np.repeat(p[:, :1], most - p.shape[1], axis=1)], axis=1) for p in parts]
    return np.concatenate(wide)


def _chained(start, end, gradient):
    """Segments joined to polylines."""
    if not len(start):
        return []
    if np.hypot(*(end - start).T).min() < SLIVER:
        raise Undecided("a sliver of the boundary")
    if _nearest_middle(start, end) < APART:
        raise Undecided("parts of the boundary too near to each other")
    following = _successors(start, end)
    first = np.setdiff1d(np.arange(len(start)), following).tolist()
    left, lines = set(range(len(start))), []
    while left:
        closed = not first
        k = min(left) if closed else first.pop()
        chain = []
        while k in left:
            left.remove(k)
            chain.append(k)
            k = following[k]
        if not closed and k >= 0:
            raise Undecided("segments that do not chain")
        lines.append(_polyline(start[chain], end[chain[-1]], gradient[chain], closed))
    return lines


def _nearest_middle(start, end):
    """The least distance of the middles of long segments from other segments."""
    along, long = end - start, np.hypot(*(end - start).T) > LONGER
    away = (start + along / 2)[long, None] - start
    share = ((away * along).sum(axis=2) / (along * along).sum(axis=1)).clip(0, 1)
    distance = np.hypot(*np.moveaxis(away - share[..., None] * along, 2, 0))
    distance[np.arange(long.sum()), np.flatnonzero(long)] = np.inf
    return distance.min(initial=np.inf)


def _successors(start, end):
    """The segment that starts where each one ends; −1 at the sides of the box."""
    distance, index = cKDTree(start.astype(float)).query(end.astype(float), k=min(2, len(start)))
    distance, index = distance.reshape(len(end), -1), index.reshape(len(end), -1)
    outer, joined = _on_sides(end), distance[:, 0] <= SAME
    if (outer & joined).any() or (~outer & ~joined).any() or (distance[:, 1:] < SLIVER).any():
        raise Undecided("segments that end too near to each other")
    if len(np.unique(index[joined, 0])) != joined.sum() or _on_sides(start).sum() != outer.sum():
        raise Undecided("segments that do not chain")
    return np.where(joined, index[:, 0], -1)


def _on_sides(x):
    return (np.minimum(x, 1 - x) <= SAME).any(axis=1)


def _polyline(start, last, gradient, closed):
    before, after = np.roll(gradient, 1, axis=0), gradient
    turn = np.abs(before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0])
    turn /= np.hypot(*before.T) * np.hypot(*after.T)
    straight = (turn <= STRAIGHT) & ((before * after).sum(axis=1) > 0)
    unsure = (turn < TURNING) & ~straight
    if not closed:
        straight[0] = unsure[0] = False
    if unsure.any():
        raise Undecided("a vertex that hardly turns")
    vertices = start[~straight]
    if len(vertices) < 1 + 2 * closed:
        raise Undecided("a loop without vertices")
    return Polyline(vertices if closed else np.concatenate([vertices, last[None]]), closed)
