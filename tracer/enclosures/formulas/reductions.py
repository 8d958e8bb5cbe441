"""NumPy's functions that reduce an axis of a stack: sums, products, extrema, norms, matrix products.

They are rows of `stand_in.FUNCTIONS` and `stand_in.REDUCTIONS`. A sum over a stack's axis is added from the
first to the last; NumPy's may have another order, which differs by roundings only.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from tracer.enclosures.formulas.array_functions import reading_of, reads
from tracer.enclosures.formulas.stack import Stack, constants
from tracer.enclosures.formulas.stand_in import FUNCTIONS, REDUCTIONS, StandIn, description

LOGICAL = np.logical_or, np.logical_and

# Sums, products, extrema ----------------------------------------------------------------------------


def _reduction(ufunc: Any, first: Any = None) -> Callable[..., Any]:
    """The reduction by a ufunc; `first` is the axis if none is given."""

    def over(a: StandIn, axis: Any = first, keepdims: bool = False) -> Any:
        own = Stack.of(a)
        # Of comparisons the sum is a number of them.
        own = own.mapped(lambda item: item.counted()) if ufunc in (np.add, np.multiply) else own
        if ufunc in LOGICAL and any(item.kind != "b" for item in own.items.flat):
            raise own.reading.refusal(f"np.{ufunc.__name__} of numbers")
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
    np.any: _reduction(np.logical_or),
    np.all: _reduction(np.logical_and),
}

# As methods of ufuncs they reduce the first axis.
REDUCTIONS |= {
    ufunc: _reduction(ufunc, 0)
    for ufunc in (
        *(np.add, np.multiply, np.maximum, np.minimum, np.fmax, np.fmin, np.logaddexp, np.hypot),
        *LOGICAL,
    )
}


@reads(np.ptp)
def ptp(a: StandIn, axis: Any = None, keepdims: bool = False) -> Any:
    """``np.ptp``: the largest minus the smallest."""
    return FUNCTIONS[np.max](a, axis, keepdims) - FUNCTIONS[np.min](a, axis, keepdims)


@reads(np.mean)
def mean(a: StandIn, axis: Any = None, keepdims: bool = False) -> Any:
    """``np.mean`` over an axis of a stack."""
    return _sum(a, axis, keepdims) / _count(a, axis)


def _count(a: StandIn, axis: Any) -> int:
    own = Stack.of(a)
    axes = axis if isinstance(axis, tuple) else (axis,)
    return int(np.prod([own.items.shape[own.axis(k)] for k in axes]))


@reads(np.average)
def average(a: StandIn, axis: Any = None, weights: Any = None) -> Any:
    """``np.average`` over an axis of a stack, with a weight for each of its places."""
    if weights is None:
        return mean(a, axis)
    w = np.asarray(weights, dtype=np.float64)
    w = w.reshape(-1, *[1] * (-1 - Stack.of(a).axis(axis)))
    return _sum(a * w, axis) / float(w.sum())


@reads(np.var)
def var(a: StandIn, axis: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
    """``np.var`` over an axis of a stack."""
    return _sum(np.square(a - mean(a, axis, keepdims=True)), axis, keepdims) / (_count(a, axis) - ddof)


@reads(np.std)
def std(a: StandIn, axis: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
    """``np.std`` over an axis of a stack."""
    return np.sqrt(var(a, axis, ddof, keepdims))


@reads(np.linalg.norm)
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


@reads(*([np.linalg.vector_norm] if hasattr(np.linalg, "vector_norm") else []))  # since NumPy 2
def vector_norm(x: StandIn, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """``np.linalg.vector_norm`` along an axis of a stack."""
    return norm(x, ord, axis, keepdims)


# Matrix products ------------------------------------------------------------------------------------


@reads(np.matmul)
def matmul(a: Any, b: Any) -> Any:
    """``a @ b`` of a stack and a matrix or vector of constants, in either order."""
    reading = reading_of(a, b)
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


@reads(np.dot)
def dot(a: Any, b: Any) -> Any:
    """``np.dot`` of a stack and constants: for at most two axes the same as ``a @ b``."""
    if max(np.ndim(a), np.ndim(b)) > 2 or min(np.ndim(a), np.ndim(b)) == 0:
        raise reading_of(a, b).refusal("np.dot of more than two axes")
    return matmul(a, b)


@reads(np.inner)
def inner(a: Any, b: Any) -> Any:
    """``np.inner`` of a stack and constants: the last axes are summed over."""
    if isinstance(a, StandIn):
        return matmul(a, np.transpose(b))
    return matmul(b, a) if np.ndim(a) == 1 else matmul(a, np.transpose(b))


@reads(np.einsum)
def einsum(subscripts: Any, *operands: Any, **options: Any) -> Any:
    """``np.einsum`` with subscripts as a text, one letter for the points."""
    reading = reading_of(*operands)
    options.pop("optimize", None)
    if not isinstance(subscripts, str) or options:
        raise reading.refusal("np.einsum with such subscripts")
    left, result = _subscripts(subscripts, [np.ndim(operand) for operand in operands])
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


def _subscripts(subscripts: str, axes: list[int]) -> tuple[str, str]:
    """The subscripts of operands with so many axes, and of the result; ``...`` as capital letters."""
    left, arrow, result = subscripts.replace(" ", "").partition("->")
    if not arrow:
        single = sorted(c for c in set(left) - {",", "."} if left.count(c) == 1)
        result = "..." * ("." in left) + "".join(single)
    free = [c for c in "ZYXWVUTSRQ" if c not in subscripts]
    rest = [n - len(part.replace("...", "")) for part, n in zip(left.split(","), axes, strict=True)]
    # They are aligned at the last one.
    parts = [
        part.replace("...", "".join(free[:n][::-1])) for part, n in zip(left.split(","), rest, strict=True)
    ]
    most = max((n for part, n in zip(left.split(","), rest, strict=True) if "." in part), default=0)
    return ",".join(parts), result.replace("...", "".join(free[:most][::-1]))


def _first(operands: Any) -> StandIn:
    return next(term for term in operands if isinstance(term, StandIn))
