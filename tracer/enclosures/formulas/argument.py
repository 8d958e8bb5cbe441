"""Stand-ins for arrays of floats, on which a formula is evaluated as something else than numbers.

Python's operators are ufuncs too, so ``f(x1, x2)`` runs on stand-ins without change. They behave as arrays
do, also in place: ``s += t`` changes the object that every other name of s refers to. A comparison gives a
condition, for ``np.where``; multiplied with a function it counts as 1 or 0.
"""

import operator
from collections.abc import Callable
from typing import Any, Self

import numpy as np

# Imported for its rows of `stand_in.FUNCTIONS`.
from tracer.enclosures.formulas import array_functions  # noqa: F401
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
from tracer.enclosures.formulas.ufuncs import TABLE, Operation

# Arithmetic of arrays of bool is logical.
_LOGICAL = {np.multiply: np.logical_and, np.add: np.logical_or} | COMBINATIONS
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
    """

    __slots__ = ("content",)

    # The class of a condition's content.
    condition: Any = ()

    def __init__(self, content: Any, reading: Reading) -> None:
        self.content = content
        self.reading = reading

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
        if self.reading.conditional:
            ufunc, evaluate, terms = self._with_conditions(ufunc, evaluate, terms)
        operation = TABLE.get(ufunc)
        if operation is None:
            raise self.reading.refusal(name_of(ufunc))
        try:
            content = self.calculate(operation, evaluate, terms)
        # Such as an integer that is too large for a float.
        except Exception as error:
            raise self.reading.refusal(reason_of(error)) from error
        self.reading.conditional |= isinstance(content, self.condition)
        if out is None:
            return type(self)(content, self.reading)
        (target,) = out
        if not isinstance(target, type(self)):
            raise self.reading.refusal(f"{name_of(ufunc)} with out=")
        target.content = content
        return target

    def _with_conditions(
        self, ufunc: Any, evaluate: Callable[..., Any], terms: list[Any]
    ) -> tuple[Any, Callable[..., Any], list[Any]]:
        """The operation that this one is if some of its terms are conditions."""
        conditions = [isinstance(term, self.condition) for term in terms]
        if not any(conditions):
            return ufunc, evaluate, terms
        others = [term for c, term in zip(conditions, terms, strict=True) if not c]
        # NumPy calculates with these in their own precision, unless an array of floats is among the terms.
        if all(map(is_number, others)) and (narrow := next(filter(_is_narrow, others), None)) is not None:
            raise self.reading.refusal(f"{name_of(ufunc)} of comparisons with {narrow.dtype}")
        if ufunc is np.where or ufunc in COMBINATIONS:
            return ufunc, evaluate, terms
        if all(c or isinstance(term, bool | np.bool_) for c, term in zip(conditions, terms, strict=True)):
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
        return type(self)(self.content, self.reading)

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
