"""A share of `metamorphic.py`, with a fresh seed: proofs of one boundary, asked for in two ways, agree."""

from collections import Counter

import numpy as np
import pytest

import metamorphic
import tracer
from cases import rewritten
from cases.problems import BOX, T3
from cases.random_networks import as_network, random_problem

PROBLEMS = 2


@pytest.mark.parametrize("kind", ["networks", "formulas", "classes"])
def test_no_two_proofs_contradict_each_other(kind, fresh_seed):
    tally = Counter()
    for number in range(PROBLEMS):
        assert not list(metamorphic.contradictions(fresh_seed, number, [kind], tally))


@pytest.mark.parametrize("rewrite", rewritten.REWRITINGS, ids=lambda rewrite: rewrite.__name__)
def test_what_is_written_otherwise_has_the_same_values(rewrite, fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    problem = random_problem(rng, widest=6, blocks=0.5, deepest=3)
    layers, x = problem.exact.layers, rng.uniform(*problem.bounds.T, (50, 2))
    expected, found = as_network(layers).value(x), as_network(rewrite(rng, layers)).value(x)
    most = np.abs(expected).argmax()
    if abs(expected[most]) < 1e-6 * np.abs(layers[-1][0]).sum():
        pytest.skip("F is hardly more than rounding at all points")
    # Up to the sign, or a power of 2.
    ratio = found[most] / expected[most]
    assert np.exp2(np.round(np.log2(abs(ratio)))) == pytest.approx(abs(ratio), rel=1e-3)
    assert found == pytest.approx(ratio * expected, abs=1e-6 * abs(ratio) * np.abs(expected).max())


def test_a_curve_that_is_missing_is_a_contradiction():
    field = T3
    whole = tracer.trace(field, BOX)
    fewer = tracer.trace(field, [(-3, 3), (-3, 0)])
    assert not list(metamorphic.same(whole, tracer.trace(field, BOX, tolerance=1e-6)))
    assert list(metamorphic.same(whole, fewer))
