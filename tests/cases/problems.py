"""The standing test problems T1-T5: F = Σ v_k σ(a_k x1 + b_k x2 + c_k) + d on [−3, 3]²."""

from pathlib import Path

import numpy as np
import pytest

import tracer

BOX = [(-3.0, 3.0), (-3.0, 3.0)]
SQUARE = [(-1, 1), (-1, 1)]
WIDE = [(-2, 2), (-2, 2)]
SHARED = Path(__file__).resolve().parents[3] / "shared"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared networks are not here")


def _problem(rows, v, d):
    rows = np.array(rows, float)
    return tracer.Network(
        [tracer.Layer(rows[:, :2], rows[:, 2], "sigmoid"), tracer.Layer([v], [d], "linear")]
    )


_LOOP = [(6, 0, 6), (-6, 0, 6), (0, 6, 6), (0, -6, 6)]
T1 = _problem([(4, 1, 0.5), (-2, 3.5, -1), (1.5, -3, 0.7)], (3, -2.5, 2), -1.1)
T2 = _problem(_LOOP, (1, 1, 1, 1), -3.5)
T3 = _problem([(1.5, 4.5, -3), (4.5, -3, -1), (-1.5, 3.75, -1)], (-3, 2.5, 1.5), -0.5)
T4 = _problem([(0, 150, 1.5), (0, 150, -1.5), (3, 0, 0)], (1, -1, -0.8), 0)
T5 = _problem(_LOOP, (1, 1, 1, 1), -3.985)

# 0.7 (|x1 + x2| + |x1 − x2|) = 1.5, a square with its vertices on kinks, and
# tanh |x1 + x2| + tanh |x1 − x2| = 0.9.
_FOLDS = tracer.Layer([[1, 1], [-1, -1], [1, -1], [-1, 1]], np.zeros(4), "relu")
FOLDED = tracer.Network([_FOLDS, tracer.Layer([[0.7, 0.7, 0.7, 0.7]], [-1.5])])
LENSES = tracer.Network(
    [_FOLDS, tracer.Layer([[1, 1, 0, 0], [0, 0, 1, 1]], [0, 0], "tanh"), tracer.Layer([[1, 1]], [-0.9])]
)


class Counting:
    """A field that counts its calls and the points it is evaluated at, and nothing else."""

    def __init__(self, field):
        self.field, self.evaluations, self.calls = field, 0, 0

    def value(self, x):
        self.evaluations += np.size(x) // 2
        self.calls += 1
        return self.field.value(x)

    def value_and_gradient(self, x):
        self.evaluations += np.size(x) // 2
        self.calls += 1
        return self.field.value_and_gradient(x)


def box_distance(a, b, box=BOX):
    """Distances in box units."""
    sides = np.diff(np.array(box), axis=1)[:, 0]
    return np.linalg.norm((np.asarray(a) - b) / sides, axis=-1)


def traced(field, bounds=SQUARE, max_cells=20_000, **keywords):
    """A boundary that never takes long."""
    return tracer.trace(field, bounds, max_cells=max_cells, **keywords)


def counts(boundary):
    """The numbers of curves and of closed ones."""
    return len(boundary), sum(curve.closed for curve in boundary)


def proven(boundary):
    return boundary.certificate.status is tracer.Status.PROVEN
