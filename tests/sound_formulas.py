"""Is a bound of a formula violated whose constants no float64 holds, or that NumPy may not take for one?

As a script, on many formulas: python tests/sound_formulas.py --formulas 20000 [--seed S] [--first N]
"""

import argparse
import secrets
import sys
import time
import warnings
from collections import Counter

import numpy as np

import tracer
from cases.campaigns import concluded
from oracles.balls import arb_of
from oracles.formulas import (
    AWKWARD,
    AWKWARD_EXPONENTS,
    CONSTANTS,
    NEARLY_FLOATS,
    Undecided,
    random_formula,
    value_and_gradient,
    with_numpy,
)
from tracer.enclosures.formulas.stand_in import Unenclosable

CELLS = 3


def formulas(rng, tally):
    """What is false of one random formula: bounds on cells and at points, and plain values beside them."""
    text = formula(rng)
    field = tracer.Function(with_numpy(text))
    tally["formulas"] += 1
    if field.unenclosable is not None:
        tally[f"formulas, no bounds: {field.unenclosable}"] += 1
        return
    center, radius = rng.uniform(-3, 3, (CELLS, 2)), 10 ** rng.uniform(-4, 0.5, (CELLS, 2))
    lower, upper = center - radius, center + radius
    within = np.clip(lower + rng.uniform(size=lower.shape) * (upper - lower), lower, upper)
    corners = np.concatenate([lower, center, within])
    cells = (np.concatenate([lower, center, within]), np.concatenate([upper, center, within]))
    found = field.enclose(*cells)
    x = np.concatenate([within, center, within])
    for k in np.flatnonzero(found.defined):
        yield from (
            f"{text} at {x[k].tolist()}: {claim}" for claim in false_bounds(text, x[k], found, k, tally)
        )
    try:
        field.signs(corners)
    except Unenclosable as refusal:
        yield f"{text}: {refusal}"
    except (TypeError, OverflowError):  # some functions take no long doubles or large integers
        tally["formulas, no values"] += 1
    except ValueError as refusal:
        if "got bool" not in str(refusal):
            raise
        tally["formulas, conditions"] += 1


def formula(rng):
    """A formula with some awkward constants; in half of all two that almost cancel."""
    constants, exponents = [*AWKWARD, *rng.choice(CONSTANTS, 3)], AWKWARD_EXPONENTS

    def some(depth):
        return random_formula(rng, rng.integers(0, depth), constants, exponents)

    if rng.uniform() < 0.5:
        c, near = NEARLY_FLOATS[rng.integers(len(NEARLY_FLOATS))]
        shapes = ["(({a}) + {c}) - {near} - ({b})", "({c} - ({a})) - {near} + ({b})"]
        shapes += ["np.maximum({a}, {c}) - {near} + 1e-3*({b})", "{near} - np.maximum({c}, {a}) * ({b})"]
        return str(rng.choice(shapes)).format(a=some(3), b=some(2), c=c, near=near)
    while True:
        text = some(5)
        if any(name in text for name in (*AWKWARD, *AWKWARD_EXPONENTS)):
            return text


def false_bounds(text, x, found, k, tally):
    """Which bounds of one cell do not hold what the formula is at a point of it."""
    try:
        exact = value_and_gradient(text, x)
    except Undecided:
        return
    if exact is None:
        yield "not defined"
        return
    value, gradient = exact
    tally["formulas: values in ball arithmetic"] += 1
    tally["formulas: signs proven"] += bool(found.lower[k] > 0 or found.upper[k] < 0)
    if outside(value, found.lower[k], found.upper[k]):
        yield f"F is {value}, not in [{found.lower[k]!r}, {found.upper[k]!r}]"
    for i in (0, 1):
        low, high = found.gradient_lower[k, i], found.gradient_upper[k, i]
        if outside(gradient[i], low, high):
            yield f"partial {i} is {gradient[i]}, not in [{low!r}, {high!r}]"


def outside(ball, low, high):
    """Whether the ball is certainly not in [low, high]; nan bounds are no bounds."""
    return ball < arb_of(low) or ball > arb_of(high)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--formulas", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument("--first", type=int, default=0)
    options, tally, wrong, began = parser.parse_args(), Counter(), 0, time.perf_counter()
    print(f"seed {options.seed}", flush=True)
    warnings.simplefilter("error")
    for n in range(options.first, options.first + options.formulas):
        for claim in formulas(np.random.default_rng([options.seed, n]), tally):
            wrong += 1
            print(f"VIOLATION formula {n}, {claim}", flush=True)
        if n % 1000 == 999:
            print(f"{n + 1} formulas, {time.perf_counter() - began:.0f} s", flush=True)
    return concluded(tally, wrong, "violations")


if __name__ == "__main__":
    sys.exit(main())
