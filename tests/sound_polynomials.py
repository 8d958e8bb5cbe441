"""Bounds by polynomial and point forms against certain arithmetic, on analytic networks 1 to 30 layers deep.

Gains are 0.5 to 20, cells from 1e-12 of the box to all of it; some have no width or no height. The bounds of
point forms are looked at too, at one point of each cell. A point whose F and ∇F long doubles find in
the bounds, farther from their ends than CLEAR of the width, is taken to be there, but for a share of these;
bounds include the errors of doubles, which are two thousand times as large. All others are decided by
`exact`. As a script, many networks:

    python tests/sound_polynomials.py --networks 5000 --cells 200 [--seed S] [--first N] [--seconds LIMIT]

Every network is made from the seed and its number.
"""

import argparse
import secrets
import sys
import time
from collections import Counter

import numpy as np

from cases.campaigns import concluded
from cases.random_networks import SMOOTH, network_of
from cases.samples import points_in
from oracles.running_errors import evaluate
from tracer.enclosures.polynomials.point_form import PointForm
from tracer.fields.networks.bounds import polynomial_forms, through

ANALYTIC = [name for name in SMOOTH if name != "elu"]
DEEPEST, STEEPEST, WIDEST = 30, 20.0, 24
# The distance from the ends, and the share of clear points that are decided all the same.
CLEAR, CHECKED = 0.01, 0.01
# The share of cells without an extent along one coordinate.
FLAT = 0.1


def claims(seed, number, cells, tally, points=3):
    """A sentence for every bound that a point of a cell violates."""
    problem, rng = network_of(seed, number, ANALYTIC, WIDEST, blocks=0.3, deepest=DEEPEST, steepest=STEEPEST)
    lower, upper = random_cells(rng, problem, cells)
    found = polynomial_forms(problem.field.layers, lower, upper)
    x = points_in(rng, problem.exact, lower, upper, 4)[:, rng.choice(8, points, replace=False)]
    at = x[:, 0]
    x, bounds = x.reshape(-1, 2), [np.repeat(a, points, axis=0) for a in found[:4]]
    outside = violated(problem.exact, rng, tally, x, *bounds)
    tally["networks"] += 1
    tally[f"cells, {problem.kind}"] += cells
    tally["cells"] += cells
    tally["decided"] += int(found.decided().sum())
    tally["bounded"] += int(np.isfinite(found.upper).sum())
    wrong = violated(problem.exact, rng, tally, at, *point_bounds(problem.field.layers, at))
    tally["points in ball arithmetic"] += problem.exact.balls
    for j in np.flatnonzero(outside.any(axis=1)):
        k, what = j // points, ("F", "F_x1", "F_x2")[outside[j].argmax()]
        yield f"network {number}: {what} on {lower[k].tolist()}, {upper[k].tolist()}"
    for k in np.flatnonzero(wrong.any(axis=1)):
        yield f"network {number}: F at {at[k].tolist()}"


def point_bounds(layers, x):
    """Bounds of F at points by point forms; of the gradient there are none."""
    with np.errstate(all="ignore"):
        form = through(PointForm.of_points(x, np.zeros_like(x)), layers)
        value, radius, unknown = form.values[:, 0], form.output_radii(), np.full_like(x, np.nan)
        return np.nextafter(value - radius, -np.inf), np.nextafter(value + radius, np.inf), unknown, unknown


def violated(exact, rng, tally, x, *bounds):
    """Which of F and both partials are outside their bounds at points, (·, 3)."""
    some = np.flatnonzero(~clearly_inside(exact, x, *bounds) | (rng.uniform(size=len(x)) < CHECKED))
    outside = np.zeros((len(x), 3), dtype=bool)
    outside[some] = exact.outside(x[some], *(a[some] for a in bounds))
    tally["points"] += len(x)
    tally["points decided by exact"] += len(some)
    return outside


def clearly_inside(exact, x, lower, upper, gradient_lower, gradient_upper):
    """Where F and both partials lie well inside their bounds, as far as long doubles can tell."""
    with np.errstate(all="ignore"):
        value, _, gradient, _ = evaluate(exact.layers, x, 0, np.longdouble)
    found = np.concatenate([value[:, None], gradient], axis=1)
    low = np.concatenate([lower[:, None], gradient_lower], axis=1)
    high = np.concatenate([upper[:, None], gradient_upper], axis=1)
    with np.errstate(invalid="ignore"):
        margin = CLEAR * (high - low)
        # nan bounds hold everything.
        return (~(found <= low + margin) & ~(found >= high - margin) & ~np.isnan(found)).all(axis=1)


def random_cells(rng, problem, k):
    """Cells of all sizes in and around the box, one in ten without an extent along one coordinate."""
    radius = 10 ** rng.uniform(-12, 0, (k, 1)) * 10 ** rng.uniform(-2, 0, (k, 2))
    center = rng.uniform(-0.1, 1.1, (k, 2))
    lower, upper = (
        problem.bounds[:, 0] + side * problem.sides for side in (center - radius, center + radius)
    )
    some = (lower < upper).all(axis=1)
    lower[~some], upper[~some] = problem.bounds.T
    flat = np.flatnonzero(rng.uniform(size=k) < FLAT)
    axis = rng.integers(0, 2, len(flat))
    upper[flat, axis] = lower[flat, axis]
    return lower, upper


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", type=int, default=5000)
    parser.add_argument("--cells", type=int, default=200, help="of each network")
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=np.inf)
    options, tally, wrong, began = parser.parse_args(), Counter(), 0, time.perf_counter()
    print(f"seed {options.seed}", flush=True)
    for number in range(options.first, options.first + options.networks):
        if time.perf_counter() - began > options.seconds:
            break
        for claim in claims(options.seed, number, options.cells, tally):
            print("VIOLATION", claim, flush=True)
            wrong += 1
        if number % 50 == 49:
            print(number + 1, dict(tally), f"{time.perf_counter() - began:.0f} s", flush=True)
    return concluded(tally, wrong, "violations")


if __name__ == "__main__":
    sys.exit(main())
