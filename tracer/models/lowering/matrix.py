"""Matrices known to within radii, sparse or full: their products, sums and rows.

Rounding leaves a radius for every stored number: the exact matrix of the given numbers lies within the radii
of the stored matrix, and entries that are not stored are exactly 0. The place of a number is
``row · columns + column``; without places every number is stored, and BLAS multiplies two such matrices.

Sums of products in a sparse matrix are computed pair by pair, and have radius 0 if no step rounds: copies,
differences and sums of neurons stay exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from tracer.arrays import Array, Indices, Mask, chunks
from tracer.enclosures import rounding
from tracer.fields.files.budget import draw

if TYPE_CHECKING:
    from scipy.sparse import csr_array

# Infinities and nan are refused when the layer is made, where the message can name the argument.
OVERFLOWING = partial(np.errstate, over="ignore", invalid="ignore")
# No matrix has more stored numbers, and no tensor more entries: a colour image of 1280 × 720 has 2.8 million.
LARGEST = 10**8
LARGEST_TENSOR = 3 * 10**6
# No layer has more neurons: the widest of an image of 224 × 224 has 802,816 in usual networks.
LARGEST_LAYER = 10**6
# Products of sparse matrices are computed for this many pairs of numbers at once.
CHUNK = 2**20
# So many numbers that an elementwise operation replaces take the memory and time of one drawn number.
PER_DRAWN = 4
# Elementwise operations compute so many numbers at once: their dozen arrays fit the cache.
PART = 2**15


def need_room(*sizes: int, most: int = LARGEST_TENSOR) -> None:
    """Draw the product of `sizes` before anything is allocated; a ValueError if it is more than `most`."""
    count = prod(map(int, sizes))
    if count > most:
        raise ValueError(f"it would have {count} numbers, and at most {most} are read")
    draw(count)


@dataclass(frozen=True, eq=False)
class Matrix:
    """A matrix of midpoints and radii.

    Attributes
    ----------
    shape : (int, int)
    values, radii : ndarray, shape (stored,)
        Row by row.
    places : ndarray of int, shape (stored,), or None
        Ascending; None if all numbers are stored.
    """

    shape: tuple[int, int]
    values: Array
    radii: Array
    places: Indices | None

    @classmethod
    def full(cls, weight: Array, radius: Array | None = None) -> "Matrix":
        """The matrix of an array (out, in)."""
        r = np.zeros(weight.size) if radius is None else np.ravel(radius)
        return cls((len(weight), weight.shape[1]), np.ravel(weight), r, None)

    @classmethod
    def of(
        cls, shape: tuple[int, int], places: Indices, values: Array, radii: Array | None = None
    ) -> "Matrix":
        """The matrix of numbers at `places` in any order; numbers at one place are added up."""
        r = np.zeros(len(values)) if radii is None else radii
        if not (places[:-1] < places[1:]).all():
            places, values, r = _collected(places, values, r)
        return cls(shape, values, r, None if len(places) == shape[0] * shape[1] else places)

    @classmethod
    def selection(cls, which: Indices, n: int) -> "Matrix":
        """Row k is row ``which[k]`` of the identity of `n` numbers, or 0 if that is −1."""
        rows = np.flatnonzero(which >= 0)
        return cls.of((len(which), n), rows * n + which[rows], np.ones(len(rows)))

    @classmethod
    def sums(cls, which: Indices, n: int) -> "Matrix":
        """Row k adds the entries ``which[k]`` (m, s) of `n` numbers up, without those that are −1."""
        rows, columns = np.nonzero(which >= 0)
        return cls.of((len(which), n), rows * n + which[rows, columns], np.ones(len(rows)))

    @classmethod
    def stacked(cls, blocks: "Sequence[tuple[int, Matrix]]", rows: int) -> "Matrix":
        """A matrix of so many `rows`, of blocks that each begin at a row of their own, in ascending order."""
        ((_, first), *_) = blocks
        n = first.shape[1]
        need_room(sum(matrix.stored for _, matrix in blocks), most=LARGEST)
        places = np.concatenate([start * n + matrix._places for start, matrix in blocks])
        values, radii = (
            np.concatenate([getattr(matrix, name) for _, matrix in blocks]) for name in ("values", "radii")
        )
        return cls.of((rows, n), places, values, radii)

    @property
    def stored(self) -> int:
        """The number of stored numbers."""
        return len(self.values)

    @property
    def rows(self) -> Indices:
        """The row of each stored number."""
        return self._places // self.shape[1]

    @property
    def columns(self) -> Indices:
        """The column of each stored number."""
        return self._places % self.shape[1]

    @property
    def _places(self) -> Indices:
        return np.arange(self.stored) if self.places is None else self.places

    @cached_property
    def starts(self) -> Indices:
        """The index of each row's first stored number, and the end of the last row, (out + 1,)."""
        m, n = self.shape
        return np.searchsorted(self._places, np.arange(m + 1) * n)

    @property
    def used(self) -> Mask:
        """Whether a number is stored in each column, (in,)."""
        found = np.zeros(self.shape[1], dtype=bool)
        found[self.columns] = True
        return found

    @property
    def largest_row(self) -> int:
        """The number of stored numbers in the fullest row."""
        return int(np.diff(self.starts).max(initial=0))

    @property
    def is_identity(self) -> bool:
        """Whether the matrix is exactly the identity."""
        m, n = self.shape
        return (
            self.stored == m == n
            and np.array_equal(self._places, np.arange(n) * (n + 1))
            and not self.radii.any()
            and bool((self.values == 1).all())
        )

    def scaled(self, by: rounding.Elementwise, scale: Array, radius: Array) -> "Matrix":
        """The matrix with each row times, or over, a number: `by` is `rounding.times` or `rounding.over`."""
        draw(self.stored // PER_DRAWN)
        rows = self.rows
        values, radii = combined(by, self.values, self.radii, scale[rows], radius[rows])
        return replace(self, values=values, radii=radii)

    def taken(self, which: Indices) -> "Matrix":
        """The rows `which`; a row of zeros for −1."""
        m, n = self.shape
        if np.array_equal(which, np.arange(m)):
            return self
        starts = self.starts
        counts = np.where(which >= 0, np.diff(starts)[which], 0)
        need_room(int(counts.sum()), most=LARGEST)
        taken, rows = _ranges(starts[which], counts), np.repeat(np.arange(len(which)), counts)
        places = self._places[taken] + (rows - which[rows]) * n
        return Matrix.of((len(which), n), places, self.values[taken], self.radii[taken])

    def transposed(self) -> "Matrix":
        """The transpose."""
        m, n = self.shape
        return Matrix.of((n, m), self.columns * m + self.rows, self.values, self.radii)

    def plus(self, other: "Matrix") -> "Matrix":
        """The sum of two matrices."""
        draw((self.stored + other.stored) // PER_DRAWN)
        if self.places is None and other.places is None:
            values, radii = combined(rounding.total, self.values, self.radii, other.values, other.radii)
            return replace(self, values=values, radii=radii)
        both = [(matrix._places, matrix.values, matrix.radii) for matrix in (self, other)]
        cuts = np.unique(np.concatenate([places[::CHUNK] for places, *_ in both])).tolist()
        parts = []
        for low, high in pairwise([*cuts, self.shape[0] * self.shape[1]]):
            some = [
                [column[slice(*np.searchsorted(columns[0], [low, high]))] for column in columns]
                for columns in both
            ]
            parts.append(_collected(*map(np.concatenate, zip(*some, strict=True))))
        if not parts:
            return self
        return Matrix.of(self.shape, *map(np.concatenate, zip(*parts, strict=True)))

    def pairs(self, other: "Matrix") -> int:
        """The number of pairs of stored numbers that ``self @ other`` multiplies."""
        uses = np.bincount(self.columns, minlength=self.shape[1])
        return int(uses @ np.diff(other.starts))

    def __matmul__(self, other: "Matrix") -> "Matrix":
        if other.is_identity:
            return self
        if self.places is None and other.places is None:
            need_room(self.shape[0], other.shape[1], most=LARGEST)
            return Matrix.full(*_product(*self.arrays(), *other.arrays()))
        need_room(self.pairs(other), most=LARGEST)
        return _sparse_product(self, other)

    def arrays(self) -> tuple[Array, Array]:
        """The midpoints and radii as arrays (out, in)."""
        if self.places is None:
            return self.values.reshape(self.shape), self.radii.reshape(self.shape)
        need_room(*self.shape, most=LARGEST)
        found = np.zeros((2, self.shape[0] * self.shape[1]))
        found[:, self.places] = self.values, self.radii
        return found[0].reshape(self.shape), found[1].reshape(self.shape)

    def csr(self) -> "tuple[csr_array, csr_array | None]":
        """The midpoints as a sparse array, and the radii in the same pattern; None if they are all 0."""
        from scipy.sparse import csr_array

        columns, starts = self.columns, self.starts
        weight = csr_array((self.values, columns, starts), shape=self.shape)
        radius = csr_array((self.radii, columns, starts), shape=self.shape) if self.radii.any() else None
        return weight, radius


def combined(by: rounding.Elementwise, a: Array, r: Array, b: Array, s: Array) -> tuple[Array, Array]:
    """Numbers a, b (n,) with radii r, s, combined `by` an elementwise operation, and the radii."""
    found = np.empty((2, len(a)))
    with OVERFLOWING():
        for part in chunks(len(a), PART):
            found[:, part] = by(a[part], r[part], b[part], s[part])
    return found[0], found[1]


def _product(W: Array, r: Array, M: Array, s: Array) -> tuple[Array, Array]:
    """The product of two full matrices with radii, and its radius."""
    with OVERFLOWING():
        product, radius = rounding.product(W, r, M)
        if s.any():
            size = np.abs(W) + r
            radius = (radius + np.add(*rounding.product(size, np.zeros_like(size), s))) * rounding.UP
    return product, radius


def _sparse_product(a: Matrix, b: Matrix) -> Matrix:
    starts, columns = b.starts, b.columns
    first, counts = starts[a.columns], np.diff(starts)[a.columns]
    rows, done = a.rows, np.concatenate([[0], np.cumsum(counts)])
    # Chunks end where rows end: each contains all products of its rows.
    ends = np.searchsorted(done, np.arange(CHUNK, done[-1] + CHUNK, CHUNK))
    ends = np.unique(np.searchsorted(rows, np.append(rows, a.shape[0])[ends - 1], side="right"))
    parts = []
    for start, end in pairwise([0, *ends]):
        some = slice(start, end)
        pair, n = _ranges(first[some], counts[some]), counts[some]
        values, radii = combined(
            rounding.times,
            np.repeat(a.values[some], n),
            np.repeat(a.radii[some], n),
            b.values[pair],
            b.radii[pair],
        )
        part = Matrix.of(
            (a.shape[0], b.shape[1]), np.repeat(rows[some], n) * b.shape[1] + columns[pair], values, radii
        )
        parts.append((part._places, part.values, part.radii))
    if not parts:
        return Matrix.of((a.shape[0], b.shape[1]), np.zeros(0, dtype=np.intp), np.zeros(0))
    return Matrix.of((a.shape[0], b.shape[1]), *map(np.concatenate, zip(*parts, strict=True)))


def _ranges(starts: Indices, counts: Indices) -> Indices:
    """``starts[k], …, starts[k] + counts[k] − 1`` for each k, one after another."""
    ends = np.cumsum(counts)
    return np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - (ends - counts), counts)


def _collected(places: Indices, values: Array, radii: Array) -> tuple[Indices, Array, Array]:
    """Numbers in the order of their places; numbers at one place are added pair by pair."""
    order = np.argsort(places, kind="stable")
    places, values, radii = places[order], values[order], radii[order]
    while True:
        new = np.diff(places, prepend=-1) != 0
        if new.all():
            return places, values, radii
        firsts = np.flatnonzero(new)
        rank = np.arange(len(places)) - np.repeat(firsts, np.diff(firsts, append=len(places)))
        right = np.flatnonzero(rank % 2)
        values[right - 1], radii[right - 1] = combined(
            rounding.total, values[right - 1], radii[right - 1], values[right], radii[right]
        )
        left = rank % 2 == 0
        places, values, radii = places[left], values[left], radii[left]
