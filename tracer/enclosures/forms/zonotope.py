"""Zonotopes of gradients, and directions with a positive inner product with all their vectors.

A zonotope ``center + Σ τ edge ± box``, τ ∈ [−1, 1], that does not contain 0 lies on one side of a line
through 0. Its vector nearest 0 is normal to such a line; Gilbert's algorithm [1]_ finds this vector, from
corner to corner.

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

# Steps towards the point of the zonotope nearest 0: with a single edge the second step reaches it.
GILBERT_STEPS = 3


@dataclass(frozen=True, eq=False)
class Zonotope:
    """Zonotopes ``center + Σ τ edge ± box``, τ ∈ [−1, 1], in the plane, for cells in an array of any shape.

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
        """The zonotopes of k cells from all their `edges` (2, m), where `cell` (m,) is each edge's cell."""
        number = np.bincount(cell, minlength=center.shape[1])
        order = np.argsort(cell, kind="stable")
        cell = cell[order]
        place = np.arange(len(cell)) - (np.cumsum(number) - number)[cell]
        # Cells with fewer edges are padded with edges of length 0.
        table = np.zeros((*center.shape, number.max(initial=0)))
        table[:, cell, place] = edges[:, order]
        return cls(center, table, box)

    def edges_of(self, some: Indices, cell: Indices) -> tuple[Indices, Indices, Array]:
        """Index into `some`, number and length of each edge of `some` cells, (m,) each.

        `some` is ascending. Edges are numbered as in the call of `gathered`, with the same `cell`.
        """
        number = np.bincount(cell, minlength=self.edges.shape[1])
        chosen = np.zeros(len(number), dtype=bool)
        chosen[some] = True
        order = np.argsort(cell, kind="stable")
        length = np.hypot(*self.edges[:, some])[np.arange(self.edges.shape[2]) < number[some, None]]
        return np.repeat(np.arange(len(some)), number[some]), order[chosen[cell[order]]], length

    def bounds(self) -> tuple[Array, Array]:
        """Lower and upper bounds of both components, each (2, ...)."""
        reach = (
            np.abs(self.edges).sum(axis=-1) * self._up + self.box + 2 * UNIT_ROUNDOFF * np.abs(self.center)
        )
        return self.center - reach, self.center + reach

    def __getitem__(self, which: NDArray) -> "Zonotope":
        return Zonotope(self.center[:, which], self.edges[:, which], self.box[:, which])

    def corner(self, d: Array) -> Array:
        """A vector (2, ...) of the zonotope whose inner product with d (2, ...) is smallest."""
        across = np.sign(self._across(d))
        return self.center - (across * self.edges).sum(axis=-1) - np.sign(d) * self.box

    def lies_beyond(self, d: Array) -> Mask:
        """Whether all vectors of the zonotope certainly have a positive inner product with d (2, ...)."""
        size = np.abs(d)
        along = (d * self.center).sum(axis=0)
        across = np.abs(self._across(d)).sum(axis=-1)
        whole = (size * (np.abs(self.center) + np.abs(self.edges).sum(axis=-1))).sum(axis=0)
        reach = (across + (size * self.box).sum(axis=0)) * self._up
        return along > reach + 8 * UNIT_ROUNDOFF * whole + UNDERFLOW

    def _across(self, d: Array) -> Array:
        """The inner products of the edges with d."""
        return d[0][..., None] * self.edges[0] + d[1][..., None] * self.edges[1]

    @property
    def _up(self) -> float:
        return 1 + 2 * (self.edges.shape[-1] + RADIUS_ROUNDINGS) * UNIT_ROUNDOFF


def direction(zonotopes: Zonotope) -> Array:
    """Directions (2, k) whose inner product with all vectors of c zonotopes is positive, 0 if none is found.

    A direction along an axis is preferred to an oblique one.

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
    """Directions as in `direction`, not along an axis: near the convex hull's vector nearest 0 [1]_."""
    nearest = _nearest(zonotopes)
    beyond = zonotopes.lies_beyond(nearest[:, None]).all(axis=0)
    return np.where(beyond, nearest, 0.0)


def _nearest(zonotopes: Zonotope) -> Array:
    """The vector (2, k) nearest 0 in the convex hull of c zonotopes, approximately, by Gilbert's algorithm.

    Each step goes to the point nearest 0 on the segment from the last point to the corner whose inner product
    with that point is smallest.
    """
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
