"""Where a budget ends a proof, what is followed without one is returned once, however branches meet."""

import numpy as np
import pytest

import tracer

SQUARE = [(-1, 1), (-1, 1)]
# Places along each curve, and the distance within which another is at the same place.
PLACES, SAME = 100, 1e-6
# A cusp, a parabola beside it, and a cusp that is a thin gap wide, each turned and moved.
FACTORS = [
    lambda u, v, gap: u * u - v**3 - gap,
    lambda u, v, gap: u * u - v * v - gap,
    lambda u, v, gap: u - 0.2 * v * v,
    lambda u, v, gap: u * u - v**4 + gap,
    lambda u, v, gap: u * (u - v * v) - gap,
]


def product_of(parts):
    """A product of factors, each of the coordinates along and beside a direction, from a point."""

    def f(x, y):
        value = 1.0
        for kind, angle, a, b, gap in parts:
            c, s = np.cos(angle), np.sin(angle)
            value = value * FACTORS[kind](c * (x - a) + s * (y - b), c * (y - b) - s * (x - a), gap)
        return value

    return f


def random_parts(seed):
    rng = np.random.default_rng(seed)
    return [
        (rng.integers(len(FACTORS)), rng.uniform(0, np.pi), *rng.uniform(-0.4, 0.4, 2), gap)
        for gap in rng.choice([0.0, 1e-3, 1e-5, 1e-8], 3)
    ]


def shares_covered(boundary):
    """For each curve the largest share of it that lies on one other curve."""
    for one in boundary:
        at = one(np.linspace(0, one.length, PLACES + 2)[1:-1])
        others = [other for other in boundary if other is not one and other.length > 0]
        yield max((np.mean(_distances(at, other) < SAME) for other in others), default=0.0)


def _distances(points, curve):
    """The distances of points (n, 2) from a fine polyline along a curve."""
    x = curve(np.linspace(0, curve.length, 4001))
    step = np.diff(x, axis=0)
    size = np.maximum((step**2).sum(axis=1), 1e-300)
    nearest = np.hypot(*(points[:, None] - x).transpose(2, 0, 1)).argmin(axis=1)
    found = np.full(len(points), np.inf)
    for k in (np.maximum(nearest - 1, 0), np.minimum(nearest, len(step) - 1)):
        away = points - x[k]
        along = np.clip((away * step[k]).sum(axis=1) / size[k], 0, 1)
        found = np.minimum(found, np.hypot(*(away - along[:, None] * step[k]).T))
    return found


MEETING = [
    (0, 2.292280190156093, -0.2594755035179528, 0.29054313787990926, 0.0),
    (2, 0.9415726735057562, -0.061850223041873265, -0.37734426308362967, 0.0),
    (0, 2.106828734519464, 0.11775160925940009, 0.0923080891850031, 1e-8),
]


@pytest.mark.parametrize("parts", [MEETING, random_parts(1), random_parts(3)])
def test_no_stretch_of_a_curve_is_returned_twice(parts):
    boundary = tracer.trace(product_of(parts), SQUARE, max_cells=1000)
    assert len(boundary)
    assert max(shares_covered(boundary)) < 0.1
