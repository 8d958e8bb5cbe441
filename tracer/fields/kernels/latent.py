"""The probability of a Gaussian process for classification: of its latent mean f and variance v.

Laplace's approximation [1]_ gives a normal distribution of the latent function at a point, and the
probability of class 1 is the mean of its logistic function: approximated by five error functions [2]_,

    p = G(f, v) = ½ Σ_c C_c (1 + erf(s_c f)),    s_c = λ_c / √(1 + 2 λ_c² v).

f is a sum of kernels, and v is the kernel of the point with itself minus a sum of squares of sums of kernels:
both are networks of the kernels. The C_c are large and cancel, so that single error functions are no use on a
cell. But erf(s f) is the convolution of erf(λ f) with a normal density of variance v: it solves the heat
equation ∂_v = ½ ∂_f², so that all derivatives of G are those by f, with D_n = ∂_f^n G,

    G(f + a, v + b) = Σ_ij D_{i+2j} a^i b^j / (i! j! 2^j),
    ∂_f^n erf(s f) = 2/√π s^n H_{n−1}(−s f) exp(−(s f)²),

with Hermite polynomials H. Terms of degree 2 at most are kept as a Taylor form of a and b; the others up to
`DEGREE` are bounded by what they are, where they cancel too, and the remainder by Cramér's inequality
``|H_n(z)| exp(−z²/2) ≤ 1.0865 √(2^n n!)`` ([3]_, 22.14.17).

References
----------
.. [1] C. E. Rasmussen, C. K. I. Williams, "Gaussian Processes for Machine Learning" (2006), algorithm 3.2.
.. [2] C. K. I. Williams, D. Barber, "Bayesian classification with Gaussian processes", IEEE Transactions on
   Pattern Analysis and Machine Intelligence 20 (1998), appendix A; the numbers are scikit-learn's.
.. [3] M. Abramowitz, I. A. Stegun, "Handbook of Mathematical Functions", NBS (1964).
"""

from dataclasses import dataclass
from functools import cached_property
from math import factorial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tracer.arrays import Array, chunks, quiet
from tracer.enclosures import rounding, special
from tracer.enclosures.cores import on_cores
from tracer.enclosures.forms.taylor import TaylorForm
from tracer.enclosures.forms.taylor_arithmetic import add, multiply, scale
from tracer.enclosures.functions.supporting_lines import largest
from tracer.enclosures.rounding import UNDERFLOW, UNIT_ROUNDOFF, UP
from tracer.fields.checks import index, points, shown
from tracer.fields.field import Enclosure
from tracer.fields.kernels.gaussians import DECAY, Gaussians
from tracer.fields.labels import Side, labelled
from tracer.fields.model import Model
from tracer.fields.networks import bounds as network_bounds
from tracer.fields.networks.network import Network
from tracer.fields.networks.probabilities import need_probability
from tracer.fields.plane import Plane

LAMBDAS = np.array([0.41, 0.4, 0.37, 0.44, 0.39])
COEFFICIENTS = np.array([-1854.8214151, 3516.89893646, 221.29346712, 128.12323805, -2010.49422654])
# Terms up to this degree in a and b are bounded by their own size.
DEGREE = 9
# A variance is never negative; where its bounds do not say that it is above this, there are no bounds of G.
LEAST_VARIANCE = -0.25
CRAMER = 1.0866
# Points and cells are evaluated in chunks of this many numbers, but at least so many.
CACHED_NUMBERS, FEWEST = 2**14, 16


@dataclass(frozen=True, eq=False, repr=False)
class LatentProbability(Model):
    """The probability of one of two classes of a Gaussian process, minus p.

    Parameters
    ----------
    terms : Gaussians
        The kernels.
    mean, variance : Network
        f and v as networks of the kernels, with one output each.
    output : int
        The class, 0 or 1.
    p : float
    plane, inputs, sides
        As of a `Network`.
    """

    terms: Gaussians
    mean: Network
    variance: Network
    output: int
    p: float
    plane: Plane | None = None
    inputs: tuple | None = None
    sides: tuple[Side, ...] | None = None

    kind = "model"
    classes = None
    unenclosable = None

    def __post_init__(self) -> None:
        for name in ("mean", "variance"):
            part = getattr(self, name)
            if not isinstance(part, Network) or (part.n_inputs, part.n_outputs) != (len(self.terms), 1):
                raise ValueError(f"{name} must be a Network of {len(self.terms)} kernels; got {shown(part)}")
        object.__setattr__(self, "output", index("output", self.output, 2))
        object.__setattr__(self, "p", need_probability("p", self.p))
        object.__setattr__(self, "inputs", labelled("inputs", self.inputs, self.n_inputs))

    @property
    def n_inputs(self) -> int:
        """The number of inputs."""
        return self.terms.inputs

    @property
    def n_outputs(self) -> int:
        """One."""
        return 1

    def __call__(self, x: ArrayLike) -> Array:
        """The only output, shape (..., 1), at points `x` of shape (..., inputs)."""
        return self.value(x)[..., None]

    @quiet
    def value(self, x: ArrayLike) -> Array:
        """The probability minus p, shape (...), at points `x` of shape (..., inputs)."""
        at = points("x", x, self.n_inputs)
        flat = at.reshape(-1, self.n_inputs)
        every = chunks(max(len(flat), 1), self._points_at_once)
        parts = on_cores(lambda chunk: self._of_kernels(self.terms.value(flat[chunk]))[0], every)
        return np.concatenate(parts).reshape(at.shape[:-1])

    def _value_and_gradient(self, x: Array) -> tuple[Array, Array]:
        self._need_two_inputs()
        kernels, *partials = self.terms.jet(x)
        value, by_kernels = self._of_kernels(kernels)
        return value, np.stack([np.einsum("kn,kn->k", by_kernels, part) for part in partials], axis=1)

    def _of_kernels(self, kernels: Array) -> tuple[Array, Array]:
        """F at kernels (k, n), and its gradient in them."""
        (f, by_f), (v, by_v) = (part.value_and_gradient(kernels) for part in (self.mean, self.variance))
        scale = LAMBDAS / np.sqrt(1 + 2 * LAMBDAS**2 * v[:, None])
        z = scale * f[:, None]
        weights, shift, _ = self._last
        slope = 2 / np.sqrt(np.pi) * np.exp(-z * z) * weights
        change = -f[:, None] * scale**3
        gradient = (slope * scale).sum(axis=1)[:, None] * by_f + (slope * change).sum(axis=1)[:, None] * by_v
        return special.erf(z) @ weights + shift, gradient

    @cached_property
    def _last(self) -> tuple[Array, float, float]:
        """F as Σ_c w_c erf(…) + shift: w, the shift and its radius."""
        sign = 1.0 if self.output == 1 else -1.0
        weights = sign * 0.5 * COEFFICIENTS
        constant = np.concatenate([weights, [-self.p], [1.0] if self.output == 0 else []])
        shift, radius = rounding.added(constant, np.zeros_like(constant))
        return weights, float(shift), float(radius)

    @cached_property
    def _points_at_once(self) -> int:
        return max(FEWEST, CACHED_NUMBERS // len(self.terms))

    def _at_points(self, x: Array) -> Enclosure:
        return self._on_cells(x, x)

    def _on_cells(self, lower: Array, upper: Array) -> Enclosure:
        every = chunks(max(len(lower), 1), self._points_at_once)
        return Enclosure.joined(on_cores(lambda c: self._form_bounds(lower[c], upper[c]), every))

    @quiet
    def _form_bounds(self, lower: Array, upper: Array) -> Enclosure:
        form, radius = self.terms.polynomials.on_cells(lower, upper)
        form = form.apply(DECAY)
        f, v = (network_bounds.through(form, part.layers) for part in (self.mean, self.variance))
        found = _composed(f, v, *self._last)
        (low, high), gradient = found.value_bounds(), found.gradient_bounds(radius)
        low, high = low[:, 0], high[:, 0]
        return Enclosure(low, high, *gradient, np.isfinite(low) & np.isfinite(high))

    def _difference(self, i: int, j: int) -> dict[str, Any]:
        raise NotImplementedError  # it has one output

    def _on_plane(self, plane: Plane) -> dict[str, Any]:
        return {"terms": self.terms.restricted(plane)}

    def __repr__(self) -> str:
        label = shown(self.output if self.sides is None else self.sides[self.output][0])
        where = ", on a plane" if self.plane is not None else ""
        return (
            f"LatentProbability({self.n_inputs} inputs, {self.terms}{where}, probability of {label} "
            f"minus {self.p!r})"
        )


def _composed(f: TaylorForm, v: TaylorForm, weights: Array, shift: float, error: float) -> TaylorForm:
    """``Σ_c w_c erf(s_c f) + shift`` of forms of f and v."""
    f0, v0 = f.coefficients[0].copy(), np.maximum(v.coefficients[0], 0.0)
    a, b = _minus(f, f0), _minus(v, v0)
    reach = [largest(*part.value_bounds())[:, 0] for part in (a, b)]
    D, E, B = _derivatives(f0[:, 0], v0[:, 0], weights)
    D[:, v0[:, 0] - reach[1] < LEAST_VARIANCE] = np.nan
    d = D[:, :, None]
    first = add(_plus(scale(a, 0.5 * d[2]), d[1]), scale(b, 0.5 * d[3]))
    second = _plus(scale(b, 0.125 * d[4]), 0.5 * d[2])
    found = add(multiply(a, first), multiply(b, second))
    found = _plus(_plus(found, d[0]), np.full_like(d[0], shift))
    rest = [_remainder(D, E, B, reach, at) for at in ((0, 0), (1, 0), (0, 1))]
    found.radii[0] += (rest[0][:, None] + error) * UP
    for i in (0, 1):
        slopes = [largest(*part.partial_bounds(i))[:, 0] for part in (a, b)]
        found.radii[1 + i] += (rest[1] * slopes[0] + rest[2] * slopes[1])[:, None] * UP
    return found


def _minus(form: TaylorForm, center: Array) -> TaylorForm:
    """The form minus a number on each cell, (k, 1): exact, as that is its value there, or 0."""
    coefficients = form.coefficients.copy()
    coefficients[0] -= center
    return TaylorForm(coefficients, form.radii)


def _plus(form: TaylorForm, number: Array) -> TaylorForm:
    """The form plus a number on each cell, (k, 1)."""
    coefficients, radii = form.coefficients.copy(), form.radii.copy()
    coefficients[0] += number
    radii[0] += 2 * UNIT_ROUNDOFF * np.abs(coefficients[0]) + UNDERFLOW
    return TaylorForm(coefficients, radii)


def _derivatives(f: Array, v: Array, weights: Array) -> tuple[Array, Array, Array]:
    """D_n of Σ_c w_c erf(s_c f) at points (k,), (N, k), error bounds, and bounds of |D_n| anywhere, (N,)."""
    N = 2 * DEGREE + 4
    w, s = weights[:, None], LAMBDAS[:, None] / np.sqrt(1 + 2 * LAMBDAS[:, None] ** 2 * v)
    z = s * f
    e = 2 / np.sqrt(np.pi) * np.exp(-z * z)
    D, E, B = np.empty((N, len(f))), np.empty((N, len(f))), np.zeros(N)
    D[0], E[0] = (w * special.erf(z)).sum(axis=0), 64 * UNIT_ROUNDOFF * np.abs(weights).sum()
    # H_n(−z), and the same with all terms positive; s^n, and its bound for the least variance.
    h, past, size, past_size = np.ones_like(z), np.zeros_like(z), np.ones_like(z), np.zeros_like(z)
    powers, steep = np.ones_like(z), LAMBDAS / np.sqrt(1 + 2 * LAMBDAS**2 * LEAST_VARIANCE)
    for n in range(1, N):
        powers = powers * s
        D[n] = (w * powers * h * e).sum(axis=0)
        # s has 6 roundings, z 8, each step of H 4, and exp(−z²) those of z², twice, and 8 more.
        roundings = 64 + 32 * n + 32 * (z * z)
        E[n] = (np.abs(w) * powers * size * e * roundings).sum(axis=0) * (2 * UNIT_ROUNDOFF) + UNDERFLOW
        most = CRAMER * np.sqrt(2.0 ** (n - 1) * factorial(n - 1)) * 2 / np.sqrt(np.pi)
        B[n] = (np.abs(weights) * steep**n).sum() * most * (1 + 1e-9)
        h, past = -2 * z * h - 2 * (n - 1) * past, h
        size, past_size = 2 * np.abs(z) * size + 2 * (n - 1) * past_size, size
    return D, E, B


def _remainder(D: Array, E: Array, B: Array, reach: list[Array], at: tuple[int, int]) -> Array:
    """A bound (k,) of what the kept terms leave of G, or of a partial: `at` counts derivatives by f and v."""
    total = np.zeros(D.shape[1])
    degree = 2 - sum(at)
    for i in range(DEGREE + 2 - sum(at)):
        for j in range(DEGREE + 2 - sum(at) - i):
            n = i + at[0] + 2 * (j + at[1])
            last = i + j == DEGREE + 1 - sum(at)
            of = B[n] if last else E[n] if i + j <= degree else np.abs(D[n]) + E[n]
            total += of * reach[0] ** i * reach[1] ** j / (factorial(i) * factorial(j) * 2.0 ** (j + at[1]))
    return total * (1 + 1e-12)
