"""Random distance functions F as people write them, and the regions {F ≤ level}, computed by shapely.

A *shape* is a convex polygon (the largest of the distances to its sides), the tube around a polygon's outline
(the distance to the nearest segment, less a radius), or made of others: unions, common parts, differences,
offsets, and smooth minima [1]_ of two polygons a and b. With s = a + b and d = a − b, {F ≤ 0} is s ≤ φ(d):

    polynomial   F = min(a, b) − max(k − |d|, 0)² / 4k   has   φ = k/2 + d²/2k for |d| < k, else |d|,
    exponential  F = −k log(exp(−a/k) + exp(−b/k))       has   φ = 2k log(2 cosh(d/2k)).

Where a and b are affine, that is the image of one region under an affine map: so the whole is composed of
such images, each cut to the part of the plane where one side of each polygon decides. Circular arcs and these
curves are polygons of so many sides that lengths and areas are right to 1e-10.

References
----------
.. [1] I. Quilez, "Smooth minimum" (2013), iquilezles.org/articles/smin.
"""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import shapely

# Sides of a quarter of a circle, and of the curves of both smooth minima: that of one is much longer.
QUARTER, PARABOLA, EXPONENTIAL = 2**16, 2**14, 2**17
# Beyond so many widths k the curves of smooth minima are straight, to rounding.
FAR = 30.0
# A part of the plane that holds all shapes, and lengths beyond it; the grid on which parts are joined.
REACH, BEYOND, GRID = 9.0, 100.0, 1e-11
# The area of a hole that is none.
SLIT = 1e-10
BOX = [(-2.0, 2.0), (-1.9, 2.1)]


class Shape:
    """A distance function, the regions {F ≤ level} for levels, and a name."""

    def __init__(self, f: Callable[[Any, Any], Any], region: Callable[[float], Any], name: str) -> None:
        self.f, self.region, self.name = f, region, name

    def measures(self, bounds):
        """The length of F = 0 in a box, and the area of F ≤ 0."""
        (left, right), (low, high) = bounds
        box, region = shapely.box(left, low, right, high), _without_slits(self.region(0.0))
        if region.is_empty:
            return 0.0, 0.0
        return region.boundary.intersection(box).length, region.intersection(box).area


def _without_slits(region):
    """A region without the holes that rounding has left between its parts."""
    return shapely.union_all(
        [
            shapely.Polygon(
                part.exterior, [hole for hole in part.interiors if shapely.Polygon(hole).area > SLIT]
            )
            for part in shapely.get_parts(region)
        ]
    )


def random_shape(rng):
    """A random distance function."""
    depth = int(rng.choice(3, p=[0.25, 0.5, 0.25]))
    shape = _composed(rng, depth)
    return offset(shape, round(rng.uniform(-0.05, 0.15), 3)) if rng.random() < 0.5 else shape


def _composed(rng, depth):
    if depth == 0:
        return [Planes.random, tube][int(rng.random() < 0.2)](rng)
    if depth == 1 and rng.random() < 0.35:
        smooth = [polynomial_minimum, exponential_minimum][int(rng.random() < 0.3)]
        return smooth(Planes.random(rng), Planes.random(rng), round(rng.uniform(0.02, 0.3), 3))
    combine = [union, difference, common][int(rng.choice(3, p=[0.45, 0.35, 0.2]))]
    return combine(_composed(rng, depth - 1), _composed(rng, depth - 1))


class Planes(Shape):
    """A convex polygon with the given corners (n, 2), counterclockwise, as the largest of n distances."""

    def __init__(self, corners):
        along = np.roll(corners, -1, axis=0) - corners
        normals = np.stack([along[:, 1], -along[:, 0]], axis=1) / np.hypot(*along.T)[:, None]
        self.corners, self.normals, self.offsets = corners, normals, (normals * corners).sum(axis=1)
        super().__init__(self.distance, self.moved, f"{len(corners)} sides")

    @classmethod
    def random(cls, rng):
        """Of 3 to 9 sides, with corners on an ellipse, in any position."""
        n, turn, radius = int(rng.integers(3, 10)), rng.uniform(0, 2 * np.pi), rng.uniform(0.4, 1.0)
        share = rng.uniform(0.5, 1.5, n)
        t = 2 * np.pi * np.cumsum(share / share.sum())
        c, s = np.cos(turn), np.sin(turn)
        round_ = radius * np.stack([np.cos(t), rng.uniform(0.6, 1.0) * np.sin(t)], axis=1)
        return cls(rng.uniform(-0.7, 0.7, 2) + round_ @ np.array([[c, s], [-s, c]]))

    def distance(self, x, y):
        """F."""
        found = None
        for (p, q), to in zip(self.normals, self.offsets, strict=True):
            side = p * x + q * y - to
            found = side if found is None else np.maximum(found, side)
        return found

    def moved(self, level):
        """Its sides moved outward."""
        sides = zip(self.normals, self.offsets, strict=True)
        return _common(_half_plane(normal, to + level) for normal, to in sides)

    def domains(self):
        """For each side its normal, its offset, and the part of the plane where its distance is largest."""
        for normal, to in zip(self.normals, self.offsets, strict=True):
            less = [(n - normal, d - to) for n, d in zip(self.normals, self.offsets, strict=True)]
            yield normal, to, _common(_half_plane(*other) for other in less if other[0].any())


def _common(parts):
    whole = shapely.box(-REACH, -REACH, REACH, REACH)
    for part in parts:
        whole = whole & part
    return whole


def _half_plane(normal, to):
    """Where normal · x ≤ to, far beyond the reach."""
    size = np.hypot(*normal)
    out, along = BEYOND * normal / size, BEYOND * np.array([-normal[1], normal[0]]) / size
    foot = to / size**2 * normal
    return shapely.Polygon([foot + along, foot - along, foot - along - out, foot + along - out])


def tube(rng):
    """The tube around the outline of a polygon."""
    of, radius = Planes.random(rng), round(rng.uniform(0.06, 0.2), 3)
    corners = of.corners

    def f(x, y):
        found = None
        for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            along, dx, dy = b - a, x - a[0], y - a[1]
            t = np.clip((dx * along[0] + dy * along[1]) / (along @ along), 0, 1)
            to_side = np.hypot(dx - t * along[0], dy - t * along[1])
            found = to_side if found is None else np.minimum(found, to_side)
        return found - radius

    return Shape(f, lambda level: _thick(corners, radius + level), f"tube of {of.name}")


def _thick(corners, radius):
    """All that is nearer to a polygon's outline than a radius: GEOS's own buffers are right to 1e-9 only."""
    if radius <= 0:
        return shapely.Polygon()
    turn = np.linspace(0, 2 * np.pi, 4 * QUARTER, endpoint=False)
    disc, parts = radius * np.stack([np.cos(turn), np.sin(turn)], axis=1), []
    for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        out = radius * np.array([b[1] - a[1], a[0] - b[0]]) / np.hypot(*(b - a))
        parts += [shapely.Polygon([a - out, a + out, b + out, b - out]), shapely.Polygon(a + disc)]
    return shapely.union_all(parts)


def offset(a, by):
    """All curves of a distance function moved outward."""
    return Shape(lambda x, y: a.f(x, y) - by, lambda level: a.region(level + by), f"{a.name} moved by {by}")


def union(a, b):
    """All of both."""
    f = lambda x, y: np.minimum(a.f(x, y), b.f(x, y))  # noqa: E731
    return Shape(f, lambda level: a.region(level) | b.region(level), f"({a.name} | {b.name})")


def common(a, b):
    """What is in both."""
    f = lambda x, y: np.maximum(a.f(x, y), b.f(x, y))  # noqa: E731
    return Shape(f, lambda level: a.region(level) & b.region(level), f"({a.name} & {b.name})")


def difference(a, b):
    """The first without the second."""
    f = lambda x, y: np.maximum(a.f(x, y), -b.f(x, y))  # noqa: E731
    return Shape(f, lambda level: a.region(level) - b.region(-level), f"({a.name} - {b.name})")


def polynomial_minimum(a, b, k):
    """The polynomial smooth minimum of two polygons."""

    def f(x, y):
        p, q = a.f(x, y), b.f(x, y)
        return np.minimum(p, q) - np.maximum(k - np.abs(p - q), 0) ** 2 / (4 * k)

    d = np.linspace(-k, k, PARABOLA + 1)
    s = k / 2 + d**2 / (2 * k)
    return Shape(f, lambda level: _smooth(a, b, d, s, level), f"polynomial({a.name}, {b.name}, {k})")


def exponential_minimum(a, b, k):
    """The exponential smooth minimum of two polygons."""

    def f(x, y):
        return -k * np.logaddexp(-a.f(x, y) / k, -b.f(x, y) / k)

    # Closer where the curve turns.
    d = 4 * k * np.arcsinh(np.tan(np.arctan(np.sinh(FAR / 4)) * np.linspace(-1, 1, EXPONENTIAL + 1)))
    s = 2 * k * np.logaddexp(d / (2 * k), -d / (2 * k))
    return Shape(f, lambda level: _smooth(a, b, d, s, level), f"exponential({a.name}, {b.name}, {k})")


def _smooth(a, b, d, s, level):
    """Where a + b − 2 level ≤ φ(a − b) for two polygons, given points (d, s) of φ where it is no |d|."""
    d = np.concatenate([[-BEYOND], d, [BEYOND, BEYOND, -BEYOND]])
    s = np.concatenate([[BEYOND], s, [BEYOND, -3 * BEYOND, -3 * BEYOND]]) + 2 * level
    ab, parts = np.stack([s + d, s - d]) / 2, []
    for (m, p, part), (n, q, other) in product(a.domains(), b.domains()):
        domain = part & other
        if domain.area:
            image = np.linalg.solve(np.stack([m, n]), ab + np.array([[p], [q]]))
            parts.append(shapely.Polygon(image.T) & domain)
    return shapely.union_all(parts, grid_size=GRID)
