"""Proofs asked for in other arithmetics: the same as in IEEE double precision, or none."""

import ctypes
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import pytest

import tracer
from cases.control_word import BITS, MODES, arithmetic, needs_modes, set_bits
from cases.problems import BOX, T1
from tracer.enclosures import arithmetic as ours

pytestmark = needs_modes
SQUARE = [(0, 1), (0, 1)]
# The curve is where x1 is subnormal: 8.9e-309, and elsewhere where that is taken for 0.
TINY, SUBNORMAL = [(0, 1e-306), (-1, 1)], 8.900295434028804e-309


def scaled(x1, x2):
    return (x1 * 2.0**1000) * 2.0**20 - 0.1 + 0 * x2


def classes():
    """Whose two classes meet at x1 = 0.25: their weights differ by a subnormal number."""
    large = tracer.Layer([[2.0**1000, 0], [0, 1]], [0, 0])
    return tracer.Network([large, tracer.Layer([[1.5 * 2.0**-1022, 0], [2.0**-1022, 0]], [-(2.0**-25), 0])])


@pytest.fixture(params=MODES)
def mode(request):
    return request.param


def test_the_arithmetic_is_looked_up_set_and_put_back(mode):
    assert ours.flaw() is None
    with arithmetic(mode):
        before = ours.flaw()
        with ours.ieee_arithmetic():
            inside = ours.flaw()
        after = ours.flaw()
    assert before == after is not None
    assert inside is None
    assert ours.flaw() is None


def test_it_is_put_back_after_an_error(mode):
    def fails(x1, x2):
        assert ours.flaw() is None
        raise KeyError("x")

    with arithmetic(mode):
        with pytest.raises(KeyError):
            tracer.solve(fails, SQUARE, x2=0.5)
        after = ours.flaw()
    assert after is not None


def test_a_subnormal_curve_is_where_it_is(mode):
    with arithmetic(mode):
        roots = tracer.solve(scaled, TINY, x2=0.5)
        boundary = tracer.trace(scaled, TINY)
    assert roots.complete
    assert boundary.certificate.complete
    assert abs(roots.points[0, 0] - SUBNORMAL) < 1e-320
    assert np.abs(boundary[0].points[:, 0] - SUBNORMAL).max() < 1e-320


def test_boxes_may_have_subnormal_sides(mode):
    with arithmetic(mode):
        boundary = tracer.trace(lambda x1, x2: x2 + 0 * x1, [(0, 1e-310), (-1, 1)], max_cells=1000)
    assert boundary.bounds[0] == (0, 1e-310)


def test_weights_are_folded_in_the_same_arithmetic(mode):
    with arithmetic(mode):
        margin, level = classes().margin(0, 1), classes().level(0, 2.0**-25)
        plane = classes().restrict(tracer.Plane([0, 0], [0.5, 0], [0, 1]))
    for field, expected in ((margin, classes().margin(0, 1)), (level, classes().level(0, 2.0**-25))):
        assert field.layers[-1].to_json() == expected.layers[-1].to_json()
    assert plane.layers[0].to_json()["W"][0][0] == 2.0**999
    boundary = tracer.trace(margin, SQUARE)
    assert boundary.certificate.complete
    assert boundary[0].points[:, 0] == pytest.approx(0.25)


def test_everything_is_the_same_to_the_last_bit(mode):
    network, bounds = tracer.example("iris")
    points = np.array([[0.3, 0.1], [2.0, -1.0]])

    def answers():
        boundary = tracer.trace(T1, BOX)
        nearest = boundary.nearest(points)
        partition = tracer.partition(network, bounds)
        numbers = [boundary[0].points, boundary[0].error_bound, nearest.points, nearest.distances]
        numbers += [arc.curve.points for arc in partition.arcs]
        status = boundary.certificate.status, partition.status, nearest.proven.tolist()
        return status, [array.tobytes() for array in numbers]

    expected = answers()
    with arithmetic(mode):
        found = answers()
    assert found == expected
    assert expected[0][0] is tracer.Status.PROVEN


def test_eight_threads_at_once():
    modes = list(islice(cycle(MODES), 8))

    def work(mode):
        with arithmetic(mode):
            return tracer.trace(scaled, TINY), ours.flaw()

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(work, modes * 2))
    for boundary, flaw in found:
        assert flaw is not None
        assert boundary.certificate.complete
        assert np.abs(boundary[0].points[:, 0] - SUBNORMAL).max() < 1e-320


def test_workers_of_trace_many(mode):
    def begin():
        set_bits(BITS[mode])

    with ThreadPoolExecutor(2, initializer=begin) as pool:
        outcomes = list(tracer.trace_many([(scaled, TINY)] * 3, pool))
    for outcome in outcomes:
        assert outcome.boundary.certificate.complete
        assert np.abs(outcome.boundary[0].points[:, 0] - SUBNORMAL).max() < 1e-320


def test_what_cannot_be_set_right_is_not_proven(mode, monkeypatch):
    network, bounds = tracer.example("iris")
    known = tracer.trace(T1, BOX)
    monkeypatch.setattr(ours, "_c_library", lambda: None)
    with arithmetic(mode):
        boundary = tracer.trace(T1, BOX)
        partition = tracer.partition(network, bounds)
        roots = tracer.solve(T1, BOX, x2=0.5)
        nearest = known.nearest([0.3, 0.1])
        by_arcs = partition.nearest([0.3, 0.1])
        with pytest.raises(FloatingPointError, match=r"rounded to nearest; it .*: reset"):
            network.margin(0, 1)
    for result in (boundary, partition):
        assert result.certificate.status is tracer.Status.UNSOUND_ARITHMETIC
        assert "fesetenv" in str(result.certificate)
        assert "not proven" in repr(result)
        assert result.certificate.proof is None
        assert result.certificate.undecided.tolist() == [np.transpose(result.certificate.bounds).tolist()]
    assert not any(curve.proven for curve in boundary)
    assert not any(arc.curve.proven for arc in partition.arcs)
    assert not roots.complete
    assert roots.undecided.tolist() == [[[-3, 0.5], [3, 0.5]]]
    assert "in this thread" in repr(roots)
    assert not nearest.proven.any()
    assert not by_arcs.proven.any()
    assert not partition.nearest([0.3, 0.1]).proven.any()


def test_an_arithmetic_that_changes_during_the_call_proves_nothing(mode):
    before = []

    def loads_a_library(x1, x2):
        if not before:
            before.append(set_bits(BITS[mode]))
        return x1 - 0.3 * x2

    try:
        boundary = tracer.trace(loads_a_library, SQUARE)
    finally:
        ctypes.CDLL(None).fesetenv(before[0])
    assert boundary.certificate.status is tracer.Status.UNSOUND_ARITHMETIC
    assert not any(curve.proven for curve in boundary)


WIDE = """
import sys
from cases.control_word import BITS, set_bits
set_bits(BITS[sys.argv[1]])  # before the threads of BLAS begin
import numpy as np
import ctypes
ctypes.CDLL(None).fesetenv(ctypes.create_string_buffer(bytes.fromhex(sys.argv[2])))
from tracer.enclosures import arithmetic, rounding
assert arithmetic.flaw() is None
tiny = np.full((512, 512), 2.0**-530)
known = rounding.matmul(tiny, tiny)
assert (known == 2.0**-1051).all(), np.unique(known)
ones = np.concatenate([np.ones((512, 1)), np.full((512, 512), 2.0**-53)], axis=1)
assert (rounding.matmul(ones, np.ones((513, 512))) <= 1 + 2.0**-44).all()
"""


@pytest.mark.parametrize("mode", [mode for mode in ("flush", "up") if mode in MODES])
def test_threads_of_blas_that_began_in_another_arithmetic(mode):
    before = ctypes.create_string_buffer(512)
    ctypes.CDLL(None).fegetenv(before)
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    environment = {"OPENBLAS_NUM_THREADS": "2", "PYTHONPATH": path}
    command = [sys.executable, "-c", WIDE, mode, before.raw.hex()]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
