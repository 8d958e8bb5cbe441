"""Zonotopes of gradients: on which side of 0 do they all lie?

A zonotope ``center + Σ τ edge ± box``, τ ∈ [−1, 1], lies on one side of a line through 0 unless it holds 0,
and its vector nearest 0 is normal to such a line: found by Gilbert's algorithm [1]_, from corner to corner.

References
----------
.. [1] E. G. Gilbert, "An iterative procedure for computing the minimum of a quadratic form on a convex
   set", SIAM J. Control 4 (1966).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracer.arrays import Array, Indices, Mask
from tracer.enclosures.rounding import RADIUS_ROUNDINGS, UNDERFLOW, UNIT_ROUNDOFF

# Steps towards the point of the zonotope nearest 0: of a single edge the second finds it.
GILBERT_STEPS = 3


@dataclass(frozen=True, eq=False)
class Zonotope:
    """Vectors ``center + Σ τ edge ± box``, τ ∈ [−1, 1], in the plane, for cells in an array of any shape.

    Attributes
    ----------
    center, box : ndarray, shape (2, ...)
    edges : ndarray, shape (2, ..., n)
    """

    center: Array
    edges: Array
    box: Array

    @classmethod
    def gathered(cls, center: Array, cell: Indices, edges: Array, box: Array) -> "Zonotope":
        """Those of k cells from all their `edges` (2, m), each of one `cell`, (m,)."""
        number = np.bincount(cell, minlength=center.shape[1])
        order = np.argsort(cell, kind="stable")
        cell = cell[order]
        place = np.arange(len(cell)) - (np.cumsum(number) - number)[cell]
        # Cells with fewer edges have some of no length.
        table = np.zeros((*center.shape, number.max(initial=0)))
        table[:, cell, place] = edges[:, order]
        return cls(center, table, box)

    def edges_of(self, some: Indices, cell: Indices) -> tuple[Indices, Indices, Array]:
        """The edges of `some` cells, in ascending order: of which, which, and how long; (m,) each.

        Edges are numbered as `gathered` was given them with their `cell`.
        """
        number = np.bincount(cell, minlength=self.edges.shape[1])
        chosen = np.zeros(len(number), dtype=bool)
        chosen[some] = True
        order = np.argsort(cell, kind="stable")
        length = np.hypot(*self.edges[:, some])[np.arange(self.edges.shape[2]) < number[some, None]]
        return np.repeat(np.arange(len(some)), number[some]), order[chosen[cell[order]]], length

    def bounds(self) -> tuple[Array, Array]:
        """Of both components, each (2, ...)."""
        reach = (
            np.abs(self.edges).sum(axis=-1) * self._up + self.box + 2 * UNIT_ROUNDOFF * np.abs(self.center)
        )
        return self.center - reach, self.center + reach

    def __getitem__(self, which: NDArray) -> "Zonotope":
        return Zonotope(self.center[:, which], self.edges[:, which], self.box[:, which])

    def corner(self, d: Array) -> Array:
        """A vector (2, ...) whose inner product with d (2, ...) is least."""
        across = np.sign(self._across(d))
        return self.center - (across * self.edges).sum(axis=-1) - np.sign(d) * self.box

    def lies_beyond(self, d: Array) -> Mask:
        """Whether all inner products of its vectors with d (2, ...) are positive, for certain."""
        size = np.abs(d)
        along = (d * self.center).sum(axis=0)
        across = np.abs(self._across(d)).sum(axis=-1)
        whole = (size * (np.abs(self.center) + np.abs(self.edges).sum(axis=-1))).sum(axis=0)
        reach = (across + (size * self.box).sum(axis=0)) * self._up
        return along > reach + 8 * UNIT_ROUNDOFF * whole + UNDERFLOW

    def _across(self, d: Array) -> Array:
        """The inner products of its edges with d."""
        return d[0][..., None] * self.edges[0] + d[1][..., None] * self.edges[1]

    @property
    def _up(self) -> float:
        return 1 + 2 * (self.edges.shape[-1] + RADIUS_ROUNDINGS) * UNIT_ROUNDOFF


def direction(zonotopes: Zonotope) -> Array:
    """A direction (2, k) whose inner product with all vectors of c zonotopes is positive; 0 where none is.

    That of an axis where it is one; else an oblique one.

    Parameters
    ----------
    zonotopes : Zonotope
        For cells in an array of shape (c, k).
    """
    low, high = zonotopes.bounds()
    signs = (low > 0).all(axis=1).astype(float) - (high < 0).all(axis=1)
    signs[1] = np.where(signs[0] == 0, signs[1], 0.0)
    return np.where(signs.any(axis=0), signs, oblique_direction(zonotopes))


def oblique_direction(zonotopes: Zonotope) -> Array:
    """The same, but not along an axis: the vector of their convex hull nearest 0, or near to it [1]_."""
    nearest = _nearest(zonotopes)
    beyond = zonotopes.lies_beyond(nearest[:, None]).all(axis=0)
    return np.where(beyond, nearest, 0.0)


def _nearest(zonotopes: Zonotope) -> Array:
    """Gilbert's algorithm: the point nearest 0 on the way to the corner least far along the last one."""
    nearest = zonotopes.center[:, 0]
    column = np.arange(nearest.shape[1])
    for _ in range(GILBERT_STEPS):
        corners = zonotopes.corner(nearest[:, None])
        along = (corners * nearest[:, None]).sum(axis=0)
        if (along > 0).all():
            break
        step = corners[:, along.argmin(axis=0), column] - nearest
        with np.errstate(all="ignore"):
            share = -(nearest * step).sum(axis=0) / (step * step).sum(axis=0)
        nearest = nearest + np.where(share > 0, np.minimum(share, 1.0), 0.0) * step
    return nearest
