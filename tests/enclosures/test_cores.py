"""Chunks on several threads: results of one thread, errors, the deadline, the arithmetic of helpers."""

import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import tracer
from cases.cells import random_network
from tracer.arrays import chunks
from tracer.enclosures import cores
from tracer.enclosures.clock import Overtime, until
from tracer.enclosures.cores import on_cores, one_thread, threads
from tracer.fields.networks import kink_cases
from tracer.fields.sampled import SampledModel

BOX = [(-2, 2), (-2, 2)]


@pytest.fixture
def two_threads(monkeypatch):
    monkeypatch.setenv("TRACER_THREADS", "2")
    before = threading.active_count()
    yield
    assert threading.active_count() == before


class Meeting:
    """A call that the threads of its first two chunks enter at once, so that both take part."""

    def __init__(self):
        self.barrier, self.names = threading.Barrier(2), {}

    def __call__(self, chunk):
        if chunk < 2:
            self.barrier.wait(timeout=30)
        self.names[chunk] = threading.current_thread()
        return 10 * chunk


@pytest.mark.parametrize(("number", "size"), [(0, 5), (1, 5), (5, 5), (6, 5), (256, 182), (1000, 7), (3, 1)])
def test_chunks_are_nearly_equal_and_cover_all_rows(number, size):
    parts = chunks(number, size)
    rows = [k for part in parts for k in range(part.start, part.stop)]
    lengths = [part.stop - part.start for part in parts] or [0]
    assert rows == list(range(number))
    assert len(parts) == math.ceil(number / size)
    assert max(lengths) <= size
    assert max(lengths) - min(lengths) <= 1


def test_results_are_in_the_order_of_the_chunks_whoever_computed_them(two_threads):
    call = Meeting()
    assert on_cores(call, range(9)) == [10 * k for k in range(9)]
    assert len(set(call.names.values())) == 2


def test_an_error_in_either_thread_is_raised_and_ends_the_work(two_threads):
    for fails_in_helper in (True, False):
        meeting, begun = Meeting(), []

        def call(chunk, meeting=meeting, begun=begun, fails_in_helper=fails_in_helper):
            begun.append(chunk)
            meeting(chunk)
            if (threading.current_thread() is not threading.main_thread()) == fails_in_helper:
                raise KeyError(chunk)
            time.sleep(0.01)

        with pytest.raises(KeyError):
            on_cores(call, range(1000))
        assert len(begun) < 1000


def test_a_helper_keeps_the_deadline_of_its_caller(two_threads):
    from tracer.enclosures.clock import look

    meeting = Meeting()

    def call(chunk):
        meeting(chunk)
        if threading.current_thread() is not threading.main_thread():
            look()

    with pytest.raises(Overtime), until(time.perf_counter()):
        on_cores(call, range(2))


def test_a_helper_has_the_settings_of_its_caller(two_threads):
    meeting = Meeting()

    def call(chunk):
        meeting(chunk)
        return np.geterr()["over"], threads()

    with np.errstate(over="raise"):
        assert on_cores(call, range(2)) == [("raise", 1)] * 2


def test_chunks_of_a_helper_in_another_arithmetic_are_computed_again(two_threads, monkeypatch):
    def flaw():
        in_caller = threading.current_thread() is threading.main_thread()
        return None if in_caller else "it does not round to nearest"

    monkeypatch.setattr(cores, "flaw", flaw)
    meeting, by = Meeting(), {}

    def call(chunk):
        if chunk not in by:
            meeting(chunk)
        by[chunk] = threading.current_thread()
        return chunk

    assert on_cores(call, range(8)) == list(range(8))
    assert set(by.values()) == {threading.main_thread()}


def test_the_caller_works_alone_where_no_thread_can_be_started(two_threads, monkeypatch):
    def start(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    assert on_cores(lambda chunk: chunk, range(5)) == list(range(5))


@pytest.mark.parametrize(("given", "number"), [("1", 1), ("2", 2), ("64", cores.MOST_THREADS), ("0", 1)])
def test_a_variable_sets_the_number_of_threads(monkeypatch, given, number):
    monkeypatch.setenv("TRACER_THREADS", given)
    assert threads() == number
    with one_thread():
        assert threads() == 1


@pytest.mark.parametrize("activation", ["tanh", "relu", "silu"])
@pytest.mark.parametrize("widths", [(40, 40), (12,) * 5])
def test_boundaries_of_two_threads_have_the_bits_of_one(monkeypatch, activation, widths):
    field = random_network(np.random.default_rng(7), activation, widths, 1.2)
    monkeypatch.setattr("tracer.fields.networks.bounds.CACHED_FORMS", 2**9)
    monkeypatch.setattr("tracer.fields.networks.bounds.CACHED_POLYNOMIALS", 2**8)
    monkeypatch.setattr("tracer.fields.networks.bounds.CACHED_RELAXATIONS", 2**9)
    found = []
    for number in ("1", "2"):
        monkeypatch.setenv("TRACER_THREADS", number)
        found.append(tracer.trace(field, BOX))
    one, two = found
    assert one.stats.cells == two.stats.cells
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a.points, b.points)
    np.testing.assert_array_equal(one.certificate.proof.empty, two.certificate.proof.empty)


def test_problems_on_a_pool_of_threads_use_one_thread_each(two_threads, monkeypatch):
    used = []

    def trace(*args, **kwargs):
        used.append(threads())
        raise ValueError("not now")

    monkeypatch.setattr("tracer.boundaries.sweeps.outcome.trace", trace)
    field = random_network(np.random.default_rng(1), "tanh", (3,), 1.2)
    with ThreadPoolExecutor(1) as pool:
        for executor in (pool, None):
            list(tracer.trace_many([(field, BOX)] * 2, executor=executor))
    assert used == [1, 1, 2, 2]


def test_what_a_helper_found_in_another_arithmetic_narrows_no_bounds(two_threads, monkeypatch):
    # |x1| − |x2|, on cells around 0.
    hidden = tracer.Layer([[1, 0], [-1, 0], [0, 1], [0, -1]], np.zeros(4), "relu")
    layers, helped = (hidden, tracer.Layer([[1, 1, -1, -1]], [0])), threading.Event()
    sides = np.random.default_rng(4).uniform(0.1, 1, (2, 40, 2))
    cells, bounds_of_cases = (-sides[0], sides[1]), kink_cases._bounds_of_cases

    def in_helper():
        return threading.current_thread() is not threading.main_thread()

    def bounds(*args):
        low, high, directions = bounds_of_cases(*args)
        if in_helper():
            helped.set()
            return np.full_like(low, 5.0), np.full_like(high, 6.0), directions
        assert helped.wait(timeout=30)
        return low, high, directions

    with one_thread():
        expected = kink_cases.linear_relaxations(layers, *cells, size=16)
    monkeypatch.setattr(cores, "flaw", lambda: "it rounds up" if in_helper() else None)
    monkeypatch.setattr(kink_cases, "_bounds_of_cases", bounds)
    found = kink_cases.linear_relaxations(layers, *cells, size=16)
    np.testing.assert_array_equal([found.lower, found.upper], [expected.lower, expected.upper])


def test_a_library_is_called_by_one_thread_only(two_threads):
    class Remembering:
        n_inputs, n_outputs, reason, kinked, differentiable, noise, points_at_once = 2, 1, "", 0, True, 0.0, 4

        def value_and_gradient(self, x, weights):
            self.last = x
            time.sleep(1e-3)
            return self.last.sum(axis=1), np.ones_like(self.last)

    x = np.random.default_rng(5).normal(size=(64, 2))
    value, _ = SampledModel.of(Remembering()).value_and_gradient(x)
    np.testing.assert_array_equal(value, x.sum(axis=1))
