"""Probabilities of forty classifiers on their own curves; a run takes a share, the script all of them.

python tests/models/test_classifiers.py
"""

import sys
import time

import numpy as np
import pytest

import tracer
from cases.classifiers import CLASSIFIERS, fitted

# Of each class the probabilities in these shares of their range are traced.
LEVELS = (0.35, 0.75)
SHARE = 5
TIME_LIMIT = 60


def checked(k, classes):
    """For some classes of the k-th classifier: p, the boundaries of p and the margin, the largest error."""
    estimator, X = fitted(k)
    network = tracer.as_network(estimator)
    known = estimator.predict_proba(X)
    low, high = X.min(axis=0), X.max(axis=0)
    bounds = np.stack([low - 0.1 * (high - low), high + 0.1 * (high - low)], axis=1)
    for c in classes(known.shape[1]):
        other = (c + 1) % known.shape[1]
        margin = tracer.trace(network.margin(c, other), bounds, time_limit=TIME_LIMIT)
        for share in LEVELS:
            p = float((1 - share) * known[:, c].min() + share * known[:, c].max())
            boundary = tracer.trace(network.probability(network.classes[c], p), bounds, time_limit=TIME_LIMIT)
            error = max(
                (np.abs(estimator.predict_proba(curve.points)[:, c] - p).max() for curve in boundary),
                default=0.0,
            )
            yield c, p, boundary, margin, error


@pytest.mark.parametrize("part", range(SHARE))
def test_curves_of_a_probability_have_it(part, fresh_seed):
    (k,) = np.random.default_rng(fresh_seed).choice(np.arange(part, len(CLASSIFIERS), SHARE), 1)
    found = 0
    for c, p, boundary, margin, error in checked(int(k), lambda n: [fresh_seed % n]):
        assert error < 1e-9, (k, c, p, error)
        proven = margin.status is not tracer.Status.PROVEN or boundary.status is tracer.Status.PROVEN
        assert proven, (k, c, p, boundary, margin)
        found += len(boundary)
    print(f"classifier {k}: {found} curves")


def main():
    """All classifiers and all their classes."""
    wrong = 0
    for k, (_, estimator) in enumerate(CLASSIFIERS):
        began, errors, statuses, curves = time.perf_counter(), [0.0], [], 0
        for c, p, boundary, margin, error in checked(k, range):
            errors.append(error)
            statuses.append((boundary.status.name, margin.status.name))
            curves += len(boundary)
            if margin.status is tracer.Status.PROVEN and boundary.status is not tracer.Status.PROVEN:
                wrong += 1
                print(f"   class {c}, p = {p:.6g}: {boundary}")
        wrong += max(errors) >= 1e-9
        name = " ".join(repr(estimator).split())[:70]
        seconds = time.perf_counter() - began
        print(f"{k:2} {curves:3} curves, {max(errors):.1e}, {seconds:5.1f} s, {sorted(set(statuses))} {name}")
    print(f"{wrong} wrong")
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main())
