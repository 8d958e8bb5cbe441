"""The same field from threads and through pickles, to the bit; pickles of other versions are refused."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.svm import SVC

import tracer
from cases.problems import BOX, T2, T3

CIRCLE = tracer.Function(np.hypot)
MACHINE = SVC().fit([[0.0, 0.1], [1.0, 0.9], [0.2, 0.0], [0.8, 1.0]], [0, 1, 0, 1])
FIELDS = {
    "network": T3,
    "sum": tracer.ExponentialSum(T2),
    "machine": tracer.as_network(MACHINE).margin(0, 1),
    "formula": tracer.Function(lambda x1, x2: np.hypot(x1, x2) - 1),
    "callable": tracer.Function(lambda x1, x2: np.where(x1 > 5, x1, np.hypot(x1, x2) - 1)),
}


def bits(boundary):
    proof = boundary.certificate.proof
    arrays = [array for c in boundary for array in (c.points, c.error_bound, c.pieces.coefficients)]
    cells = [boundary.certificate.undecided] + ([] if proof is None else [proof.charts, proof.empty])
    return [array.tobytes() for array in (*arrays, *cells)]


@pytest.mark.parametrize("name", FIELDS)
def test_eight_threads_trace_the_same_bits(name):
    def traced(_):
        return bits(tracer.trace(FIELDS[name], BOX, max_cells=2500))

    alone = traced(None)
    with ThreadPoolExecutor(8) as pool:
        assert all(each == alone for each in pool.map(traced, range(8)))


def things():
    boundary = tracer.trace(T3, BOX, max_cells=900)
    network, bounds = tracer.example("iris")
    partition = tracer.partition(network, bounds, max_cells=900)
    plane = tracer.Plane([0.1, 0], [0.8, 0.6], [-0.6, 0.8])
    made = [boundary, boundary[0], boundary.certificate, partition, partition.regions[0], partition.arcs[0]]
    made += [network, network.layers[0], plane, CIRCLE, FIELDS["sum"], FIELDS["machine"]]
    return [*made, tracer.solve(T3, BOX, x1=0.1), boundary.nearest([0.1, 0.2])]


def test_pickles_of_another_version_are_refused_with_words(monkeypatch):
    made = things()
    pickles = [pickle.dumps(thing) for thing in made]
    for thing, content in zip(made, pickles, strict=True):
        assert repr(pickle.loads(content)) == repr(copy.deepcopy(thing)) == repr(thing)
    monkeypatch.setattr("tracer.pickles.__version__", "9.9")
    for thing, content in zip(made, pickles, strict=True):
        with pytest.raises(ValueError, match=r"a pickle of \w+ is of version .* of tracer, and this is 9\.9"):
            pickle.loads(content)
        assert type(thing).__name__
