"""Many problems: in order, drawn as there is room, none lost by another's failure, none traced twice."""

import itertools
import multiprocessing
import re
import subprocess
import sys
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import pytest

import tracer
from cases import many_fields
from cases.problems import BOX, T1, T2
from tracer.boundaries import archive
from tracer.boundaries.sweeps import pools

# Boxes of different sizes around the same curve: quick, and no two boundaries alike.
SWEEP = [(T2, [(-3.0, 3.0 + k), (-3.0, 3.0)]) for k in range(6)]
REVERSED = (T2, [(3.0, -3.0), (-3.0, 3.0)])
NETWORK = tracer.example("iris")[0]
TESTS = Path(__file__).parents[1]


class AtOnce(Executor):
    """Works in the calling thread, and counts."""

    def __init__(self):
        self.given = 0

    def submit(self, fn, /, *args):
        self.given += 1
        future = Future()
        future.set_result(fn(*args))
        return future


class OnDemand(Executor):
    """Keeps what it is given until it is told to do it."""

    def __init__(self):
        self.futures, self._work = [], []

    def submit(self, fn, /, *args):
        self.futures.append(Future())
        self._work.append((fn, args))
        return self.futures[-1]

    def do(self, k):
        fn, args = self._work[k]
        self.futures[k].set_result(fn(*args))


def files(folder):
    return sorted(path.name for path in Path(folder).iterdir())


def fingerprint(tmp_path, problem, **keywords):
    """What a folder calls the boundary of one problem."""
    folder = tmp_path / str(len(list(tmp_path.iterdir())))
    list(tracer.trace_many([problem], folder=folder, **keywords))
    (name,) = files(folder)
    return name


def assert_the_sweep(outcomes, sweep=SWEEP):
    """Every outcome is in its place, and is what `trace` gives."""
    outcomes = list(outcomes)
    assert [outcome.index for outcome in outcomes] == list(range(len(sweep)))
    for outcome, (field, bounds) in zip(outcomes, sweep, strict=True):
        alone = tracer.trace(field, bounds)
        assert outcome.error is None
        assert outcome.boundary.bounds == alone.bounds
        assert outcome.boundary.certificate.complete
        for curve, same in zip(outcome.boundary, alone, strict=True):
            assert np.array_equal(curve.points, same.points)


@pytest.fixture(scope="module")
def pool():
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as executor:
        yield executor


# Order, and how far ahead ----------------------------------------------------------------------------


def test_one_after_another_in_this_process():
    assert_the_sweep(tracer.trace_many(SWEEP))
    assert list(tracer.trace_many([])) == []


def test_done_in_any_order_given_in_order():
    executor = OnDemand()

    def problems():
        yield from SWEEP
        for k in (4, 1, 5, 0, 3, 2):
            executor.do(k)

    assert_the_sweep(tracer.trace_many(problems(), executor))


def test_a_problem_may_bring_its_own_keywords():
    keywords = {"tolerance": 1e-4, "max_cells": 5000}
    outcomes = list(tracer.trace_many([(T2, BOX), (T2, BOX, keywords)], tolerance=1e-6))
    assert [outcome.boundary[0].tolerance for outcome in outcomes] == [1e-6, 1e-4]
    few, default = tracer.trace_many([(T2, BOX, {"max_cells": 50}), (T2, BOX)])
    assert few.boundary.certificate.status is tracer.Status.BUDGET_EXHAUSTED
    assert default.boundary.certificate.status is tracer.Status.PROVEN


@pytest.mark.parametrize(("executor", "ahead"), [(None, 1), (AtOnce(), 3)])
def test_problems_are_drawn_as_there_is_room(executor, ahead):
    drawn = []
    endless = (drawn.append(k) or SWEEP[k % len(SWEEP)] for k in itertools.count())
    outcomes = tracer.trace_many(endless, executor, in_flight=3)
    furthest = [len(drawn) - outcome.index for outcome in itertools.islice(outcomes, 5)]
    assert max(furthest) == ahead


def test_what_is_early_waits_in_the_folder_and_makes_room(tmp_path):
    executor, drawn = OnDemand(), []

    def problems():
        for k, problem in enumerate(SWEEP):
            drawn.append(k)
            # All but the first are done as soon as the next is drawn.
            if k > 1:
                executor.do(k - 1)
            yield problem
        executor.do(len(SWEEP) - 1)
        executor.do(0)

    outcomes = tracer.trace_many(problems(), executor, folder=tmp_path / "sweep", in_flight=3)
    first = next(outcomes)
    assert first.index == 0
    assert len(drawn) == len(SWEEP)
    assert_the_sweep(itertools.chain([first], outcomes))


# Failures --------------------------------------------------------------------------------------------


def test_a_problem_that_fails_loses_no_other():
    bad = tracer.Function(many_fields.unsendable)
    failed = {1: REVERSED, 3: (NETWORK, BOX), 4: (bad, BOX), 5: (T2, BOX, {"tolerance": 2})}
    outcomes = list(tracer.trace_many([failed.get(k, SWEEP[0]) for k in range(7)]))
    assert [outcome.index for outcome in outcomes if outcome.error is not None] == list(failed)
    kinds = [type(outcomes[k].error) for k in failed]
    assert kinds == [ValueError, TypeError, many_fields.Unsendable, ValueError]
    assert outcomes[0].boundary.certificate.complete
    with pytest.raises(ValueError, match=re.escape("bounds[0] must be finite with lo < hi")) as raised:
        _ = outcomes[1].boundary
    assert "problem 1" in raised.value.__notes__[0]
    assert repr(outcomes[1]).startswith("Outcome 1: ValueError: bounds[0]")
    assert repr(outcomes[0]) == f"Outcome 0: {outcomes[0].boundary!r}"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((T2, BOX), "problem 0 must be (field, bounds) or (field, bounds, keywords); got Network"),
        ([(T2,)], "problem 0 must be (field, bounds) or (field, bounds, keywords); got a tuple of 1"),
        ([SWEEP[0], (T2, BOX, {"tol": 1})], "problem 1: keywords must be a dictionary of tolerance, max_"),
        ([SWEEP[0], (T2, BOX, 1e-6)], "problem 1: keywords must be a dictionary of tolerance, max_"),
    ],
)
def test_what_is_no_problem_is_an_error_that_names_it(given, message):
    with pytest.raises(TypeError, match=re.escape(message)):
        list(tracer.trace_many(given))


@pytest.mark.parametrize(
    ("arguments", "keywords", "kind", "message"),
    [
        ((3,), {}, TypeError, "problems must be an iterable of (field, bounds); got 3"),
        (([], 2), {}, TypeError, "executor must be a concurrent.futures.Executor"),
        (([], AtOnce()), {"in_flight": 0}, ValueError, "in_flight must be at least 1; got 0"),
        (([],), {"tolerance": 2}, ValueError, "tolerance must lie between"),
        (([],), {"max_cells": 0}, ValueError, "max_cells must be at least 1"),
        (([],), {"time_limit": -1}, ValueError, "time_limit must lie between"),
        (([],), {"folder": "nowhere/sweep"}, FileNotFoundError, "folder must lie in a folder that exists"),
        (([],), {"folder": __file__}, NotADirectoryError, "folder must be a folder; got the file"),
    ],
)
def test_bad_arguments_raise_before_anything_is_asked_for(arguments, keywords, kind, message):
    with pytest.raises(kind, match=re.escape(message)):
        tracer.trace_many(*arguments, **keywords)


def test_a_field_that_cannot_be_sent_loses_no_other():
    problems = [*SWEEP[:3], (lambda x, y: x - y, BOX), *SWEEP[3:]]
    outcomes = list(tracer.trace_many(problems, AtOnce()))
    assert [outcome.error is None for outcome in outcomes] == [k != 3 for k in range(7)]
    with pytest.raises(TypeError, match=r"problem 3: the field Function\(<lambda>\) must be one that can be"):
        _ = outcomes[3].boundary


def test_threads_need_not_send():
    with ThreadPoolExecutor(2) as threads:
        outcomes = list(tracer.trace_many([(lambda x, y: x - y / 3, BOX)] * 3, threads))
    assert [len(outcome.boundary) for outcome in outcomes] == [1, 1, 1]


# Interruption and the folder -------------------------------------------------------------------------


def test_an_interrupt_cancels_what_has_not_begun_and_keeps_what_is_done(tmp_path):
    executor = OnDemand()

    def interrupted():
        yield from SWEEP[:4]
        executor.do(2)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        next(tracer.trace_many(interrupted(), executor, folder=tmp_path))
    assert [future.cancelled() for future in executor.futures] == [True, True, False, True]
    assert [name[:6] for name in files(tmp_path)] == ["000002"]


def test_leaving_the_loop_cancels_what_has_not_begun():
    executor = OnDemand()

    def problems():
        yield from SWEEP
        executor.do(0)

    outcomes = tracer.trace_many(problems(), executor)
    assert next(outcomes).index == 0
    outcomes.close()
    assert [future.cancelled() for future in executor.futures] == [False, *[True] * 5]


def test_a_sweep_that_was_killed_goes_on_where_it_stopped(tmp_path):
    """Killed in the middle of writing the fourth file."""
    code = f"""
import os, sys
sys.path[:0] = {[str(TESTS), str(TESTS / "boundaries")]!r}
import tracer
from test_many import SWEEP
from tracer.boundaries import archive
from tracer.boundaries.sweeps import pools
whole, written = archive.write, []

def write(boundary, path, problem):
    written.append(path)
    if len(written) == 4:
        path.write_bytes(b"PK half a file")
        os._exit(9)
    whole(boundary, path, problem)

archive.write = write
list(tracer.trace_many(SWEEP, folder={str(tmp_path)!r}))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 9, run.stderr
    before = [name for name in files(tmp_path) if not name.startswith(".")]
    assert [name[:6] for name in before] == ["000000", "000001", "000002"]
    executor = AtOnce()
    assert_the_sweep(tracer.trace_many(SWEEP, executor, folder=tmp_path))
    assert executor.given == 3
    assert_the_sweep(tracer.trace_many(SWEEP, executor, folder=tmp_path))
    assert executor.given == 3


def test_a_finished_sweep_is_read_as_it_is_asked_for(tmp_path):
    list(tracer.trace_many(SWEEP, folder=tmp_path))
    drawn = []
    again = tracer.trace_many(
        (drawn.append(k) or problem for k, problem in enumerate(SWEEP)), folder=tmp_path
    )
    next(again)
    assert drawn == [0]


def test_failures_leave_no_file_and_are_tried_again(tmp_path):
    list(tracer.trace_many([SWEEP[0], REVERSED, SWEEP[2]], folder=tmp_path))
    assert [name[:6] for name in files(tmp_path)] == ["000000", "000002"]
    executor = AtOnce()
    assert_the_sweep(tracer.trace_many(SWEEP[:3], executor, folder=tmp_path), SWEEP[:3])
    assert executor.given == 1


def test_another_sweep_in_the_folder_is_an_error(tmp_path):
    list(tracer.trace_many(SWEEP[:2], folder=tmp_path))
    before = files(tmp_path)
    with pytest.raises(ValueError, match="folder must hold boundaries of these problems; problem 0 would be"):
        list(tracer.trace_many(SWEEP[1:], folder=tmp_path))
    with pytest.raises(ValueError, match="problem 0 would be"):
        list(tracer.trace_many(SWEEP, folder=tmp_path, tolerance=1e-9))
    assert files(tmp_path) == before
    (tmp_path / before[0]).unlink()
    list(tracer.trace_many([(T1, BOX), SWEEP[1]], folder=tmp_path))
    assert files(tmp_path)[1:] == before[1:]


def test_a_fingerprint_changes_with_every_bit_of_the_problem(tmp_path):
    names = [fingerprint(tmp_path, (T2, BOX))]
    first, last = T2.layers
    weight = first.weight.copy()
    weight[0, 0] = np.nextafter(weight[0, 0], 9)
    nudged = tracer.Network([tracer.Layer(weight, first.bias, first.activation), last])
    names += [fingerprint(tmp_path, (field, BOX)) for field in (nudged, tracer.ExponentialSum(T2), T1)]
    names += [fingerprint(tmp_path, (T2, [(-3.0, np.nextafter(3.0, 9)), (-3.0, 3.0)]))]
    names += [fingerprint(tmp_path, (T2, BOX), tolerance=1e-9)]
    names += [fingerprint(tmp_path, (T2, BOX, {"time_limit": 99}))]
    assert len(set(names)) == len(names)
    same = [(T2, np.array(BOX)), (T2, BOX, {"max_cells": np.int64(10**6), "tolerance": np.float64(1e-10)})]
    assert {fingerprint(tmp_path, problem) for problem in same} == {names[0]}


def test_a_field_that_cannot_be_kept_loses_no_other(tmp_path):
    problems = [SWEEP[0], (many_fields.circle, BOX), SWEEP[2]]
    _, unkept, _ = tracer.trace_many(problems, folder=tmp_path)
    with pytest.raises(TypeError, match=r"problem 1: with folder= the field must be one that can be kept"):
        _ = unkept.boundary
    assert [name[:6] for name in files(tmp_path)] == ["000000", "000002"]


def test_a_damaged_file_is_an_error_and_not_an_answer(tmp_path):
    list(tracer.trace_many(SWEEP[:2], folder=tmp_path))
    damaged = tmp_path / files(tmp_path)[1]
    damaged.write_bytes(damaged.read_bytes()[:-30])
    outcomes = tracer.trace_many(SWEEP[:2], folder=tmp_path)
    next(outcomes)
    with pytest.raises(ValueError, match="cannot be read as a boundary"):
        next(outcomes)


def test_a_file_that_was_renamed_answers_no_other_problem(tmp_path):
    list(tracer.trace_many(SWEEP[:2], folder=tmp_path))
    one, other = (tmp_path / name for name in files(tmp_path))
    other.write_bytes(one.read_bytes())
    outcomes = tracer.trace_many(SWEEP[:2], folder=tmp_path)
    next(outcomes)
    with pytest.raises(
        ValueError, match="another problem than its name says; delete the file to trace problem"
    ):
        next(outcomes)
    tracer.Boundary.load(one).save(one)
    with pytest.raises(
        ValueError, match="another problem than its name says; delete the file to trace problem"
    ):
        next(tracer.trace_many(SWEEP[:2], folder=tmp_path))


def test_a_write_that_fails_raises(tmp_path, monkeypatch):
    def full(boundary, path, problem):
        raise OSError("No space left on device")

    monkeypatch.setattr(archive, "write", full)
    with pytest.raises(OSError, match="No space left"):
        next(tracer.trace_many(SWEEP, folder=tmp_path))
    assert files(tmp_path) == []


# Progress --------------------------------------------------------------------------------------------


def test_progress_counts_problems(capsys, monkeypatch):
    monkeypatch.setattr("tracer.boundaries.work.QUIET_SECONDS", 0)
    monkeypatch.setattr("tracer.boundaries.work.BETWEEN_SECONDS", 0)
    list(tracer.trace_many([SWEEP[0], REVERSED, SWEEP[1]], progress=True))
    lines = [line.strip() for line in capsys.readouterr().err.split("\r")]
    said = ["1 of 3 problems", "2 of 3 problems, 1 failed", "3 of 3 problems, 1 failed"]
    assert lines == ["", *(f"tracer: {text}" for text in said), "", ""]
    list(tracer.trace_many(iter(SWEEP[:1]), progress=True))
    assert "tracer: 1 problems\r" in capsys.readouterr().err
    list(tracer.trace_many(SWEEP[:1]))
    assert capsys.readouterr() == ("", "")


# Real executors --------------------------------------------------------------------------------------


def test_a_pool_of_processes(pool, tmp_path):
    assert_the_sweep(tracer.trace_many(iter(SWEEP), pool, folder=tmp_path, in_flight=4))
    executor = AtOnce()
    assert_the_sweep(tracer.trace_many(SWEEP, executor, folder=tmp_path))
    assert executor.given == 0


def test_a_pool_survives_problems_that_fail(pool):
    fields = [many_fields.circle, many_fields.unsendable, many_fields.Here(), T2]
    circle, unsendable, elsewhere, network = tracer.trace_many([(field, BOX) for field in fields], pool)
    assert len(circle.boundary) == len(network.boundary) == 1
    assert isinstance(unsendable.error, RuntimeError)
    assert str(unsendable.error) == "Unsendable: the disk: is full"
    assert "many_fields.py" in "".join(unsendable.error.__notes__)
    assert isinstance(elsewhere.error, LookupError)


def test_problems_that_end_their_workers_or_hang_are_named_and_the_others_go_on(monkeypatch, tmp_path):
    monkeypatch.setattr(pools, "SECONDS", 6.0)
    hangs = (many_fields.endless, BOX, {"time_limit": 0.1})
    problems = [SWEEP[0], (many_fields.deadly, BOX), SWEEP[2], hangs, SWEEP[4]]
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as doomed:
        outcomes = list(tracer.trace_many(problems, doomed))
    assert [outcome.index for outcome in outcomes] == list(range(5))
    kinds = [type(outcome.error) for outcome in outcomes]
    assert kinds == [type(None), BrokenProcessPool, type(None), TimeoutError, type(None)]
    assert "problem 1" in outcomes[1].error.__notes__[-1]
    assert "with a time limit of 0.1 s, twice" in str(outcomes[3].error)


def test_an_executor_that_breaks_down_whatever_it_is_given_raises():
    with (
        ProcessPoolExecutor(1, multiprocessing.get_context("fork"), many_fields.deadly, (0, 0)) as doomed,
        pytest.raises(BrokenExecutor, match="end whatever they are given"),
    ):
        list(tracer.trace_many(SWEEP, doomed))


# Where the port of Dask's dashboard is in use it says so, takes another, and leaves a socket open.
@pytest.mark.filterwarnings(r"ignore:\s*Port .* is already in use:UserWarning")
@pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning")
def test_a_dask_cluster(tmp_path):
    distributed = pytest.importorskip("distributed", reason="Dask's distributed is not installed")
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        executor = client.get_executor()
        assert_the_sweep(tracer.trace_many(iter(SWEEP), executor, folder=tmp_path, in_flight=4))
        mixed = [SWEEP[0], REVERSED, (many_fields.unsendable, BOX), (many_fields.circle, BOX)]
        outcomes = list(tracer.trace_many(mixed, executor))
    assert [outcome.error is None for outcome in outcomes] == [True, False, False, True]
    assert "problem 2" in outcomes[2].error.__notes__[-1]
    executor = AtOnce()
    assert_the_sweep(tracer.trace_many(SWEEP, executor, folder=tmp_path))
    assert executor.given == 0
