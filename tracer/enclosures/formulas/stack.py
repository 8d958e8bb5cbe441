"""Several stand-ins in an array, as ``np.stack([x1, x2], axis=-1)`` gives.

On floats such an array has one axis along which the points lie. Here it has length 1 there, in an array of
objects, and NumPy's own rules of broadcasting hold for the others. Arrays of constants have no points: they
must have length 1 along that axis, or lack it.
"""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tracer.enclosures.formulas.stand_in import (
    FUNCTIONS,
    OVER_POINTS,
    Reading,
    StandIn,
    description,
    is_number,
    name_of,
)


class Stack(StandIn):
    """An array of stand-ins.

    Parameters
    ----------
    items : ndarray of object
        Of length 1 along the axis of the points.
    points : int
        That axis, counted from the last, -1.
    reading : Reading
    """

    __slots__ = ("items", "points")

    def __init__(self, items: Any, points: int, reading: Reading) -> None:
        self.items, self.points, self.reading = items, points, reading

    @classmethod
    def of(cls, term: Any) -> "Stack":
        """A stand-in as a stack of one, of shape (1,)."""
        if isinstance(term, Stack):
            return term
        items = np.empty(1, dtype=object)
        items[0] = term
        return cls(items, -1, term.reading)

    def with_items(self, items: Any, points: int) -> Any:
        """A stack of this call; one stand-in itself, if its only axis is that of the points."""
        return items[0] if items.shape == (1,) else Stack(items, points, self.reading)

    @classmethod
    def elementwise(cls, reading: Reading, ufunc: Any, inputs: Any, out: Any = None) -> Any:
        """A ufunc on stacks, stand-ins, numbers and arrays of constants."""
        name = name_of(ufunc) if isinstance(ufunc, np.ufunc) else f"np.{ufunc.__name__}"
        if out is not None:
            raise reading.refusal(f"{name} with out=")
        stacks = [cls.of(term) for term in inputs if isinstance(term, StandIn)]
        points = stacks[0].points
        if any(stack.points != points for stack in stacks):
            raise reading.refusal(f"{name} of stacks along different axes")
        arrays = np.broadcast_arrays(*(_items(term, points, reading, f"{name} with") for term in inputs))
        items = np.empty(arrays[0].shape, dtype=object)
        for place in np.ndindex(items.shape):
            items[place] = ufunc(*(array[place] for array in arrays))
        return stacks[0].with_items(items, points)

    def on_ufunc(self, ufunc: Any, inputs: Any, out: Any) -> Any:
        """The result of a ufunc."""
        if ufunc is np.matmul and out is None:
            return FUNCTIONS[np.matmul](*inputs)
        if out is not None and out[0] is self:  # in place
            found = Stack.elementwise(self.reading, ufunc, inputs)
            if not isinstance(found, Stack) or found.items.shape != self.items.shape:
                raise self.reading.refusal(f"{name_of(ufunc)} with out=")
            # Views of the array share its stand-ins.
            for own, new in zip(self.items.flat, found.items.flat, strict=True):
                if own.kind != new.kind:
                    raise self.reading.refusal(f"{name_of(ufunc)} with out=")
                own.content, own.largest = new.content, new.largest
            return self
        return Stack.elementwise(self.reading, ufunc, inputs, out)

    def reduced(self, function: Callable[[Any, Any], Any], axis: Any, keepdims: bool = False) -> Any:
        """A function of two, over one axis or several, from the first to the last."""
        if isinstance(axis, tuple):
            found = self
            for k in sorted((a % self.items.ndim for a in axis), reverse=True):
                found = Stack.of(found.reduced(function, k, keepdims))
            return self.with_items(found.items, found.points)
        k = self.axis(axis)
        parts = [self.items.take([i] if keepdims else i, axis=k) for i in range(self.items.shape[k])]
        points = self.points if keepdims or k < self.points else self.points + 1
        terms = [self.with_items(part, points) for part in parts]
        return functools.reduce(function, terms) if len(terms) > 1 else terms[0].copy()

    def axis(self, axis: Any) -> int:
        """An axis, counted from the last; not that of the points.

        Raises
        ------
        Unenclosable
            If it is the points' axis, as all are for None.
        """
        if axis is not None:
            k = int(axis) - self.items.ndim if axis >= 0 else int(axis)
            if k != self.points and -self.items.ndim <= k < 0:
                return k
        raise self.reading.refusal("a sum, product or mean over the points")

    # Methods of arrays --------------------------------------------------------------------------------

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.items.ndim

    @property
    def T(self) -> "Stack":
        """The stack with its axes reversed."""
        return Stack(self.items.T, -1 - self.points - self.items.ndim, self.reading)

    def __getitem__(self, index: Any) -> Any:
        index = index if isinstance(index, tuple) else (index,)
        taken = sum(k is not None and k is not Ellipsis for k in index)
        rest = (slice(None),) * (self.items.ndim - taken)
        if not any(k is Ellipsis for k in index):
            index = (*index, Ellipsis)
        place = next(i for i, k in enumerate(index) if k is Ellipsis)
        index = (*index[:place], *rest, *index[place + 1 :])
        axis, points, found = 0, self.items.ndim + self.points, -1
        new = 0
        for k in index:
            if k is None:
                new += 1
                continue
            whole = isinstance(k, slice) and k == slice(None)
            if not (isinstance(k, int | np.integer | slice) and not isinstance(k, bool)) or (
                axis == points and not whole
            ):
                raise self.reading.refusal("indexing with []")
            if axis == points:
                found = new
            new += isinstance(k, slice)
            axis += 1
        items = self.items[index]
        return self.with_items(items, found - items.ndim)

    def __len__(self) -> int:
        if self.points == -self.items.ndim:
            return super().__len__()
        return len(self.items)

    def __iter__(self) -> Iterator[Any]:
        if self.points == -self.items.ndim:
            raise self.reading.refusal(OVER_POINTS)
        return (self[i] for i in range(len(self.items)))

    def copy(self) -> "Stack":
        """A stack of copies: what is changed in place afterwards are other stand-ins."""
        return self.mapped(lambda item: item.copy())

    def mapped(self, function: Callable[[Any], Any]) -> "Stack":
        """A stack of a function of each stand-in."""
        items = np.empty(self.items.shape, dtype=object)
        for place in np.ndindex(items.shape):
            items[place] = function(self.items[place])
        return Stack(items, self.points, self.reading)

    def _method(name: str) -> Any:  # type: ignore[misc]
        def method(self: "Stack", *args: Any, **kwargs: Any) -> Any:
            return getattr(np, name)(self, *args, **kwargs)

        return method

    sum, prod, mean, max, min = map(_method, ("sum", "prod", "mean", "max", "min"))
    var, std, any, all = map(_method, ("var", "std", "any", "all"))
    dot, clip, swapaxes = map(_method, ("dot", "clip", "swapaxes"))
    del _method


def _items(term: Any, points: int, reading: Reading, where: str) -> Any:
    """A term as an array of objects that broadcasts with a stack's items."""
    if isinstance(term, StandIn):
        return Stack.of(term).items
    if is_number(term):
        return term
    return constants(term, points, reading, where)


def constants(term: Any, points: int, reading: Reading, where: str) -> Any:
    """An array of real numbers, each as it is, as objects; of length 1 along the axis of the points.

    Raises
    ------
    Unenclosable
        If the term is something else.
    """
    if type(term) is not np.ndarray or term.dtype.kind not in "biuf":
        raise reading.refusal(f"{where} {description(term)}")
    if term.ndim >= -points and term.shape[points] != 1:
        raise reading.refusal(f"{where} {description(term)}")
    # With comparisons or integers NumPy calculates in the precision of these.
    if reading.conditional and term.dtype not in (np.float64, np.int64, np.bool_):
        raise reading.refusal(f"{where} an array of {term.dtype} after a comparison")
    return term.astype(object)
