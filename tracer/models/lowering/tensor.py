"""Tensors while a graph is read: affine maps of a network's input and activations, with a shape.

Operators that move entries are functions of arrays. Applied to the array of the tensor's indices, such an
operator gives the index of the entry that moves to each place. So one definition serves constants and
tensors, and entries may be lost, repeated or, where the index is −1, filled.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer.arrays import Indices
from tracer.fields.checks import need_finite
from tracer.models.lowering.affine import Affine, Source
from tracer.models.lowering.matrix import LARGEST, Matrix, need_room

Constant = NDArray[Any]
Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Tensor:
    """A tensor of `shape` that depends on the input: entry k, in C order, is output k of `affine`."""

    affine: Affine
    shape: Shape

    @classmethod
    def input(cls, shape: Sequence[int]) -> "Tensor":
        """An input of the network."""
        need_room(*shape)
        return cls(Affine.of(Source(prod(shape))), tuple(shape))

    @property
    def places(self) -> Constant:
        """The index of each entry, in the tensor's shape."""
        return np.arange(self.affine.outputs).reshape(self.shape)

    def groups(self, axes: tuple[int, ...]) -> tuple[Indices, Shape]:
        """The s entries of each of m results of a reduction over `axes`, (m, s), and the results' shape."""
        shape = tuple(1 if k in axes else n for k, n in enumerate(self.shape))
        last = tuple(range(-len(axes), 0))
        return np.moveaxis(self.places, axes, last).reshape(prod(shape), -1), shape

    def at(self, places: Constant) -> "Tensor":
        """The tensor of the entries at `places`; 0 where a place is −1."""
        need_room(*places.shape)
        need_entries(self.shape, places.shape)
        return Tensor(self.affine.taken(places.ravel()), places.shape)

    def moved(self, move: Callable[[Constant], Constant]) -> "Tensor":
        """The tensor with its entries moved by `move`, a function of arrays."""
        return self.at(move(self.places))

    def broadcast(self, shape: Shape) -> "Tensor":
        """The tensor with its entries repeated to a `shape`."""
        need_room(*shape)
        return self if shape == self.shape else self.moved(lambda places: np.broadcast_to(places, shape))

    def elementwise(
        self, operation: Callable[..., Affine], constant: Constant, *radius: Constant
    ) -> "Tensor":
        """The tensor after an elementwise `operation` of an `Affine` and a constant, with broadcasting."""
        shape = np.broadcast_shapes(self.shape, constant.shape)
        x = self.broadcast(shape)
        flat = (np.broadcast_to(a, shape).ravel().astype(np.float64) for a in (constant, *radius))
        return Tensor(operation(x.affine, *flat), shape)

    def combined(self, operation: Callable[[Affine, Affine], Affine], other: "Tensor") -> "Tensor":
        """The tensor after an elementwise `operation` with another, broadcast to each other."""
        shape = np.broadcast_shapes(self.shape, other.shape)
        return Tensor(operation(self.broadcast(shape).affine, other.broadcast(shape).affine), shape)

    def plus(self, other: "Value | float") -> "Tensor":
        """The sum with another tensor or a constant, broadcast to each other."""
        if not isinstance(other, Tensor):
            return self.elementwise(Affine.plus, np.asarray(other))
        return self.combined(Affine.__add__, other)

    def times(self, factor: float) -> "Tensor":
        """The tensor times a number."""
        return Tensor(self.affine.times(factor), self.shape)

    def rmatmul(self, matrix: Constant) -> "Tensor":
        """``matrix @ self``, for a `matrix` of two dimensions."""
        # (selfᵀ @ matrixᵀ)ᵀ, where a vector is its own transpose.
        return self._swapped().matmul(matrix.T)._swapped()

    def _swapped(self) -> "Tensor":
        """The tensor with its last two axes swapped."""
        return self if len(self.shape) == 1 else self.moved(lambda places: np.swapaxes(places, -1, -2))

    def mapped(self, matrix: Matrix, shape: Shape) -> "Tensor":
        """The tensor of `shape` whose entries are ``matrix @ entries``."""
        need_room(*shape)
        return Tensor(self.affine.mapped(matrix), shape)

    def activated(self, name: str, parameter: float | None = None) -> "Tensor":
        """The tensor after an activation, entry by entry."""
        return Tensor(self.affine.activated(name, parameter), self.shape)

    def matmul(self, matrix: Constant) -> "Tensor":
        """``self @ matrix``, along the last axis, for a `matrix` of two dimensions."""
        n, m = matrix.shape
        if self.shape[-1] != n:
            raise ValueError(f"weight must have {self.shape[-1]} columns; got shape {matrix.T.shape}")
        rows = prod(self.shape[:-1])
        shape = (*self.shape[:-1], m)
        weight = np.asarray(matrix.T, dtype=np.float64)
        if rows == 1:
            return Tensor(self.affine.matmul(weight), shape)
        need_room(rows, n, m, most=LARGEST)
        need_finite("weight", weight)
        # A block of the weights for each row, on the diagonal.
        k, i, j = np.ogrid[:rows, :m, :n]
        places = (k * m + i) * (rows * n) + k * n + j
        values = np.broadcast_to(weight, (rows, m, n))
        return self.mapped(Matrix.of((rows * m, rows * n), places.ravel(), values.ravel()), shape)


Value = Tensor | Constant


def tensor_first(a: Any, b: Any) -> tuple[Any, Any]:
    """Two arguments of a commutative operation, in an order in which a tensor is first if one is a tensor."""
    return (a, b) if isinstance(a, Tensor) else (b, a)


def commutative(operation: Callable[[Tensor, Value], Tensor]) -> Callable[..., Tensor]:
    """A commutative operation of a tensor and a value, as a function of both in any order."""
    return lambda input, other: operation(*tensor_first(input, other))


def need_entries(before: Shape, after: Shape) -> None:
    """Raise a ValueError if an operator from one shape to another keeps no entry."""
    if 0 in after:
        raise ValueError(f"at least one entry of shape {before} must remain; got shape {after}")


def stacked(tensors: Sequence[Tensor], move: Callable[[list[Constant]], Constant]) -> Tensor:
    """A tensor of the entries of several tensors: `move` is a function of the list of their arrays."""
    starts = np.cumsum([0, *(x.affine.outputs for x in tensors)])
    places = move([x.places + start for x, start in zip(tensors, starts, strict=False)])
    return Tensor(Affine.stacked([x.affine for x in tensors]), (int(starts[-1]),)).at(places)
