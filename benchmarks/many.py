"""What does a pool of processes buy for a sweep of many boundaries, and what does keeping them cost?

    OPENBLAS_NUM_THREADS=1 python benchmarks/many.py [network.nnet]

The network has the form of the collision avoidance networks ACAS Xu, smaller: 5 inputs, 5 advisories, 5
hidden layers of 32 ReLU. It is made on the spot; another of 5 inputs, .nnet or .json, is taken where it is
given. The problems are all 10 pairs of advisories on planes of two inputs, the other three held at values
that go from plane to plane.

The sweep is traced here, on pools of 1 and 2 processes (their start, with what they import, is timed on its
own), here with a folder, and once more from the full folder. Every run must find the same curves.
Writes results/many.json, unless a network was given.
"""

import multiprocessing
import statistics
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from itertools import combinations, pairwise

import numpy as np
from measurement import RUNS, timed, write

import tracer

HIDDEN, WIDTH = 5, 32
PLANES = 4
BOUNDS = ((-2.0, 2.0), (-2.0, 2.0))
PROCESSES = (1, 2)
ROUNDS = min(3, RUNS)  # one takes half a minute


def made():
    """A network of ACAS Xu's form."""
    rng = np.random.default_rng(1)
    sizes = [5, *[WIDTH] * HIDDEN, 5]
    layers = []
    for k, (n, m) in enumerate(pairwise(sizes)):
        weight = rng.standard_normal((m, n)) * np.sqrt(2 / n)
        layers.append(tracer.Layer(weight, 0.3 * rng.standard_normal(m), "relu" if k < HIDDEN else "linear"))
    return tracer.Network(layers)


def sweep(network):
    """All pairs of outputs on all planes, one by one."""
    for held in np.linspace(-0.4, 0.4, PLANES):
        plane = tracer.Plane([0, 0, held, -held, held / 2], [1, 0, 0, 0, 0], [0, 1, 0, 0, 0])
        for i, j in combinations(range(network.n_outputs), 2):
            yield network.margin(i, j).restrict(plane), BOUNDS


def swept(network, executor=None, folder=None):
    """Seconds of the sweep, and the number of curves of each problem."""
    outcomes, seconds = timed(lambda: list(tracer.trace_many(sweep(network), executor, folder=folder)))
    boundaries = [outcome.boundary for outcome in outcomes]
    assert all(boundary.certificate.complete for boundary in boundaries)
    return seconds, [len(boundary) for boundary in boundaries]


def started(pool, processes):
    """Seconds until as many workers as asked for have imported tracer."""
    first = [(tracer.example("paper")[0].margin(0, 1), BOUNDS)] * processes
    return timed(lambda: list(tracer.trace_many(first, pool)))[1]


def pools(network):
    """The sweep on pools: seconds of starting each and of the work, and the curves."""
    spawn = multiprocessing.get_context("spawn")
    for processes in PROCESSES:
        with ProcessPoolExecutor(processes, mp_context=spawn) as pool:
            start = started(pool, processes)
            seconds, curves = swept(network, pool)
        yield f"pool of {processes}", seconds, curves
        yield f"start of a pool of {processes}", start, None


def one_round(network):
    """Each way once: name, seconds, curves."""
    yield "here", *swept(network)
    yield from pools(network)
    with tempfile.TemporaryDirectory() as folder:
        yield "here, with a folder", *swept(network, folder=folder)
        yield "from the full folder", *swept(network, folder=folder)


def main():
    """Measure, print and write."""
    network = tracer.load(sys.argv[1]) if sys.argv[1:] else made()
    times, counts = {}, []
    swept(network)  # what is imported on first use is not counted
    for _ in range(ROUNDS):
        for name, seconds, curves in one_round(network):
            times.setdefault(name, []).append(seconds)
            if curves is not None:
                counts.append(curves)
    assert all(curves == counts[0] for curves in counts)
    report = {
        "problems": len(counts[0]),
        "curves": sum(counts[0]),
        "runs": ROUNDS,
        "seconds": {name: statistics.median(those) for name, those in times.items()},
    }
    print(report)
    if not sys.argv[1:]:
        write("many", report)


if __name__ == "__main__":
    main()
