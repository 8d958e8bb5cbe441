"""The formulas of `enclosures/forms`, one number at a time and without any rounding error bound.

`relaxed` is `relaxation`'s docstring, `narrowest` the choice of a model in `taylor`'s.
"""

import numpy as np


def relaxed(layers, lower, upper):
    """Bounds of F and of ∂F/∂ε on one cell: low, high, least (2,), most (2,).

    Each layer is (W, b, kinks, slopes): ``W h + b``, then a piecewise linear function; no kinks, no function.
    """
    c, lin, E = (lower + upper) / 2, np.diag((upper - lower) / 2), np.zeros(2)
    lines = []
    for W, b, kinks, slopes in layers:
        c, lin, D = W @ c + b, W @ lin, np.abs(W) @ E
        rho = np.abs(lin).sum(axis=1) + D if len(kinks) else np.zeros(len(c))
        v, s, w, below, above = np.array([line(*z, kinks, slopes) for z in zip(c, rho, strict=True)]).T
        lines.append((W, lin, s, w, (below + above) / 2, (above - below) / 2))
        c, lin, E = v, s[:, None] * lin, np.abs(s) * D + w
    q, q_e, error, center, reach = np.ones(1), np.zeros(1), 0.0, lin[0].copy(), np.zeros(2)
    for W, l_z, s, w, middle, half in reversed(lines):
        error += np.abs(q) @ w
        center += (q * middle) @ l_z
        delta = np.abs(middle) + half
        reach += np.abs((q * half)[:, None] * l_z).sum(axis=0) + (q_e * delta) @ np.abs(l_z)
        q_e = (np.abs(s) * q_e + delta * (np.abs(q) + q_e)) @ np.abs(W)
        q = (q * s) @ W
    whole = np.abs(lin[0]).sum() + min(E[0], error)
    return c[0] - whole, c[0] + whole, center - reach, center + reach


def line(center, rho, kinks, slopes):
    """v, s, w, δ₋ and δ₊ of a piecewise linear function, 0 at 0, on center ± rho."""
    if not len(kinks):
        return center, 1.0, 0.0, 0.0, 0.0

    def f(z):
        ends = zip([-np.inf, *kinks], [*kinks, np.inf], slopes, strict=True)
        return sum(k * (np.clip(z, a, b) - np.clip(0, a, b)) for a, b, k in ends)

    first, last = (np.searchsorted(kinks, z) for z in (center - rho, center + rho))
    if first == last:
        return f(center), slopes[first], 0.0, 0.0, 0.0
    touched = slopes[first : last + 1]
    s = (f(center + rho) - f(center - rho)) / (2 * rho)
    h = [f(z) - s * (z - center) for z in (center - rho, center + rho, *kinks[first:last])]
    return (min(h) + max(h)) / 2, s, (max(h) - min(h)) / 2, min(touched) - s, max(touched) - s


def narrowest(near, p1, tail, e, clear, constant_weight):
    """Value, slope, curvature, radius and slope radius of the narrowest model of a function near a point.

    `near` is the function's `Neighbourhood` on z₀ ± ρ, ρ = p1 + tail; `clear` and `constant_weight` are the
    limits of the choice.
    """
    rho, a, b = p1 + tail, near.value, near.curvature
    steepest = max(abs(near.least.slope), abs(near.most.slope))
    L, R = near.left.slope - near.slope + b * rho, near.right.slope - near.slope - b * rho
    K = near.remainder
    upper, lower = max(L, R, 0), min(L, R, 0)
    upper, lower = max(upper, (19 * upper + 4 * K) / 27), min(lower, (19 * lower - 4 * K) / 27)
    m, d = (upper + lower) / 2, (upper - lower) / 2
    w = rho * (K / 12 + abs(m - (L + R) / 4) + np.sqrt(2) / 12 * abs(L + R) + abs(R - L) / 6)
    s = near.slope + m
    odd, even = near.right.value - near.left.value, near.right.value + near.left.value - 2 * a
    from_z = abs(b) * tail * (p1 + tail / 2) + abs(s) * e
    quick = a, s, b, w + from_z, d + abs(b) * tail
    if quick[3] + quick[4] * rho < clear * rho * steepest:
        return quick
    w = min(w, (d * rho) / 2 + (abs(even - b * rho**2) + abs(odd - 2 * s * rho)) / 4)
    quadratic = a, s, b, w + from_z, d + abs(b) * tail
    s, d = (near.least.slope + near.most.slope) / 2, (near.most.slope - near.least.slope) / 2
    linear = a + even / 4, s, 0.0, d * rho / 2 + abs(odd - 2 * s * rho) / 4 + abs(s) * e, d
    low, high = near.least.value, near.most.value
    half = (high - low) / 2
    best = min(quadratic, linear, key=lambda model: model[3] / half + model[4] / steepest)
    if best[3] / half + best[4] / steepest <= constant_weight:
        return best
    return (low + high) / 2, 0.0, 0.0, half, steepest
