"""Stand-ins for arrays of floats, on which a formula is evaluated as something else than numbers.

Python's operators are ufuncs too, so ``f(x1, x2)`` runs on stand-ins without change. They behave as arrays
do, also in place: ``s += t`` changes the object that every other name of s refers to. A comparison gives a
condition, for ``np.where``; multiplied with a function it counts as 1 or 0.

Arrays of integers, as ``np.where(x > 0, 1, 2)`` and sums of conditions, are no arrays of floats: their
reciprocals and powers are integers too, and what exceeds int64 wraps. So a stand-in knows how large its
integers may be, and what would differ is refused.
"""

import math
import operator
from collections.abc import Callable
from typing import Any, Self

import numpy as np

# Imported for their rows of `stand_in.FUNCTIONS`.
from tracer.enclosures.formulas import array_functions, reductions  # noqa: F401
from tracer.enclosures.formulas.stack import Stack
from tracer.enclosures.formulas.stand_in import (
    Reading,
    StandIn,
    Unenclosable,
    description,
    is_number,
    name_of,
    reason_of,
)
from tracer.enclosures.formulas.switches import COMBINATIONS, masked
from tracer.enclosures.formulas.ufuncs import Operation, operation_of

# Arithmetic of arrays of bool is logical.
_LOGICAL = {np.multiply: np.logical_and, np.add: np.logical_or} | COMBINATIONS
_BITWISE = (np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert)
# The largest size of a result that is of integers if all terms are, from the sizes of the terms.
_INTEGERS: dict[Any, Callable[..., int]] = {
    **dict.fromkeys((np.add, np.subtract), lambda *sizes: sum(sizes)),
    **dict.fromkeys((np.multiply, masked), lambda *sizes: math.prod(sizes)),
    **dict.fromkeys((np.positive, np.negative, np.absolute, np.sign), lambda size: size),
    **dict.fromkeys((np.maximum, np.minimum, np.fmax, np.fmin), max),
    np.where: lambda _, a, b: max(a, b),
    np.square: lambda size: size * size,
}
_MOST = np.iinfo(np.int64).max
_FLOAT_TYPES = (float, np.float64, "float", "float64", np.dtype(np.float64))


def _operators(ufunc: Any, evaluate: Callable[..., Any]) -> tuple[Any, Any, Any]:
    """An operator's three methods: forward, reflected, in place.

    On floats the operator differs slightly from the ufunc: for ``** 2`` NumPy squares, for ``** 0.5`` it
    takes the root. Skipping the ufunc is also faster.
    """

    def forward(self: "Argument", other: Any) -> Any:
        return self.evaluated(ufunc, evaluate, (self, other), None)

    def reflected(self: "Argument", other: Any) -> Any:
        return self.evaluated(ufunc, evaluate, (other, self), None)

    def in_place(self: "Argument", other: Any) -> Any:
        return self.evaluated(ufunc, evaluate, (self, other), (self,))

    return forward, reflected, in_place


def _is_narrow(number: Any) -> bool:
    return isinstance(number, np.generic | np.ndarray) and number.dtype not in (np.float64, np.bool_)


class Argument(StandIn):
    """A stand-in for an array; subclasses define the effect of an operation.

    Attributes
    ----------
    content : object
        The subclass's value; immutable, but it may be replaced.
    largest : int or None
        The largest size of the numbers, if they are integers; None for floats and conditions.
    """

    __slots__ = ("content", "largest")

    # The class of a condition's content.
    condition: Any = ()

    def __init__(self, content: Any, reading: Reading, largest: int | None = None) -> None:
        self.content, self.reading, self.largest = content, reading, largest

    def calculate(self, operation: Operation, evaluate: Callable[..., Any], terms: list[Any]) -> Any:
        """The content of the result; `terms` are contents and numbers, `evaluate` is the float function."""
        raise NotImplementedError

    def filled(self, number: float) -> Any:
        """The content of a constant."""
        raise NotImplementedError

    def as_number(self, condition: Any) -> Any:
        """The content of a condition that counts as 1 or 0."""
        raise NotImplementedError

    def read(self, result: Any) -> Any:
        """The content of a formula's `result` for arguments of this kind; the result may be a number.

        Raises
        ------
        Unenclosable
            If the result is neither, or an operation was refused.
        """
        content = self._content(result, "a result that is")
        if self.reading.refused is not None:
            raise Unenclosable(self.reading.refused)
        if not isinstance(result, type(self)):
            return self.filled(content)
        return self.as_number(content) if isinstance(content, self.condition) else content

    def on_ufunc(self, ufunc: Any, inputs: Any, out: Any) -> Any:
        """The result of a ufunc."""
        return self.evaluated(ufunc, ufunc, inputs, out)

    __add__, __radd__, __iadd__ = _operators(np.add, operator.add)
    __sub__, __rsub__, __isub__ = _operators(np.subtract, operator.sub)
    __mul__, __rmul__, __imul__ = _operators(np.multiply, operator.mul)
    __truediv__, __rtruediv__, __itruediv__ = _operators(np.divide, operator.truediv)
    __pow__, __rpow__, __ipow__ = _operators(np.power, operator.pow)

    def evaluated(self, ufunc: Any, evaluate: Callable[..., Any], inputs: Any, out: Any) -> Any:
        """The result of an operation on stand-ins and numbers; `evaluate` is what it is on floats."""
        terms = []
        for term in inputs:
            if isinstance(term, Stack) or (type(term) is np.ndarray and term.ndim):
                return Stack.elementwise(self.reading, ufunc, inputs, out)
            terms.append(self._content(term, f"{name_of(ufunc)} with"))
        largest = None
        if self.reading.conditional or ufunc is np.where:
            self.reading.conditional, sizes = True, [self._size(term) for term in inputs]
            ufunc, evaluate, terms = self._with_conditions(ufunc, evaluate, terms)
            largest = self._largest(ufunc, sizes)
        operation = operation_of(ufunc)
        if operation is None:
            raise self.reading.refusal(name_of(ufunc))
        try:
            content = self.calculate(operation, evaluate, terms)
        # Such as an integer that is too large for a float.
        except Exception as error:
            known = isinstance(error, Unenclosable)
            reason = f"{'' if known else f'{name_of(ufunc)}: '}{reason_of(error)}"
            raise self.reading.refusal(reason) from error
        self.reading.conditional |= isinstance(content, self.condition)
        found = type(self)(content, self.reading, largest)
        if out is None:
            return found
        (target,) = out
        if not isinstance(target, type(self)) or target.kind != found.kind:
            raise self.reading.refusal(f"{name_of(ufunc)} with out=")
        target.content, target.largest = content, largest
        return target

    @property
    def kind(self) -> str:
        """The kind of the array's numbers, as `numpy.dtype.kind`: f, i or b."""
        return "b" if isinstance(self.content, self.condition) else ("f" if self.largest is None else "i")

    def counted(self) -> Self:
        """The same, but a condition as the integers 1 and 0."""
        if self.kind != "b":
            return self.copy()
        return type(self)(self.as_number(self.content), self.reading, 1)

    def _size(self, term: Any) -> int | None:
        """The largest size of a term's numbers; None if they are floats."""
        if isinstance(term, Argument):
            return 1 if term.kind == "b" else term.largest
        number = term.item() if isinstance(term, np.generic | np.ndarray) else term
        return abs(int(number)) if isinstance(number, int) else None

    def _largest(self, ufunc: Any, sizes: list[int | None]) -> int | None:
        """The largest size of an operation's result, if it is of integers."""
        if None in (sizes[1:] if ufunc is np.where else sizes):
            return None
        if ufunc in (np.reciprocal, np.power):
            raise self.reading.refusal(f"{name_of(ufunc)} of integers")
        size = _INTEGERS[ufunc](*sizes) if ufunc in _INTEGERS else None
        if size is not None and size > _MOST:
            raise self.reading.refusal(f"{name_of(ufunc)} of integers that may exceed int64")
        return size

    def _with_conditions(
        self, ufunc: Any, evaluate: Callable[..., Any], terms: list[Any]
    ) -> tuple[Any, Callable[..., Any], list[Any]]:
        """The operation that this one is if some of its terms are conditions."""
        conditions = [isinstance(term, self.condition) for term in terms]
        # Of all others these are bits of integers, or an array of bool.
        logical = [c or isinstance(term, bool | np.bool_) for c, term in zip(conditions, terms, strict=True)]
        if (ufunc in _BITWISE and not all(logical)) or (ufunc is np.where and all(logical[1:])):
            kind = "bool" if ufunc is np.where else "integers"
            raise self.reading.refusal(f"np.{ufunc.__name__} of {kind}")
        if not any(conditions):
            return ufunc, evaluate, terms
        others = [term for c, term in zip(conditions, terms, strict=True) if not c]
        # NumPy calculates with these in their own precision, unless an array of floats is among the terms.
        if all(map(is_number, others)) and (narrow := next(filter(_is_narrow, others), None)) is not None:
            raise self.reading.refusal(f"{name_of(ufunc)} of comparisons with {narrow.dtype}")
        if ufunc is np.where or ufunc in COMBINATIONS:
            return ufunc, evaluate, terms
        if all(logical):
            if ufunc not in _LOGICAL:
                raise self.reading.refusal(f"{name_of(ufunc)} of comparisons")
            return _LOGICAL[ufunc], _LOGICAL[ufunc], terms
        if ufunc is np.multiply:
            return masked, masked, terms if conditions[0] else terms[::-1]
        return (
            ufunc,
            evaluate,
            [self.as_number(term) if c else term for c, term in zip(conditions, terms, strict=True)],
        )

    def _content(self, term: Any, where: str) -> Any:
        """The content of a stand-in of this call, or a number."""
        if isinstance(term, type(self)):
            if term.reading is not self.reading:
                raise self.reading.refusal(f"{where} an array of an earlier call")
            return term.content
        if not is_number(term):
            raise self.reading.refusal(f"{where} {description(term)}")
        return term

    # Methods of arrays --------------------------------------------------------------------------------

    ndim = 1

    def __getitem__(self, index: Any) -> Any:
        return Stack.of(self)[index]

    def clip(self, *args: Any, **kwargs: Any) -> Any:
        """As `numpy.clip`."""
        return np.clip(self, *args, **kwargs)  # type: ignore[call-overload]

    def copy(self) -> Self:
        """A stand-in with the same content."""
        return type(self)(self.content, self.reading, self.largest)

    def astype(self, dtype: Any) -> Any:
        """The same as floats."""
        if dtype not in _FLOAT_TYPES:
            raise self.reading.refusal(f"astype({dtype})")
        content = self.content
        return type(self)(
            self.as_number(content) if isinstance(content, self.condition) else content, self.reading
        )

    def __copy__(self) -> Self:
        return self.copy()

    def __deepcopy__(self, _: Any) -> Self:
        return self.copy()
