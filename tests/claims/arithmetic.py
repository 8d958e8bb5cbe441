"""Proofs in other arithmetics: to the last bit those of IEEE double precision, rounded to nearest."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

import tracer
from cases.control_word import MODES, arithmetic
from tracer.enclosures.arithmetic import flaw

THREADS = 8
# Of the networks that are traced in one other arithmetic, how many are traced in eight threads at once.
SHARE = 0.1


def answers(boundary):
    """Everything that is claimed, as bytes."""
    numbers = [boundary.certificate.undecided]
    for curve in boundary:
        numbers += [curve.points, curve.error_bound, np.array([curve.proven, curve.length])]
    return boundary.certificate.status, [array.tobytes() for array in numbers]


def traced_in(mode, problem, max_cells):
    """What is claimed in another arithmetic, and whether that is there again afterwards."""
    with arithmetic(mode):
        boundary = tracer.trace(problem.field, problem.bounds, max_cells=max_cells)
        kept = flaw() is not None
    return answers(boundary), kept


def arithmetics(rng, problem, reference, tally, max_cells):
    """What is claimed otherwise in another arithmetic, one sentence each."""
    if not MODES:
        return
    together = rng.random() < SHARE
    modes = rng.permutation(np.resize(MODES, THREADS)).tolist() if together else [str(rng.choice(MODES))]
    with ThreadPoolExecutor(len(modes)) as pool:
        found = list(pool.map(lambda mode: traced_in(mode, problem, max_cells), modes))
    tally["traced in another arithmetic"] += len(modes)
    expected = answers(reference)
    for mode, (claims, kept) in zip(modes, found, strict=True):
        if claims != expected:
            yield f"in the arithmetic {mode}: {claims[0]} instead of {expected[0]}, or other numbers"
        if not kept:
            yield f"the arithmetic {mode} was not put back"
