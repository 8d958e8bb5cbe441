"""The strips between two nested boxes: which of their pieces may be divided differently in the two."""

from itertools import pairwise

import numpy as np
import pytest

import tracer
from tracer.atlas.classes.collar import _Strips
from tracer.fields.piecewise_linear.rational_network import RationalNetwork

# The distance between the boxes.
WIDTH = 2.0**-30


def pieces(*ends, candidates, sign):
    """Pieces of the lower side from each end to the next, and the three other sides whole, of class 0."""
    low, high = ends[0], ends[-1]
    cells = [[[a, 0], [b, WIDTH]] for a, b in pairwise(ends)]
    cells += [[[high - WIDTH, 0], [high, 1]], [[low, 1 - WIDTH], [high, 1]], [[low, 0], [low + WIDTH, 1]]]
    side = [0] * (len(ends) - 1) + [1, 2, 3]
    mask = np.array([[k in some for k in (0, 1)] for some in [*candidates, [0], [0], [0]]])
    signs = np.array([*sign, 0, 0, 0])
    return _Strips(np.array(cells, dtype=float), np.array(side), mask, signs, np.zeros(len(side), dtype=int))


@pytest.mark.parametrize(
    ("sign", "undecided"),
    [
        ([1, 1], [False, False]),
        ([1, -1], [True, True]),
        ([0, 1], [True, True]),
        ([0, 0], [True, True]),
    ],
)
def test_pieces_of_two_classes_are_decided_if_their_margin_has_one_direction(sign, undecided):
    strips = pieces(-1, 0, 1, candidates=[[0, 1], [0, 1]], sign=sign)
    assert strips.undecided().tolist() == [*undecided, False, False, False]


def test_a_single_piece_without_a_direction_is_undecided():
    strips = pieces(-1, 0, 1, candidates=[[1], [0, 1]], sign=[0, 0])
    assert strips.undecided().tolist() == [False, True, False, False, False]


@pytest.mark.parametrize(("end", "is_cone"), [(0.25, True), (0.5, False), (0.75, False)])
def test_a_run_is_a_cone_only_if_no_neuron_passes_a_kink_in_it_but_at_the_apex(end, is_cone):
    """Two classes are equal at x1 = 0, where both neurons have a kink; a third has one at x1 = 1/2."""
    hidden = tracer.Layer([[1.0, 0.0], [-1.0, 0.0], [1.0, 0.0]], [0.0, 0.0, -0.5], "relu")
    network = tracer.Network([hidden, tracer.Layer([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], np.zeros(2))])
    strips = pieces(-1, -0.25, end, 1, candidates=[[1], [0, 1], [0]], sign=[0, 0, 0])
    exact = RationalNetwork.of(network)
    assert exact is not None
    assert strips.in_cones(exact).tolist() == [False, is_cone, False, False, False, False]
