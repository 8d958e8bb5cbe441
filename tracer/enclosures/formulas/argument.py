"""What stands in for an array of floats when a formula is read otherwise than as numbers.

NumPy hands a ufunc of such an object to the object's ``__array_ufunc__``, and Python's operators are
ufuncs too, so ``f(x1, x2)`` runs on it as it stands. It behaves as an array does, in place as well:
``s += t`` changes what every other name of s sees. Whatever has no meaning here, from a comparison to
``np.where``, raises `Unenclosable` with its name.

A callable may catch that exception and go on with something else, which on floats it would not do. So
what is refused is also written down in the `Reading` that all stand-ins of one call share, and nothing is
read from a result after a refusal.
"""

import operator
from collections.abc import Callable
from typing import Any, Never, Self

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from tracer.enclosures.formulas.ufuncs import TABLE, Operation, Unenclosable, name_of

# Of what an exception of the user's says.
MOST_CHARACTERS = 200

_FILLED = {np.zeros_like: 0.0, np.ones_like: 1.0}


def _operators(ufunc: Any, evaluate: Callable[..., Any]) -> tuple[Any, Any, Any]:
    """An operator's three methods: forward, reflected, in place.

    On floats the operator is not quite the ufunc: NumPy squares for ``** 2`` and takes the root for
    ``** 0.5``. Without the detour through the ufunc it is also faster.
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
        The first thing that had no meaning.
    """

    __slots__ = ("refused",)

    def __init__(self) -> None:
        self.refused: str | None = None

    def refusal(self, reason: str) -> Unenclosable:
        """The exception to raise; the reason is written down, whoever catches it."""
        if self.refused is None:
            self.refused = reason
        return Unenclosable(reason)


class Argument(NDArrayOperatorsMixin):
    """A stand-in for an array; subclasses say what an operation does to it.

    Attributes
    ----------
    content : object
        What the subclass calculates with; never changed, only exchanged.
    reading : Reading
        The call that it stands in for an array in.
    """

    __slots__ = ("content", "reading")

    def __init__(self, content: Any, reading: Reading) -> None:
        self.content = content
        self.reading = reading

    def calculate(self, operation: Operation, evaluate: Callable[..., Any], terms: list[Any]) -> Any:
        """The content of the result; `terms` are contents and numbers, `evaluate` does it to floats."""
        raise NotImplementedError

    def filled(self, number: float) -> Any:
        """The content of a constant."""
        raise NotImplementedError

    def read(self, result: Any) -> Any:
        """The content of what a formula gave for arguments of this kind, which may be a number."""
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

    # What an array has and a stand-in has not ---------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        # NumPy and Python look for what has two underscores themselves.
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
    """What an exception says, in a line."""
    text = str(error) if isinstance(error, Unenclosable) else f"{type(error).__name__}: {error}"
    return text.partition("\n")[0][:MOST_CHARACTERS]


def _is_number(term: Any) -> bool:
    if isinstance(term, int | float):
        return True
    # A subclass, such as a masked array, is more than its number.
    if type(term) is not np.ndarray and not isinstance(term, np.generic):
        return False
    return term.ndim == 0 and term.dtype.kind in "biuf"


def _description(term: Any) -> str:
    return f"an array of shape {term.shape}" if isinstance(term, np.ndarray) else f"a {type(term).__name__}"
