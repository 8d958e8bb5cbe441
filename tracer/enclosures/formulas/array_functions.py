"""NumPy's functions that are no ufuncs, on stand-ins: rows of `stand_in.FUNCTIONS`.

Each is written with ufuncs and stacks, so that it holds for every kind of stand-in. Those that reduce an axis
are in `reductions`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tracer.enclosures.formulas.stack import Stack
from tracer.enclosures.formulas.stand_in import FUNCTIONS, Reading, StandIn, description


def reads(*functions: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a function the row of some of NumPy's."""

    def decorator(own: Callable[..., Any]) -> Callable[..., Any]:
        FUNCTIONS.update(dict.fromkeys(functions, own))
        return own

    return decorator


def reading_of(*terms: Any) -> Reading:
    """The call that the stand-ins among some terms belong to."""
    return next(term.reading for term in terms if isinstance(term, StandIn))


@reads(np.ndim)
def ndim(a: StandIn) -> int:
    """``np.ndim``."""
    return Stack.of(a).ndim


# Choices --------------------------------------------------------------------------------------------


@reads(np.where)
def where(condition: Any, a: Any, b: Any) -> Any:
    """``np.where`` with two branches."""
    terms = condition, a, b
    if any(isinstance(term, Stack) or (isinstance(term, np.ndarray) and term.ndim) for term in terms):
        return Stack.elementwise(reading_of(*terms), np.where, terms)
    first: Any = next(term for term in terms if isinstance(term, StandIn))
    return first.evaluated(np.where, np.where, terms, None)


@reads(np.clip)
def clip(a: Any, a_min: Any = None, a_max: Any = None, **options: Any) -> Any:
    """``np.clip``; a limit may be missing."""
    low, high = options.pop("min", a_min), options.pop("max", a_max)
    if options or (low is None and high is None):
        raise TypeError(f"options {', '.join(options) or 'without limits'}")
    a = a if low is None else np.maximum(a, low)
    return a if high is None else np.minimum(a, high)


@reads(np.select)
def select(conditions: Sequence[Any], choices: Sequence[Any], default: Any = 0) -> Any:
    """``np.select``: the choice of the first condition that holds."""
    for condition, choice in reversed(list(zip(conditions, choices, strict=True))):
        default = where(condition, choice, default)
    return default


@reads(np.polyval)
def polyval(coefficients: Any, x: Any) -> Any:
    """``np.polyval``, by Horner's rule as NumPy."""
    value = np.zeros_like(x)
    for coefficient in coefficients:
        value = value * x + coefficient
    return value


@reads(np.sinc)
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
    reading = reading_of(*terms)
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


@reads(np.stack)
def stack(arrays: Sequence[Any], axis: int = 0) -> Any:
    """``np.stack``."""
    items, first = _same_axis(arrays)
    n = first.ndim + 1
    place = axis % n
    points = first.ndim + first.points
    return first.with_items(np.stack(items, axis=axis), points + (place <= points) - n)


@reads(np.concatenate)
def concatenate(arrays: Sequence[Any], axis: int = 0) -> Any:
    """``np.concatenate``, along any axis but that of the points."""
    items, first = _same_axis(arrays)
    return first.with_items(np.concatenate(items, axis=first.axis(axis)), first.points)


@reads(np.hstack)
def hstack(arrays: Sequence[Any]) -> Any:
    """``np.hstack`` of stacks with an axis before that of the points, or behind it."""
    return concatenate(arrays, axis=1)


@reads(np.vstack)
def vstack(arrays: Sequence[Any]) -> Any:
    """``np.vstack`` of coordinates."""
    if all(np.ndim(a) == 1 for a in arrays):
        return stack(arrays)
    return concatenate([a if a.ndim > 1 else stack([a]) for a in arrays])


@reads(np.column_stack)
def column_stack(arrays: Sequence[Any]) -> Any:
    """``np.column_stack`` of coordinates."""
    return concatenate([a if a.ndim > 1 else stack([a], axis=-1) for a in arrays], axis=1)


@reads(np.transpose)
def transpose(a: StandIn) -> Any:
    """``np.transpose`` without a permutation."""
    return Stack.of(a).T


@reads(np.swapaxes)
def swapaxes(a: StandIn, axis1: int, axis2: int) -> Any:
    """``np.swapaxes``."""
    own = Stack.of(a)
    places = list(range(-own.ndim, 0))
    places[axis1], places[axis2] = places[axis2], places[axis1]
    return own.with_items(np.swapaxes(own.items, axis1, axis2), places.index(own.points) - own.ndim)


@reads(np.moveaxis)
def moveaxis(a: StandIn, source: int, destination: int) -> Any:
    """``np.moveaxis`` of one axis."""
    own = Stack.of(a)
    places = list(range(-own.ndim, 0))
    places.insert(destination % own.ndim, places.pop(source))
    return own.with_items(np.moveaxis(own.items, source, destination), places.index(own.points) - own.ndim)


@reads(np.expand_dims)
def expand_dims(a: StandIn, axis: int) -> Any:
    """``np.expand_dims``."""
    n = Stack.of(a).ndim + 1
    return Stack.of(a)[(slice(None),) * (axis % n) + (None,)]


@reads(np.squeeze)
def squeeze(a: StandIn, axis: int) -> Any:
    """``np.squeeze`` of one axis."""
    own = Stack.of(a)
    k = own.axis(axis)
    return own[(slice(None),) * (own.ndim + k) + (0,)]
