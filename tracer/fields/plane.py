"""A plane in the space of inputs: ``x(s, t) = origin + s·u + t·v``.

A network of n inputs on a plane is a network of two inputs: the plane is folded into the first layer. So a
plane through images of 921,600 pixels costs as much as two inputs [1]_.

References
----------
.. [1] D. Fishbein, "Solve Z1 = Z2 for x1" (2023), equation (68) and the conclusion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tracer._version import __version__
from tracer.arrays import Array, quiet
from tracer.fields.checks import frozen_array, index, points, shown
from tracer.fields.feature_names import names_of
from tracer.pickles import rebuilt

# Below this sine of the angle between u and v, coordinates in the plane lose all their digits.
SMALLEST_SINE = 1e-12


@dataclass(frozen=True, eq=False, repr=False)
class Plane:
    """The plane ``origin + s·u + t·v`` in n-dimensional space.

    Parameters
    ----------
    origin, u, v : array_like, shape (n,)
        A point and two independent directions; kept as read-only float64 copies.
    inputs : sequence of str, optional
        The names of the n coordinates; a model with other names is not restricted to the plane.

    Raises
    ------
    ValueError
        If the shapes differ, an entry is not finite, or `u` and `v` are dependent.
    """

    origin: Array
    u: Array
    v: Array
    inputs: tuple[str, ...] | None = None

    def __init__(
        self, origin: ArrayLike, u: ArrayLike, v: ArrayLike, inputs: Sequence[str] | None = None
    ) -> None:
        for name, vector in (("origin", origin), ("u", u), ("v", v)):
            object.__setattr__(self, name, frozen_array(name, vector, ndim=1))
        if not len(self.origin) == len(self.u) == len(self.v):
            raise ValueError(
                "origin, u and v must have one length; "
                f"got {len(self.origin)}, {len(self.u)} and {len(self.v)}"
            )
        if inputs is not None and len(inputs) != len(self.origin):
            raise ValueError(f"inputs must name the {len(self.origin)} coordinates; got {len(inputs)}")
        object.__setattr__(self, "inputs", None if inputs is None else tuple(inputs))
        if _sine(self.u, self.v) < SMALLEST_SINE:
            raise ValueError("u and v must be linearly independent; got dependent vectors")

    def __repr__(self) -> str:
        n = len(self.origin)
        if self.features is None:
            return f"Plane({n} inputs)"
        names = self.inputs or range(n)
        first, second = (names[k] for k in self.features)
        return f"Plane({n} inputs, of {first!r} and {second!r})"

    @classmethod
    def through(cls, a: ArrayLike, b: ArrayLike, c: ArrayLike) -> Plane:
        """The plane through three points, which have the coordinates (0, 0), (1, 0) and (0, 1).

        The directions ``b − a`` and ``c − a`` are rounded to float64, so (1, 0) is `b` up to rounding. Proofs
        hold for the stored plane, with the rounded directions.

        Parameters
        ----------
        a, b, c : array_like, shape (n,) or any other
            Three points, such as samples; images are read entry by entry in C order, as networks take them.

        Raises
        ------
        ValueError
            If the shapes differ, an entry is not finite, or the points lie on a line.

        Examples
        --------
        >>> import numpy as np
        >>> import tracer
        >>> images = np.random.default_rng(0).random((3, 1, 28, 28))
        >>> plane = tracer.Plane.through(*images)
        >>> bool((plane.lift([1, 0]).reshape(1, 28, 28) - images[1] < 1e-15).all())
        True
        """
        points = [frozen_array(name, x, ndim=None) for name, x in (("a", a), ("b", b), ("c", c))]
        if len({x.shape for x in points}) > 1:
            shapes = ", ".join(str(x.shape) for x in points)
            raise ValueError(f"a, b and c must have one shape; got {shapes}")
        origin, one, other = (x.ravel() for x in points)
        with np.errstate(over="ignore", invalid="ignore"):  # Plane checks that it is finite
            u, v = one - origin, other - origin
            on_a_line = _sine(u, v) < SMALLEST_SINE
        if on_a_line:
            raise ValueError(
                f"a, b and c must not lie on a line; got {shown(a)}, {shown(b)} and {shown(c)}: pass "
                "another c, with b - a and c - a linearly independent"
            )
        return cls(origin, u, v)

    @classmethod
    def of_features(cls, i: int | str, j: int | str, *, at: Any) -> Plane:
        """The plane of two inputs; its coordinates are the values of these inputs.

        Parameters
        ----------
        i, j : int or str
            The two inputs, by number, or by name if `at` has names.
        at : array_like or Series, shape (n,)
            The values of all inputs; the values of i and j are ignored. A Series indexed by names, such as a
            row of a DataFrame, fits only a model whose inputs have these names in this order.

        Raises
        ------
        ValueError
            If i = j, or one of them is not an input.
        """
        origin, names = frozen_array("at", at, ndim=1).copy(), names_of(at)
        first, second = (_number(name, given, names, len(origin)) for name, given in (("i", i), ("j", j)))
        if first == second:
            raise ValueError(
                f"i and j must differ; got i={shown(i)} and j={shown(j)}: pass two features, such as 0 and 1"
            )
        origin[[first, second]] = 0
        return cls(origin, np.eye(1, len(origin), first)[0], np.eye(1, len(origin), second)[0], names)

    def __reduce__(self) -> tuple:
        return rebuilt, (__version__, Plane, self.origin, self.u, self.v, self.inputs)

    @property
    def features(self) -> tuple[int, int] | None:
        """The two inputs that `u` and `v` are the unit vectors of; None if they are not unit vectors."""
        axes = []
        for direction in (self.u, self.v):
            which = np.flatnonzero(direction)
            if len(which) != 1 or direction[which[0]] != 1:
                return None
            axes.append(int(which[0]))
        return axes[0], axes[1]

    @quiet
    def lift(self, st: ArrayLike) -> Array:
        """Points of the input space, shape (..., n), for plane coordinates `st` of shape (..., 2)."""
        st = points("st", st, 2)
        return self.origin + st[..., :1] * self.u + st[..., 1:] * self.v

    @quiet
    def project(self, x: ArrayLike) -> Array:
        """Plane coordinates, shape (..., 2), of the nearest points of the plane to `x`, shape (..., n)."""
        basis = np.stack([self.u, self.v], axis=-1)
        lengths = np.linalg.norm(basis, axis=0)
        offset = points("x", x, len(self.origin)) - self.origin
        flat: Any = np.linalg.lstsq(basis / lengths, offset.reshape(-1, len(self.origin)).T, rcond=None)[0].T
        return (flat / lengths).reshape(*offset.shape[:-1], 2)

    @quiet
    def restrict(self, inner: Plane) -> Plane:
        """The plane in the input space of `inner`, a plane in this plane's two coordinates."""
        if not isinstance(inner, Plane) or len(inner.origin) != 2:
            raise TypeError(f"inner must be a tracer.Plane in two coordinates; got {shown(inner)}")
        return Plane(
            self.lift(inner.origin),
            inner.u[0] * self.u + inner.u[1] * self.v,
            inner.v[0] * self.u + inner.v[1] * self.v,
            self.inputs,
        )


def _number(name: str, given: int | str, names: tuple[str, ...] | None, n: int) -> int:
    """The index of one of n inputs, given by index or by name."""
    if not isinstance(given, str):
        return index(name, given, n, "inputs")
    if names is None or given not in names:
        known = "no names" if names is None else f"the names {', '.join(names)}"
        cure = ": pass its number, or at=pandas.Series(at, names)" if names is None else ""
        raise ValueError(f"{name} must be an input, and at has {known}; got {shown(given)}{cure}")
    return names.index(given)


@quiet
def _sine(u: Array, v: Array) -> float:
    if not u.any() or not v.any():
        return 0.0
    # Scaled first: the square of an entry may over- or underflow.
    a, b = u / np.abs(u).max(), v / np.abs(v).max()
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    return float(np.linalg.norm(b - (a @ b) * a))
