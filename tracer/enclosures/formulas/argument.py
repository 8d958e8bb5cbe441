"""Stand-ins for arrays of floats, on which a formula is evaluated as something else than numbers.

NumPy passes a ufunc call on such an object to its ``__array_ufunc__``, and Python's operators are ufuncs
too, so ``f(x1, x2)`` runs on stand-ins without change. They behave as arrays do, also in place:
``s += t`` changes the object that every other name of s refers to. Unsupported operations, from a comparison
to ``np.where``, raise `Unenclosable` with their name.

A callable may catch that exception and continue with something else, which it would not do on floats. So
a refusal is also recorded in the `Reading` that all stand-ins of one call share, and after a refusal no
result is accepted.
"""

import operator
from collections.abc import Callable
from typing import Any, Never, Self

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from tracer.enclosures.formulas.ufuncs import TABLE, Operation, Unenclosable, name_of

# The longest message that is quoted from a user's exception.
MOST_CHARACTERS = 200

_FILLED = {np.zeros_like: 0.0, np.ones_like: 1.0}


def _operators(ufunc: Any, evaluate: Callable[..., Any]) -> tuple[Any, Any, Any]:
    """An operator's three methods: forward, reflected, in place.

    On floats the operator differs slightly from the ufunc: for ``** 2`` NumPy squares, for ``** 0.5`` it
    takes the root. Skipping the ufunc is also faster.
    """

    def forward(self: "Argument", other: Any) -> "Argument":
        return self._evaluate(ufunc, evaluate, (self, other), None)

    def reflected(self: "Argument", other: Any) -> "Argument":
        return self._evaluate(ufunc, evaluate, (other, self), None)

    def in_place(self: "Argument", other: Any) -> "Argument":
        return self._evaluate(ufunc, evaluate, (self, other), (self,))

    return forward, reflected, in_place


class Reading:
    """One call of a formula with stand-ins for arrays.

    Attributes
    ----------
    refused : str or None
        The first unsupported operation.
    """

    __slots__ = ("refused",)

    def __init__(self) -> None:
        self.refused: str | None = None

    def refusal(self, reason: str) -> Unenclosable:
        """The exception to raise; the reason is recorded, even if the formula catches the exception."""
        if self.refused is None:
            self.refused = reason
        return Unenclosable(reason)


class Argument(NDArrayOperatorsMixin):
    """A stand-in for an array; subclasses define the effect of an operation.

    Attributes
    ----------
    content : object
        The subclass's value; immutable, but it may be replaced.
    reading : Reading
        The call that the stand-in belongs to.
    """

    __slots__ = ("content", "reading")

    def __init__(self, content: Any, reading: Reading) -> None:
        self.content = content
        self.reading = reading

    def calculate(self, operation: Operation, evaluate: Callable[..., Any], terms: list[Any]) -> Any:
        """The content of the result; `terms` are contents and numbers, `evaluate` is the float function."""
        raise NotImplementedError

    def filled(self, number: float) -> Any:
        """The content of a constant."""
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
        return content if isinstance(result, type(self)) else self.filled(content)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **options: Any) -> Self:
        if method != "__call__":
            raise self.reading.refusal(f"{name_of(ufunc)}.{method}")
        if options:
            raise self.reading.refusal(f"{name_of(ufunc)} with {', '.join(options)}")
        return self._evaluate(ufunc, ufunc, inputs, out)

    def __array_function__(self, function: Any, types: Any, inputs: Any, options: Any) -> Self:
        if function in _FILLED and len(inputs) == 1 and not options:
            return type(self)(self.filled(_FILLED[function]), self.reading)
        module = function.__module__.replace("numpy", "np", 1)
        raise self.reading.refusal(f"{module}.{function.__name__}")

    __add__, __radd__, __iadd__ = _operators(np.add, operator.add)
    __sub__, __rsub__, __isub__ = _operators(np.subtract, operator.sub)
    __mul__, __rmul__, __imul__ = _operators(np.multiply, operator.mul)
    __truediv__, __rtruediv__, __itruediv__ = _operators(np.divide, operator.truediv)
    __pow__, __rpow__, __ipow__ = _operators(np.power, operator.pow)

    def _evaluate(self, ufunc: Any, evaluate: Callable[..., Any], inputs: Any, out: Any) -> Self:
        operation = TABLE.get(ufunc)
        if operation is None:
            raise self.reading.refusal(name_of(ufunc))
        terms = [self._content(term, f"{name_of(ufunc)} with") for term in inputs]
        try:
            content = self.calculate(operation, evaluate, terms)
        # Such as an integer that is too large for a float.
        except Exception as error:
            raise self.reading.refusal(reason_of(error)) from error
        if out is None:
            return type(self)(content, self.reading)
        (target,) = out
        if not isinstance(target, type(self)):
            raise self.reading.refusal(f"{name_of(ufunc)} with out=")
        target.content = content
        return target

    def _content(self, term: Any, where: str) -> Any:
        """The content of a stand-in of this call, or a number."""
        if isinstance(term, type(self)):
            if term.reading is not self.reading:
                raise self.reading.refusal(f"{where} an array of an earlier call")
            return term.content
        if not _is_number(term):
            raise self.reading.refusal(f"{where} {_description(term)}")
        return term

    # Operations of arrays that stand-ins refuse -------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        # NumPy and Python look up names with two underscores themselves.
        if not name.startswith("__"):
            self.reading.refusal(f"the attribute {name}")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __copy__(self) -> Self:
        return type(self)(self.content, self.reading)

    def __deepcopy__(self, _: Any) -> Self:
        return type(self)(self.content, self.reading)

    def __reduce_ex__(self, _: Any) -> Never:
        raise self.reading.refusal("a pickle")

    def __array__(self, *_: Any, **__: Any) -> Never:
        raise self.reading.refusal("a conversion to an array of floats")

    def __float__(self) -> Never:
        raise self.reading.refusal("float(), as in the functions of math")

    def __bool__(self) -> Never:
        raise self.reading.refusal("bool(), as in if and while")

    def __int__(self) -> Never:
        raise self.reading.refusal("int()")

    def __index__(self) -> Never:
        raise self.reading.refusal("int(), as in an index")

    def __round__(self, *_: Any) -> Never:
        raise self.reading.refusal("round()")

    def __len__(self) -> Never:
        raise self.reading.refusal("len()")

    def __iter__(self) -> Never:
        raise self.reading.refusal("iter(), as in for")

    def __getitem__(self, _: Any) -> Never:
        raise self.reading.refusal("indexing with []")

    def __setitem__(self, *_: Any) -> Never:
        raise self.reading.refusal("indexing with []")


def reason_of(error: BaseException) -> str:
    """An exception's message, as one line."""
    text = str(error) if isinstance(error, Unenclosable) else f"{type(error).__name__}: {error}"
    return text.partition("\n")[0][:MOST_CHARACTERS]


def _is_number(term: Any) -> bool:
    if isinstance(term, int | float):
        return True
    # A subclass, such as a masked array, is more than a number.
    if type(term) is not np.ndarray and not isinstance(term, np.generic):
        return False
    return term.ndim == 0 and term.dtype.kind in "biuf"


def _description(term: Any) -> str:
    return f"an array of shape {term.shape}" if isinstance(term, np.ndarray) else f"a {type(term).__name__}"
