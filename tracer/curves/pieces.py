"""Piecewise polynomials along a curve: the prediction between its points.

Piece k is a triple of polynomials of degree 7 in σ ∈ [−1, 1], for x1, x2 and the arclength s; that
is also the degree of DOP853's own dense output, so nothing is lost. They are stored as Chebyshev
coefficients. A point at a given arclength is found by inverting s(σ), which is increasing.
"""

from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.polynomial import chebyshev, legendre
from numpy.typing import NDArray

from tracer.arrays import EPS, Array, Indices, Mask, lengths
from tracer.equations.zeros import newton

DEGREE = 7
# Values of the Chebyshev polynomials at −1.
SIGNS = (-1.0) ** np.arange(DEGREE + 1)
_AT_ENDS = np.stack([SIGNS, np.ones(DEGREE + 1)])
# Chebyshev points of the second kind on [-1, 1]: both ends are among them.
NODES = -np.cos(np.pi * np.arange(DEGREE + 1) / DEGREE)
_TO_COEFFICIENTS = np.linalg.inv(chebyshev.chebvander(NODES, DEGREE))
# The matrix from values at the nodes to derivatives of the polynomial there.
DERIVATIVE = chebyshev.chebval(NODES, chebyshev.chebder(_TO_COEFFICIENTS)).T
# The matrices from values at the nodes to derivatives at more nodes, since a speed is no polynomial, and from
# values at those to their integrals from −1 to the nodes.
_FINE = -np.cos(np.pi * np.arange(2 * DEGREE + 3) / (2 * DEGREE + 2))
_FROM_FINE = np.linalg.inv(chebyshev.chebvander(_FINE, len(_FINE) - 1))
FINE_RATES = chebyshev.chebval(_FINE, chebyshev.chebder(_TO_COEFFICIENTS)).T
INTEGRAL = chebyshev.chebval(NODES, chebyshev.chebint(_FROM_FINE, lbnd=-1)).T

# The matrices from coefficients to those of the polynomial and its first two derivatives, (3, 8, 8).
_JETS = np.stack([np.pad(chebyshev.chebder(np.eye(DEGREE + 1), k), [(0, k), (0, 0)]) for k in range(3)])


def interpolation(sigma: Array) -> Array:
    """The matrix from values at the nodes to values of the polynomial at `sigma` (k,), shape (k, 8)."""
    return chebyshev.chebvander(sigma, DEGREE) @ _TO_COEFFICIENTS


def differentiation(sigma: Array) -> Array:
    """The matrix from coefficients to derivatives of the polynomial at `sigma` (k,), shape (k, 8)."""
    return chebyshev.chebvander(sigma, DEGREE) @ _JETS[1]


def extrema(v: Array) -> tuple[Array, Array]:
    """The extrema of samples (..., k) at equal steps, by parabolas through three of them, (..., k − 2).

    Also their positions, in steps from the middle sample of the three; nan where there is none.
    """
    before, here, after = v[..., :-2], v[..., 1:-1], v[..., 2:]
    with np.errstate(all="ignore"):
        second, slope = before - 2 * here + after, 0.5 * (after - before)
        step = np.where((here - before) * (here - after) > 0, -slope / second, np.nan)
    return here + 0.5 * slope * step, step


# Check points, where a polynomial is compared with the curve: at its nodes it agrees, whatever the curve does
# elsewhere. They are in the middle and further out, where the nodes lie closer.
_CHECKED = np.array([-0.78, 0.0, 0.78])
# Nodes and check points in order, and the indices of both.
SIGMA = np.sort(np.concatenate([NODES, _CHECKED]))
AT_NODES, AT_CHECKS = (np.searchsorted(SIGMA, some) for some in (NODES, _CHECKED))
# The matrix from values at the nodes to values of their polynomial at the check points.
EXPECTED = interpolation(_CHECKED)

# The speed along a piece is no polynomial's if it is less than this share of the largest somewhere. Then its
# parts are halved until that changes less than this share of its length, or so often.
UNEVEN, ROUNDING_OF_LENGTH, MOST_HALVINGS = 0.5, 1e-13, 40
_GAUSS = legendre.leggauss(DEGREE + 1)

# An imaginary part below this is rounding: of a double root it is about the square root of rounding.
REAL = 1e-7


@dataclass(frozen=True, eq=False)
class Pieces:
    """Polynomial pieces end to end; `coefficients` has shape (m, 8, 3), for x1, x2 and s."""

    coefficients: Array

    @classmethod
    def through(cls, values: Array) -> "Pieces":
        """The pieces that interpolate `values` (m, 8, 3) at the nodes."""
        return cls(_TO_COEFFICIENTS @ values)

    @classmethod
    def lines(cls, start: Array, end: Array) -> "Pieces":
        """Straight pieces from points `start` to `end`, (m, 2); the arclength of each starts at 0."""
        c = np.zeros((len(start), DEGREE + 1, 3))
        half = 0.5 * lengths(end - start)
        c[:, 0, :2], c[:, 1, :2] = 0.5 * start + 0.5 * end, 0.5 * end - 0.5 * start
        c[:, 0, 2] = c[:, 1, 2] = half
        return cls(c)

    @cached_property
    def straight(self) -> bool:
        """Whether all pieces are straight."""
        return bool(self.lines_among.all())

    @cached_property
    def lines_among(self) -> Mask:
        """Which pieces are straight, (m,)."""
        curved: Any = self.coefficients[:, 2:].any(axis=(1, 2))
        return ~curved

    @classmethod
    def join(cls, parts: "list[Pieces]") -> "Pieces":
        """Concatenate pieces, with consecutive arclengths from 0."""
        return cls(np.concatenate([part.coefficients for part in parts])).end_to_end()

    def end_to_end(self) -> "Pieces":
        """The same pieces with consecutive arclengths from 0, whatever that of each started at."""
        c = self.coefficients.copy()
        # Far from 0 a start is rounded more than its piece is long: only the lengths are used.
        c[:, 0, 2] = 0.0
        low, high = self._ends(c)[:, :, 2]
        c[:, 0, 2] = np.append(0.0, np.cumsum(high - low)[:-1])[: len(c)] - low
        return Pieces(c)

    def reversed(self) -> "Pieces":
        """The same curve in the opposite direction."""
        c = self.coefficients[::-1] * SIGNS[:, None]
        c[:, :, 2] *= -1
        c[:, 0, 2] += self.length + 2 * self.start
        return Pieces(c)

    @property
    def start(self) -> float:
        """The arclength at the first end."""
        return float(self._ends(self.coefficients[:1])[0, 0, 2]) if len(self) else 0.0

    @property
    def length(self) -> float:
        """The arclength from end to end."""
        return float(self._ends(self.coefficients[-1:])[1, 0, 2]) - self.start if len(self) else 0.0

    @cached_property
    def knots(self) -> Array:
        """Arclengths at the ends of the pieces, shape (m + 1,), increasing."""
        low, high = self._ends(self.coefficients)
        return np.append(low[:, 2], high[-1:, 2])

    def __len__(self) -> int:
        return len(self.coefficients)

    def at(self, piece: NDArray[np.int64], sigma: Array) -> Array:
        """x1, x2, s, shape (..., 3), of the pieces numbered `piece` at `sigma`, both (...)."""
        return self._combined(chebyshev.chebvander(sigma, DEGREE), piece)

    def at_places(self, place: Array) -> Array:
        """x1, x2, s, shape (n, 3), at places (n,): the number of a piece, plus the share of it."""
        return self.at(*self._located(place))

    def jet_at_places(self, place: Array) -> Array:
        """x1, x2, s at places (n,), and their first two derivatives by the place, shape (3, n, 3)."""
        return self.jet(*self._located(place)) * np.array([1.0, 2.0, 4.0])[:, None, None]

    def _located(self, place: Array) -> tuple[NDArray[np.int64], Array]:
        """The piece and σ at places (n,)."""
        piece = np.clip(place.astype(np.int64), 0, max(0, len(self) - 1))
        return piece, 2 * (place - piece) - 1

    def jet(self, piece: NDArray[np.int64], sigma: Array) -> Array:
        """x1, x2, s of pieces at `sigma`, both (n,), and their first two derivatives by σ, (3, n, 3)."""
        return self._combined(chebyshev.chebvander(sigma, DEGREE) @ _JETS, piece)

    def rate(self, piece: NDArray[np.int64], sigma: Array) -> Array:
        """Derivatives of x1, x2, s by σ, shape (..., 3)."""
        return self._combined(differentiation(sigma), piece)

    def _combined(self, weights: Any, piece: NDArray[np.int64]) -> Array:
        """The sums of the coefficients of pieces (...) times weights (..., 8), shape (..., 3)."""
        return (weights[..., None, :] @ self.coefficients[piece])[..., 0, :]

    def locate(self, s: Array) -> tuple[NDArray[np.int64], Array]:
        """The piece and σ at arclengths `s` of shape (n,)."""
        knots = self.knots
        piece = np.clip(np.searchsorted(knots, s, side="right") - 1, 0, len(self) - 1)
        width = np.maximum(knots[piece + 1] - knots[piece], np.finfo(float).tiny)
        # s and its derivative by σ.
        jets = (_JETS[:2] @ self.coefficients[:, None, :, 2:])[..., 0].take(piece, 0)

        def excess(sigma: Array, which: Indices) -> tuple[Array, Array]:
            basis = chebyshev.chebvander(sigma, DEGREE)
            value, rate = (jets.take(which, 0) @ basis[:, :, None])[..., 0].T
            value -= s.take(which)
            return np.where(np.abs(value) <= rounding, 0.0, value), rate

        rounding = 4 * EPS * max(abs(knots[0]), abs(knots[-1]))
        ends = np.full(len(s), -1.0), np.ones(len(s))
        return piece, newton(excess, ends, ends[1], np.clip(2 * (s - knots[piece]) / width - 1, -1, 1))[0]

    def __call__(self, s: Array) -> Array:
        """Points, shape (n, 2), at arclengths `s` of shape (n,)."""
        return self.at(*self.locate(s))[:, :2]

    def sample(self, per_piece: int) -> Array:
        """x1, x2, s, shape (m·per_piece + 1, 3), at equal steps of σ."""
        sigma = np.linspace(-1, 1, per_piece + 1)
        piece = np.repeat(np.arange(len(self)), per_piece)
        rows = self.at(piece, np.tile(sigma[:-1], len(self)))
        return np.concatenate([rows, self._ends(self.coefficients[-1:])[1]])

    def cut(self, piece: int, sigma: float) -> "Pieces":
        """The pieces up to `sigma` of the one numbered `piece`."""
        at = -1 + 0.5 * (1 + NODES) * (sigma + 1)
        last = Pieces.through(self.at(np.full(DEGREE + 1, piece), at)[None])
        return Pieces(np.concatenate([self.coefficients[:piece], last.coefficients]))

    def may_turn(self) -> Mask:
        """On which pieces the derivatives of x1 and x2 may be 0, by the sizes of coefficients, (m, 2)."""
        size = np.abs(_JETS[1] @ self.coefficients[..., :2])
        return ~(2 * size[:, 0] > size.sum(axis=1))

    def first_exit(self, axis: int, low: float, high: float) -> tuple[int, float] | None:
        """The piece and σ where coordinate `axis` first leaves [low, high] before returning; None if nowhere.

        If both ends of a piece lie inside, the coordinate can only be outside at a turning point, a root of
        its derivative: an eigenvalue of a companion matrix.
        """
        c = self.coefficients[:, :, axis]
        # Chebyshev polynomials are between −1 and 1.
        reach = np.abs(c[:, 1:]).sum(axis=1)
        for k in np.flatnonzero((c[:, 0] - reach < low) | (c[:, 0] + reach > high)):
            rate = chebyshev.chebder(c[k])
            turns = chebyshev.chebroots(chebyshev.chebtrim(rate, EPS * reach[k]))
            turns = np.sort(turns.real[(np.abs(turns.imag) <= REAL) & (np.abs(turns.real) < 1)])
            value = chebyshev.chebval(turns, c[k])
            out = np.flatnonzero((value < low) | (value > high))
            if len(out):
                n = out[0]
                side = low if value[n] < low else high
                ends = np.append(-1.0, turns)[[n]], turns[[n]]

                beyond = partial(_beyond, c[k], rate, side)
                return int(k), float(newton(beyond, ends, np.sign(value[[n]] - side))[0][0])
        return None

    @staticmethod
    def _ends(coefficients: Array) -> Array:
        return np.moveaxis(_AT_ENDS @ coefficients, 1, 0)


def _beyond(c: Array, rate: Array, side: float, sigma: Array, which: Indices) -> tuple[Array, Array]:
    """How far one polynomial is beyond `side` at `sigma` (k,), and its derivatives there."""
    value: Any = chebyshev.chebval(sigma, c) - side
    slope: Any = chebyshev.chebval(sigma, rate)
    return value, slope


def with_arclength(values: Array) -> Pieces:
    """The pieces that interpolate points (n, 8, 2) at the nodes, and the arclengths there."""
    speed = lengths(FINE_RATES @ values)
    s = speed @ INTEGRAL.T
    uneven = speed.min(axis=1) < UNEVEN * speed.max(axis=1)
    if uneven.any():
        s[uneven] = _arclengths(values[uneven])
    return Pieces.through(np.concatenate([values, s[..., None]], axis=2))


def _arclengths(values: Array) -> Array:
    """The arclengths at the nodes, (n, 8), of the polynomials through `values` (n, 8, 2) there.

    Where one turns back in a long box its speed is nearly |σ|, which no polynomial is: the integral is that
    of parts, halved until Gauss's rule finds as much in both halves.
    """
    rates, n = _JETS[1] @ (_TO_COEFFICIENTS @ values), len(values)

    def integral(piece: Indices, low: Array, high: Array) -> Array:
        at = 0.5 * (low + high)[:, None] + 0.5 * (high - low)[:, None] * _GAUSS[0]
        return 0.5 * (high - low) * (lengths(chebyshev.chebvander(at, DEGREE) @ rates[piece]) @ _GAUSS[1])

    number, found = np.arange(n * DEGREE), np.zeros(n * DEGREE)
    low, high = np.tile(NODES[:-1], n), np.tile(NODES[1:], n)
    whole = integral(number // DEGREE, low, high)
    negligible = ROUNDING_OF_LENGTH * whole.reshape(n, DEGREE).sum(axis=1)
    for left in reversed(range(MOST_HALVINGS)):
        middle = 0.5 * (low + high)
        parts = [integral(number // DEGREE, low, middle), integral(number // DEGREE, middle, high)]
        on = (np.abs(parts[0] + parts[1] - whole) > negligible[number // DEGREE]) & (left > 0)
        np.add.at(found, number[~on], (parts[0] + parts[1])[~on])
        low, high = np.concatenate([low[on], middle[on]]), np.concatenate([middle[on], high[on]])
        number, whole = np.tile(number[on], 2), np.concatenate([part[on] for part in parts])
    return np.pad(np.cumsum(found.reshape(n, DEGREE), axis=1), [(0, 0), (1, 0)])
