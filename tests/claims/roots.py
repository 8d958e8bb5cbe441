"""Roots on a line: polynomials with known roots at, next to and beyond the ends of the box."""

from fractions import Fraction

import numpy as np

import tracer


def random_roots(rng):
    """The ends of a line, and distinct floats on it, at its ends, and as little as an ulp from them."""
    low = float(rng.choice([0.0, -1.0, 1.0, 1e10, rng.normal()]))
    high = low + float(rng.choice([1.0, 3.0, 2.0**-18, abs(rng.normal()) + 0.1]))
    side, roots = high - low, set()
    for _ in range(rng.integers(1, 5)):
        end = float(rng.choice([low, high]))
        near = end + float(rng.choice([-1, 1])) * side * 2.0 ** -float(rng.integers(2, 60))
        step = float(np.nextafter(end, float(rng.choice([-np.inf, np.inf]))))
        roots.add(float(rng.choice([end, near, step, rng.uniform(low, high)])))
    return low, high, sorted(roots)


def roots_at_ends(rng, tally):
    """False claims about the roots of one random polynomial, one sentence each."""
    low, high, roots = random_roots(rng)

    def polynomial(x, y):
        value = 1 + 0 * y
        for root in roots:
            value = value * (x - root)
        return value

    swap = bool(rng.integers(2))
    field, bounds = (
        (lambda x, y: polynomial(y, x), [(0, 1), (low, high)])
        if swap
        else (polynomial, [(low, high), (0, 1)])
    )
    found = tracer.solve(field, bounds, **{"x1" if swap else "x2": 0.3})
    t, pieces = found.points[:, int(swap)], found.undecided[:, :, int(swap)]
    inside = [root for root in roots if low <= root <= high]
    tally["lines with roots near the ends"] += 1
    tally["lines with roots near the ends, complete"] += found.complete
    case = f"roots {roots} on [{low!r}, {high!r}]"
    if ((t < low) | (t > high)).any():
        yield f"{case}: a point outside, {t.tolist()}"
    if found.complete and len(t) != len(inside):
        yield f"{case}: complete with {t.tolist()}"
    side = Fraction(high - low)

    def near(root):
        reach = zip(t.tolist(), found.error_bound.tolist(), strict=True)
        return any(abs(Fraction(x) - Fraction(root)) <= Fraction(bound) * side for x, bound in reach)

    for root in inside:
        if not near(root) and not any(a <= root <= b for a, b in pieces.tolist()):
            yield f"{case}: {root!r} is missing"
    if found.complete:
        for x, bound in zip(t.tolist(), found.error_bound.tolist(), strict=True):
            if not any(abs(Fraction(x) - Fraction(root)) <= Fraction(bound) * side for root in inside):
                yield f"{case}: {x!r} is no root"
