"""Functions of one variable with proven bounds of their value and first three derivatives.

A row gives ``a, a', a'', a'''`` at points, each with a majorant m of its terms: the computed number
is within ``C u m`` of the true one (u = 2⁻⁵³), where C counts the roundings of the formula and those of
the machine's elementary functions. NumPy documents no error bound for these; exp, expm1, tanh, log1p
and, in `elementary`, log, log2, log10, sin, cos, tan, sinh, cosh, arctan and power are taken to be
right within 4 ulp (measured: 0.7 and 1.2 for exp and tanh; NumPy's own tests allow 1 and 2; of sin and
cos no more is asked than 4 ulp of the smaller of 1 and their argument), SciPy's erfc(x) within
16 (1 + 2x²) u (measured: 15 near 1, half of 1 + 2x² for large x). The tests hold every row against
ball arithmetic on the machine they run on.

Between the zeros of its derivative a function is monotone, so its range on an interval is the hull of
its values at both ends and at the zeros inside. The zeros of ``a'``, ``a''``, ``a'''`` and ``a''''``
are written down to full precision.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfc

from tracer.enclosures.rounding import UNDERFLOW, UNIT_ROUNDOFF

Array = NDArray[np.float64]

# Roundings of the longest formula below, each elementary function counted as 8 (4 ulp).
ROUNDINGS = 64
# A zero of a derivative is known to within this, relative to its size.
ZERO_ROUNDING = 8 * UNIT_ROUNDOFF


@dataclass(frozen=True)
class Univariate:
    """A function of one variable.

    Attributes
    ----------
    jet : callable
        ``jet(z)`` gives the function and its first three derivatives, shape (4, ...), and their
        majorants, shape (4, ...).
    zeros : tuple of four tuples of float
        The zeros of the first to the fourth derivative, where it changes sign.
    breaks : tuple of float
        Points where it is not three times differentiable; its slope is continuous there, and the jet
        is that of the left side.
    roundings : int
        C in the error ``C u m``.
    """

    jet: Callable[[Array], tuple[Array, Array]]
    zeros: tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...], tuple[float, ...]]
    breaks: tuple[float, ...] = ()
    roundings: int = ROUNDINGS

    def jet_and_error(self, z: Array) -> tuple[Array, Array]:
        """The jet at `z`, shape (4, ...), and how far it may be from the true one."""
        jet, majorant = self.jet(z)
        return jet, self.roundings * UNIT_ROUNDOFF * majorant + UNDERFLOW

    def ranges(self, low: Array, high: Array) -> tuple[Array, Array]:
        """Bounds, each of shape (4, ...), of the function and its derivatives on [low, high].

        On an interval around a break the bounds hold for the one-sided derivatives.
        """
        ends = self._bounds(low), self._bounds(high)
        below = np.minimum(ends[0][0], ends[1][0])
        above = np.maximum(ends[0][1], ends[1][1])
        for k, zeros in enumerate(self.zeros):
            for zero in (*zeros, *self.breaks):
                margin = ZERO_ROUNDING * abs(zero)
                inside = (low <= zero + margin) & (high >= zero - margin)
                least, most = self._around(zero)
                below[k] = np.where(inside, np.minimum(below[k], least[k]), below[k])
                above[k] = np.where(inside, np.maximum(above[k], most[k]), above[k])
        return below, above

    def _bounds(self, z: Array) -> tuple[Array, Array]:
        jet, error = self.jet_and_error(z)
        # One more rounding: of this sum itself.
        error = error + 2 * UNIT_ROUNDOFF * np.abs(jet)
        return jet - error, jet + error

    def _around(self, zero: float) -> tuple[Array, Array]:
        """Bounds of the jet at `zero`; at a break, of both sides."""
        sides = [zero, np.nextafter(zero, np.inf)] if zero in self.breaks else [zero]
        bounds = [self._bounds(np.asarray(z)) for z in sides]
        return np.minimum.reduce([b[0] for b in bounds]), np.maximum.reduce([b[1] for b in bounds])


def _tanh(z: Array) -> tuple[Array, Array]:
    e = np.exp(-2 * np.abs(z))
    t, s = np.tanh(z), 4 * e / (1 + e) ** 2  # sech² without cancellation
    t2 = t * t
    jet = np.stack([t, s, -2 * t * s, s * (6 * t2 - 2)])
    return jet, np.stack([np.abs(t), s, 2 * np.abs(t) * s, s * (6 * t2 + 2)])


def _logistic(z: Array) -> tuple[Array, Array, Array]:
    """σ(z), σ(−z) and their product, each to a few units of relative accuracy."""
    e = np.exp(-np.abs(z))
    large, small = 1 / (1 + e), e / (1 + e)
    return np.where(z >= 0, large, small), np.where(z >= 0, small, large), large * small


def _sigmoid(z: Array) -> tuple[Array, Array]:
    p, q, s = _logistic(z)
    jet = np.stack([p, s, s * (q - p), s * (1 - 6 * s)])
    return jet, np.stack([p, s, s, s * (1 + 6 * s)])


def _softplus(z: Array) -> tuple[Array, Array]:
    value = np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))
    (p, s, d, _), (_, ms, md, _) = _sigmoid(z)
    jet = np.stack([value, p, s, d])
    return jet, np.stack([value, p, ms, md])


def _silu(z: Array) -> tuple[Array, Array]:
    (p, s, d, t), (mp, ms, md, mt) = _sigmoid(z)
    a = np.abs(z)
    jet = np.stack([z * p, p + z * s, 2 * s + z * d, 3 * d + z * t])
    return jet, np.stack([a * mp, mp + a * ms, 2 * ms + a * md, 3 * md + a * mt])


def _gelu(z: Array) -> tuple[Array, Array]:
    z2, a = z * z, np.abs(z)
    phi, Phi = np.exp(-0.5 * z2) / np.sqrt(2 * np.pi), 0.5 * erfc(-z / np.sqrt(2))
    jet = np.stack([z * Phi, Phi + z * phi, phi * (2 - z2), phi * z * (z2 - 4)])
    majorant = np.stack([a * Phi, Phi + a * phi, phi * (2 + z2), phi * a * (z2 + 4)])
    # The rounding of z² and of z/√2 is magnified by z² in the exponent, and so is that of erfc.
    return jet, majorant * (1 + z2)


def _elu(z: Array) -> tuple[Array, Array]:
    low = np.minimum(z, 0)
    e = np.exp(low)
    left = z <= 0
    jet = np.stack([np.where(left, np.expm1(low), z), e, np.where(left, e, 0), np.where(left, e, 0)])
    return jet, np.abs(jet)


def _linear(z: Array) -> tuple[Array, Array]:
    jet = np.stack([z, np.ones_like(z), np.zeros_like(z), np.zeros_like(z)])
    return jet, np.zeros_like(jet)


def _both(*positive: float) -> tuple[float, ...]:
    return tuple(-z for z in reversed(positive)) + positive


# tanh² is 1/3 and 2/3 here, and the same at twice the argument for the logistic function.
_T3, _T4 = 0.6584789484624083543, 1.1462158347805888439

LINEAR = Univariate(_linear, ((), (), (), ()))
TANH = Univariate(_tanh, ((), (0.0,), _both(_T3), (-_T4, 0.0, _T4)))
SIGMOID = Univariate(_sigmoid, ((), (0.0,), _both(2 * _T3), (-2 * _T4, 0.0, 2 * _T4)))
SOFTPLUS = Univariate(_softplus, ((), (), (0.0,), _both(2 * _T3)))
SILU = Univariate(
    _silu,
    (
        (-1.278464542761073795109,),
        _both(2.399357280515467667833),
        (-3.435840993535110688952, 0.0, 3.435840993535110688952),
        _both(1.031958241780749123401, 4.429235100557227979566),
    ),
)
GELU = Univariate(
    _gelu,
    (
        (-0.7517915246935644574579,),
        _both(1.414213562373095048802),
        (-2.0, 0.0, 2.0),
        _both(0.7922869913932612777937, 2.524337798962138571321),
    ),
)
ELU = Univariate(_elu, ((), (), (), ()), breaks=(0.0,))


def largest(low: Any, high: Any) -> Any:
    """The largest absolute value in [low, high]."""
    return np.maximum(np.abs(low), np.abs(high))
