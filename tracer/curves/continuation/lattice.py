"""Sign changes on the lines of a lattice: grid root-finding.

F is evaluated at the vertices of a lattice over the box; each edge whose ends have opposite signs contains a
root, and all roots are computed together by bracketed root-finding. A curve that closes between the lines is
missed: the result is a sample, not a proof.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracer.arrays import Array, Mask
from tracer.fields.box import Box
from tracer.fields.field import Field

# Points evaluated at once, so that wide networks need at most about 100 MB.
CHUNK = 2**14
# Upper limit of |F| at a root, over the larger |F| at the ends of its edge.
ROOT_RATIO = 0.5


@dataclass(frozen=True, eq=False)
class LatticeRoots:
    """Roots of F on the lines of a lattice.

    Attributes
    ----------
    points : ndarray, shape (n, 2)
        The roots.
    axis : ndarray of int, shape (n,)
        The coordinate that varies along each root's edge.
    edge : ndarray of int, shape (n, 2)
        The indices of the edge's lower end.
    values : ndarray, shape (nx + 1, ny + 1)
        F at the vertices.
    vertices : ndarray, shape (m, 2)
        Vertices at which F is 0: roots, too, even if F changes its sign on no edge there.
    """

    points: Array
    axis: NDArray[np.int64]
    edge: NDArray[np.int64]
    values: Array
    vertices: Array


def lattice_lines(box: Box, shape: tuple[int, int]) -> tuple[Array, Array]:
    """The coordinates of the lines, `shape` + 1 on each axis, both sides of the box included."""
    x, y = (np.linspace(lo, hi, n + 1) for lo, hi, n in zip(box.lower, box.upper, shape, strict=True))
    return x, y


def lattice_values(field: Field, lines: tuple[Array, Array]) -> Array:
    """F at the vertices of the lattice, shape (nx + 1, ny + 1)."""
    points = np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1).reshape(-1, 2)
    parts = [field.value(points[k : k + CHUNK]) for k in range(0, len(points), CHUNK)]
    return np.concatenate(parts).reshape(len(lines[0]), len(lines[1]))


def lattice_roots(field: Field, box: Box, shape: tuple[int, int]) -> LatticeRoots:
    """All roots at sign changes along the edges of a lattice of `shape` cells.

    Parameters
    ----------
    field : Field
    box : Box
    shape : (int, int)
        Cells along x1 and x2.
    """
    lines = lattice_lines(box, shape)
    values = lattice_values(field, lines)
    # A vertex with F = 0 counts as positive on all its edges; nan has no sign.
    positive, finite = values >= 0, np.isfinite(values)
    found = []
    for axis in (0, 1):
        a, b = (slice(None, -1), slice(None)), (slice(1, None), slice(None))
        if axis == 1:
            a, b = a[::-1], b[::-1]
        change = (positive[a] != positive[b]) & finite[a] & finite[b]
        found.append(np.argwhere(change))
    edge = np.concatenate(found)
    axis = np.repeat([0, 1], [len(found[0]), len(found[1])])
    points = _edge_roots(field, lines, edge, axis)
    far = edge + np.where(axis[:, None] == 0, [1, 0], [0, 1])
    root = are_roots(field, points, values[tuple(edge.T)], values[tuple(far.T)])
    zero = np.argwhere(values == 0)
    vertices = np.stack([lines[0][zero[:, 0]], lines[1][zero[:, 1]]], axis=-1)
    return LatticeRoots(points[root], axis[root], edge[root], values, vertices)


def _edge_roots(
    field: Field, lines: tuple[Array, Array], edge: NDArray[np.int64], axis: NDArray[np.int64]
) -> Array:
    start = np.stack([lines[0][edge[:, 0]], lines[1][edge[:, 1]]], axis=-1)
    if not len(edge):
        return start
    along = np.take_along_axis(edge, axis[:, None], axis=1)[:, 0] + 1
    end = np.where(axis == 0, lines[0][np.minimum(along, len(lines[0]) - 1)], 0.0)
    end = np.where(axis == 1, lines[1][np.minimum(along, len(lines[1]) - 1)], end)
    return roots_on_lines(field, start, axis, np.take_along_axis(start, axis[:, None], 1)[:, 0], end)


def are_roots(field: Field, points: Array, before: Array, after: Array) -> Mask:
    """Which `points` (n, 2) are roots, given F at both ends of their edges, (n,).

    A pole or a jump changes the sign, too, but |F| does not become small there.
    """
    largest = np.maximum(np.abs(before), np.abs(after))
    return np.abs(field.value(points)) < ROOT_RATIO * largest


def roots_on_lines(field: Field, at: Array, axis: NDArray[np.int64], low: Array, high: Array) -> Array:
    """One root on each of n axis-parallel segments at whose ends F has opposite signs.

    Parameters
    ----------
    field : Field
    at : ndarray, shape (n, 2)
        A point on the line of each segment.
    axis : ndarray of int, shape (n,)
        The coordinate that varies along it, from `low` to `high`, both of shape (n,).

    Returns
    -------
    ndarray, shape (n, 2)
    """
    from scipy.optimize.elementwise import find_root

    def along(t: Array, x1: Array, x2: Array, axis: Array) -> Array:
        x = np.stack(np.broadcast_arrays(np.where(axis == 0, t, x1), np.where(axis == 1, t, x2)), axis=-1)
        return field.value(x)

    root = find_root(along, (low, high), args=(at[:, 0], at[:, 1], axis))
    points = at.copy()
    np.put_along_axis(points, axis[:, None], root.x[:, None], axis=1)
    return points
