"""Functions of stacks of coordinates against ball arithmetic of the same formula, number by number."""

import numpy as np
import pytest

from cases.cells import points_of, random_cells
from oracles.balls import arb_of
from oracles.formulas import Undecided, value_and_gradient
from tracer import Function

W = np.array([[1.0, 2.0], [3.0, -4.0]])
V = np.array([1.0, -0.5])
LINEAR = "(1.0*x + 2.0*y)", "(3.0*x - 4.0*y)"

PAIRS = {
    "maximum.reduce": (lambda x, y: np.maximum.reduce(np.stack([x, y])), "np.maximum(x, y)"),
    "minimum.reduce": (lambda x, y: np.minimum.reduce(np.stack([x, y], -1), axis=-1), "np.minimum(x, y)"),
    "fmax.reduce": (
        lambda x, y: np.fmax.reduce(np.stack([x, y, x * y])),
        "np.maximum(np.maximum(x, y), x*y)",
    ),
    "add.reduce": (lambda x, y: np.add.reduce(np.stack([x * x, y])), "x*x + y"),
    "multiply.reduce": (lambda x, y: np.multiply.reduce(np.stack([x, y, x])), "x*y*x"),
    "logaddexp.reduce": (lambda x, y: np.logaddexp.reduce(np.stack([x, y])), "np.logaddexp(x, y)"),
    "hypot.reduce": (lambda x, y: np.hypot.reduce(np.stack([x, y])), "np.hypot(x, y)"),
    "max": (lambda x, y: np.max(np.stack([x, y]), axis=0), "np.maximum(x, y)"),
    "min": (lambda x, y: np.stack([x, y], 1).min(axis=1), "np.minimum(x, y)"),
    "ptp": (lambda x, y: np.ptp(np.stack([x, y]), axis=0), "np.abs(x - y)"),
    "sum": (lambda x, y: np.sum(np.stack([x, y]) ** 2, axis=0), "x*x + y*y"),
    "prod": (lambda x, y: np.prod(np.stack([x, y]), axis=0), "x*y"),
    "mean": (lambda x, y: np.mean(np.stack([x, y]), axis=0), "(x + y)/2"),
    "average": (lambda x, y: np.average(np.stack([x, y]), axis=0, weights=[1, 3]), "(x + 3*y)/4"),
    "var": (lambda x, y: np.var(np.stack([x, y]), axis=0), "((x - y)/2)**2"),
    "std": (lambda x, y: np.std(np.stack([x, y]), axis=0, ddof=1), "np.sqrt((x - y)**2/2)"),
    "norm": (lambda x, y: np.linalg.norm(np.stack([x, y]), axis=0), "np.hypot(x, y)"),
    "norm 1": (lambda x, y: np.linalg.norm(np.stack([x, y], -1), 1, -1), "np.abs(x) + np.abs(y)"),
    "norm inf": (
        lambda x, y: np.linalg.norm(np.stack([x, y]), np.inf, 0),
        "np.maximum(np.abs(x), np.abs(y))",
    ),
    "vector_norm": (lambda x, y: np.linalg.vector_norm(np.stack([x, y]), axis=0), "np.hypot(x, y)"),
    "matmul": (lambda x, y: np.tanh(np.stack([x, y], -1) @ W.T) @ V, "np.tanh({}) - 0.5*np.tanh({})"),
    "dot": (lambda x, y: np.dot(W, np.stack([x, y]))[1], "{1}"),
    "inner": (lambda x, y: np.inner(np.stack([x, y], -1), W)[:, 1], "{1}"),
    "inner, reversed": (lambda x, y: np.inner(V, np.stack([x, y], -1)), "x - 0.5*y"),
    "einsum": (lambda x, y: np.einsum("ij,jn->in", W, np.stack([x, y])).prod(axis=0), "{} * {}"),
    "einsum ...": (lambda x, y: np.einsum("...k,jk->...j", np.stack([x, y], -1), W)[:, 0], "{0}"),
    "einsum, implicit": (lambda x, y: np.einsum("nk,k", np.stack([x, y], -1), V), "x - 0.5*y"),
    "swapaxes": (lambda x, y: np.swapaxes(np.stack([x, y]), 0, 1) @ V, "x - 0.5*y"),
    "moveaxis": (lambda x, y: np.moveaxis(np.stack([x, y]), 0, -1) @ V, "x - 0.5*y"),
    "hstack": (lambda x, y: np.hstack([x[:, None], y[:, None]]) @ V, "x - 0.5*y"),
    "select": (
        lambda x, y: np.select([x < -1, x < 1], [y, x], x * y),
        "np.where(x < -1, y, np.where(x < 1, x, x*y))",
    ),
    "polyval": (lambda x, y: np.polyval([1, -2, 3.0], x) - y, "(1*x - 2)*x + 3.0 - y"),
    "any": (
        lambda x, y: np.where(np.any(np.stack([x > 1, y > 1]), axis=0), x, y),
        "np.where(x > 1, x, np.where(y > 1, x, y))",
    ),
    "all": (
        lambda x, y: np.where(np.stack([x > 1, y > 1]).all(axis=0), x, y),
        "np.where(x > 1, np.where(y > 1, x, y), y)",
    ),
    **{
        f"where {c}": (
            eval(f"lambda x, y: np.where(x {c} y, x * y, x)", {"np": np}),
            f"np.where(x {'<' if '<' in c else '>'} y, x*y, x)",
        )
        for c in ("<", "<=", ">", ">=")
    },
    "where ==": (lambda x, y: np.where(x == y, 7.0, x), "x"),
    "where !=": (lambda x, y: np.where(x != y, x, 7.0), "x"),
    "square": (lambda x, y: np.square(np.stack([x, y]))[1], "y*y"),
    "power": (lambda x, y: np.power(np.stack([x, y]), 3)[0], "x**3"),
}


@pytest.mark.parametrize("name", PAIRS)
def test_bounds_of_stacks_hold_the_formula(name, fresh_seed):
    f, text = PAIRS[name]
    text, rng = text.format(*LINEAR), np.random.default_rng(fresh_seed)
    field = Function(f)
    assert field.unenclosable is None
    decided = 0
    for radius in (1e-3, 0.1, 1.0):
        lower, upper = random_cells(rng, 15, radius)
        found, x = field.enclose(lower, upper), points_of(rng, lower, upper)
        plain = f(*x.T.copy())
        for k in np.flatnonzero(found.defined):
            assert found.lower[k] - 1e-12 <= plain[k] <= found.upper[k] + 1e-12
            try:
                value, gradient = value_and_gradient(text, x[k])
            except Undecided:
                continue
            decided += 1
            place = text, lower[k].tolist(), upper[k].tolist(), x[k].tolist()
            bounds = [(value, found.lower[k], found.upper[k])]
            bounds += zip(gradient, found.gradient_lower[k], found.gradient_upper[k], strict=True)
            assert not any(ball < arb_of(low) or ball > arb_of(high) for ball, low, high in bounds), place
    assert decided > 10


@pytest.mark.parametrize(
    "f",
    [
        lambda x, y: np.maximum.reduce(np.stack([x, y], -1)),
        lambda x, y: np.any(np.stack([x, y]), axis=0) + y,
        lambda x, y: np.add.reduce(np.stack([x, y]), axis=0, initial=1.0),
        lambda x, y: np.hstack([x, y])[0] + x,
        lambda x, y: np.einsum("...k,...k->k", np.stack([x, y], -1), np.stack([x, y], -1))[0] + x,
        lambda x, y: np.add.accumulate(np.stack([x, y]))[1],
    ],
)
def test_what_mixes_points_or_is_not_known_has_no_bounds(f):
    assert Function(f).unenclosable is not None
