"""Zonotopes: edges gathered cell by cell, and what is proven of their vectors, against exact arithmetic."""

from fractions import Fraction

import numpy as np

from tracer.enclosures.forms.zonotope import Zonotope, oblique_direction


def some_zonotopes(rng, k, m):
    """Random zonotopes of k cells with m edges in all, and the edges as they were given."""
    cell, edges = rng.integers(0, k, m), rng.normal(0, 1, (2, m))
    center, box = rng.normal(0, 4, (2, k)), 0.1 * rng.random((2, k))
    return Zonotope.gathered(center, cell, edges, box), cell, edges


def test_every_cell_has_its_own_edges(fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    zonotopes, cell, edges = some_zonotopes(rng, 30, 80)
    some = np.flatnonzero(rng.random(30) < 0.4)
    row, which, length = zonotopes.edges_of(some, cell)
    assert sorted(which) == np.flatnonzero(np.isin(cell, some)).tolist()
    assert (some[row] == cell[which]).all()
    assert (length == np.hypot(*edges[:, which])).all()
    low, high = zonotopes.bounds()
    for k in range(30):
        reach = [sum(abs(Fraction(e)) for e in edges[i, cell == k]) for i in (0, 1)]
        for i in (0, 1):
            assert Fraction(low[i, k]) <= Fraction(zonotopes.center[i, k]) - reach[i]
            assert Fraction(high[i, k]) >= Fraction(zonotopes.center[i, k]) + reach[i]
            assert high[i, k] - low[i, k] <= 2 * (reach[i] + Fraction(zonotopes.box[i, k])) * Fraction(1.0001)


def test_all_vectors_lie_beyond_the_direction_that_is_found(fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    zonotopes, cell, edges = some_zonotopes(rng, 200, 500)
    found = oblique_direction(zonotopes[np.arange(200)[None]])
    known = np.flatnonzero(found.any(axis=0))
    assert 20 < len(known) < 200
    for k in known:
        d = [Fraction(x) for x in found[:, k]]
        along = sum(d[i] * Fraction(zonotopes.center[i, k]) for i in (0, 1))
        across = sum(abs(d[0] * Fraction(e) + d[1] * Fraction(f)) for e, f in edges[:, cell == k].T) + sum(
            abs(d[i]) * Fraction(zonotopes.box[i, k]) for i in (0, 1)
        )
        assert along > across


def test_a_zonotope_lies_beyond_a_direction_with_all_its_edges_and_its_box(fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    cell, edges = rng.integers(0, 300, 600), rng.normal(0, 1, (2, 600))
    center, box, d = rng.normal(0, 3, (2, 300)), rng.random((2, 300)), rng.normal(0, 1, (2, 300))
    found = Zonotope.gathered(center, cell, edges, box).lies_beyond(d)
    assert 20 < found.sum() < 280
    for k in range(300):
        x, y = (Fraction(c) for c in d[:, k])
        across = sum(abs(x * Fraction(e) + y * Fraction(f)) for e, f in edges[:, cell == k].T)
        across += abs(x) * Fraction(box[0, k]) + abs(y) * Fraction(box[1, k])
        least = x * Fraction(center[0, k]) + y * Fraction(center[1, k]) - across
        assert found[k] == (least > 0) or abs(least) < 1e-12
