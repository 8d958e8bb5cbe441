"""NumPy's functions that are no ufuncs, on stand-ins: rows of `stand_in.FUNCTIONS`.

Each is written with ufuncs and stacks, so that it holds for every kind of stand-in. A sum over a stack's axis
is added from the first to the last; NumPy's may have another order, which differs by roundings only.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tracer.enclosures.formulas.stack import Stack, constants
from tracer.enclosures.formulas.stand_in import FUNCTIONS, Reading, StandIn, description


def _reads(*functions: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a function the row of some of NumPy's."""

    def decorator(own: Callable[..., Any]) -> Callable[..., Any]:
        FUNCTIONS.update(dict.fromkeys(functions, own))
        return own

    return decorator


def _reading_of(*terms: Any) -> Reading:
    return next(term.reading for term in terms if isinstance(term, StandIn))


@_reads(np.ndim)
def ndim(a: StandIn) -> int:
    """``np.ndim``."""
    return Stack.of(a).ndim


# Choices --------------------------------------------------------------------------------------------


@_reads(np.where)
def where(condition: Any, a: Any, b: Any) -> Any:
    """``np.where`` with two branches."""
    terms = condition, a, b
    if any(isinstance(term, Stack) or (isinstance(term, np.ndarray) and term.ndim) for term in terms):
        return Stack.elementwise(_reading_of(*terms), np.where, terms)
    first: Any = next(term for term in terms if isinstance(term, StandIn))
    return first.evaluated(np.where, np.where, terms, None)


@_reads(np.clip)
def clip(a: Any, a_min: Any = None, a_max: Any = None, **options: Any) -> Any:
    """``np.clip``; a limit may be missing."""
    low, high = options.pop("min", a_min), options.pop("max", a_max)
    if options or (low is None and high is None):
        raise TypeError(f"options {', '.join(options) or 'without limits'}")
    a = a if low is None else np.maximum(a, low)
    return a if high is None else np.minimum(a, high)


@_reads(np.sinc)
def sinc(x: StandIn) -> Any:
    """``np.sinc``."""
    if isinstance(x, Stack):
        return Stack.elementwise(x.reading, np.sinc, (x,))
    own: Any = x
    return own.evaluated(np.sinc, np.sinc, (x,), None)


# Arrays of one value --------------------------------------------------------------------------------


def _filled(number: float | None) -> Callable[..., Any]:
    def like(a: StandIn, fill: Any = None) -> Any:
        value = fill if number is None else number
        stack = Stack.of(a)
        items = np.empty(stack.items.shape, dtype=object)
        for place in np.ndindex(items.shape):
            one = stack.items[place]
            if one.kind != "f":
                raise one.reading.refusal("an array like one that is not of floats")
            items[place] = type(one)(one.filled(value), one.reading)
        return stack.with_items(items, stack.points)

    return like


for _function, _number in ((np.zeros_like, 0.0), (np.ones_like, 1.0), (np.full_like, None)):
    FUNCTIONS[_function] = _filled(_number)


# Stacks ---------------------------------------------------------------------------------------------


def _same_axis(terms: Sequence[Any]) -> tuple[list[Any], Stack]:
    """Copies of the items of some stand-ins, of one kind, and the first of them as a stack.

    Raises
    ------
    Unenclosable
        If there is anything else, or the points lie along different axes.
    """
    reading = _reading_of(*terms)
    for term in terms:
        if not isinstance(term, StandIn):
            raise reading.refusal(f"a stack with {description(term)}")
    stacks = [Stack.of(term) for term in terms]
    if any(stack.points != stacks[0].points or stack.ndim != stacks[0].ndim for stack in stacks):
        raise reading.refusal("a stack of arrays of several shapes")
    kinds = {item.kind for stack in stacks for item in stack.items.flat}
    if kinds == {"b", "i"}:
        raise reading.refusal("a stack of comparisons and integers")
    # An array with some floats is of floats.
    copies = [stack.copy() if len(kinds) == 1 else stack.mapped(_as_floats) for stack in stacks]
    return [stack.items for stack in copies], stacks[0]


def _as_floats(item: Any) -> Any:
    return item.astype(float)


@_reads(np.stack)
def stack(arrays: Sequence[Any], axis: int = 0) -> Any:
    """``np.stack``."""
    items, first = _same_axis(arrays)
    n = first.ndim + 1
    place = axis % n
    points = first.ndim + first.points
    return first.with_items(np.stack(items, axis=axis), points + (place <= points) - n)


@_reads(np.concatenate)
def concatenate(arrays: Sequence[Any], axis: int = 0) -> Any:
    """``np.concatenate``, along any axis but that of the points."""
    items, first = _same_axis(arrays)
    return first.with_items(np.concatenate(items, axis=first.axis(axis)), first.points)


@_reads(np.vstack)
def vstack(arrays: Sequence[Any]) -> Any:
    """``np.vstack`` of coordinates."""
    if all(np.ndim(a) == 1 for a in arrays):
        return stack(arrays)
    return concatenate([a if a.ndim > 1 else stack([a]) for a in arrays])


@_reads(np.column_stack)
def column_stack(arrays: Sequence[Any]) -> Any:
    """``np.column_stack`` of coordinates."""
    return concatenate([a if a.ndim > 1 else stack([a], axis=-1) for a in arrays], axis=1)


@_reads(np.transpose)
def transpose(a: StandIn) -> Any:
    """``np.transpose`` without a permutation."""
    return Stack.of(a).T


@_reads(np.expand_dims)
def expand_dims(a: StandIn, axis: int) -> Any:
    """``np.expand_dims``."""
    n = Stack.of(a).ndim + 1
    return Stack.of(a)[(slice(None),) * (axis % n) + (None,)]


@_reads(np.squeeze)
def squeeze(a: StandIn, axis: int) -> Any:
    """``np.squeeze`` of one axis."""
    own = Stack.of(a)
    k = own.axis(axis)
    return own[(slice(None),) * (own.ndim + k) + (0,)]


# Sums and products ----------------------------------------------------------------------------------


def _reduction(ufunc: Any) -> Callable[..., Any]:
    def over(a: StandIn, axis: Any = None, keepdims: bool = False) -> Any:
        own = Stack.of(a)
        # Of comparisons the sum is a number of them.
        own = own.mapped(lambda item: item.counted()) if ufunc in (np.add, np.multiply) else own
        return own.reduced(ufunc, axis, bool(keepdims))

    return over


_sum = _reduction(np.add)
FUNCTIONS |= {
    np.sum: _sum,
    np.prod: _reduction(np.multiply),
    np.max: _reduction(np.maximum),
    np.min: _reduction(np.minimum),
    np.amax: _reduction(np.maximum),
    np.amin: _reduction(np.minimum),
}


@_reads(np.mean)
def mean(a: StandIn, axis: Any = None, keepdims: bool = False) -> Any:
    """``np.mean`` over an axis of a stack."""
    own = Stack.of(a)
    axes = axis if isinstance(axis, tuple) else (axis,)
    count = int(np.prod([own.items.shape[own.axis(k)] for k in axes]))
    return _sum(a, axis, keepdims) / count


@_reads(np.linalg.norm)
def norm(x: StandIn, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """``np.linalg.norm`` of vectors along an axis of a stack."""
    own = Stack.of(x)
    if isinstance(axis, tuple) or axis is None:
        raise own.reading.refusal("np.linalg.norm of matrices")
    if ord is None or ord == 2:
        # Of one component the length is its absolute value.
        size = own if own.items.shape[own.axis(axis)] > 1 else Stack.of(np.abs(own))
        return size.reduced(np.hypot, axis, keepdims)
    size = Stack.of(np.abs(own))
    if ord in (np.inf, -np.inf):
        return size.reduced(np.maximum if ord > 0 else np.minimum, axis, keepdims)
    if not ord > 0:
        raise own.reading.refusal(f"np.linalg.norm with ord={ord}")
    return _sum(size, axis, keepdims) if ord == 1 else _sum(size**ord, axis, keepdims) ** (1 / ord)


@_reads(np.matmul)
def matmul(a: Any, b: Any) -> Any:
    """``a @ b`` of a stack and a matrix or vector of constants, in either order."""
    reading = _reading_of(a, b)
    if isinstance(a, StandIn) == isinstance(b, StandIn):
        raise reading.refusal("np.matmul of two stacks")
    left, other = isinstance(a, StandIn), (b if isinstance(a, StandIn) else a)
    own = Stack.of(a if left else b)
    contracted = -1 if left or own.ndim == 1 else -2
    if own.points == contracted or np.ndim(other) not in (1, 2):
        raise reading.refusal(f"np.matmul with {description(other)}")
    matrix = constants(np.asarray(other), -3, reading, "np.matmul with")
    items = np.matmul(own.items, matrix) if left else np.matmul(matrix, own.items)
    # A product with a vector lacks the axis that is contracted.
    lost = matrix.ndim == 1 and own.points < contracted
    return own.with_items(items, own.points + lost)


@_reads(np.dot)
def dot(a: Any, b: Any) -> Any:
    """``np.dot`` of a stack and constants: for at most two axes the same as ``a @ b``."""
    if max(np.ndim(a), np.ndim(b)) > 2 or min(np.ndim(a), np.ndim(b)) == 0:
        raise _reading_of(a, b).refusal("np.dot of more than two axes")
    return matmul(a, b)


@_reads(np.einsum)
def einsum(subscripts: Any, *operands: Any, **options: Any) -> Any:
    """``np.einsum`` with subscripts as a text, one letter for the points."""
    reading = _reading_of(*operands)
    options.pop("optimize", None)
    if not isinstance(subscripts, str) or "." in subscripts or options:
        raise reading.refusal("np.einsum with such subscripts")
    left, arrow, result = subscripts.replace(" ", "").partition("->")
    if not arrow:
        result = "".join(sorted(c for c in set(left) - {","} if left.count(c) == 1))
    letters, arrays = set(), []
    for part, operand in zip(left.split(","), operands, strict=True):
        if isinstance(operand, StandIn):
            own = Stack.of(operand)
            letters.add(part[own.points])
            if any(item.kind == "b" for item in own.items.flat):
                raise reading.refusal("np.einsum of comparisons")
            arrays.append(own.items)
        else:
            arrays.append((part, operand))
    points = letters.pop()
    if letters or points not in result:
        raise reading.refusal("np.einsum over the points")
    for k, array in enumerate(arrays):
        if isinstance(array, tuple):
            if points in array[0]:
                raise reading.refusal(f"np.einsum with {description(array[1])}")
            arrays[k] = constants(np.asarray(array[1]), -99, reading, "np.einsum with")
    found = np.einsum(f"{left}->{result}", *arrays)
    return Stack.of(_first(operands)).with_items(found, result.index(points) - len(result))


def _first(operands: Any) -> StandIn:
    return next(term for term in operands if isinstance(term, StandIn))
