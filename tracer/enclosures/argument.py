"""What stands in for an array of floats when a formula is read otherwise than as numbers.

NumPy hands a ufunc of such an object to the object's ``__array_ufunc__``, and Python's operators are
ufuncs too, so ``f(x1, x2)`` runs on it as it stands. It behaves as an array does, in place as well:
``s += t`` changes what every other name of s sees. Whatever has no meaning here, from a comparison to
``np.where``, raises `Unenclosable` with its name.
"""

import operator
from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from tracer.enclosures.ufuncs import TABLE, Operation, Unenclosable, name_of

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


class Argument(NDArrayOperatorsMixin):
    """A stand-in for an array; subclasses say what an operation does to it.

    Attributes
    ----------
    content : object
        What the subclass calculates with; never changed, only exchanged.
    """

    __slots__ = ("content",)

    def __init__(self, content: Any) -> None:
        self.content = content

    def calculate(self, operation: Operation, evaluate: Callable[..., Any], terms: list[Any]) -> Any:
        """The content of the result; `terms` are contents and numbers, `evaluate` does it to floats."""
        raise NotImplementedError

    def filled(self, number: float) -> Any:
        """The content of a constant."""
        raise NotImplementedError

    def read(self, result: Any) -> Any:
        """The content of what a formula gave for arguments of this kind, which may be a number."""
        if isinstance(result, type(self)):
            return result.content
        if not _is_number(result):
            raise Unenclosable(f"a result that is {_description(result)}")
        return self.filled(result)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **options: Any) -> Self:
        if method != "__call__":
            raise Unenclosable(f"{name_of(ufunc)}.{method}")
        if options:
            raise Unenclosable(f"{name_of(ufunc)} with {', '.join(options)}")
        return self._evaluate(ufunc, ufunc, inputs, out)

    def __array_function__(self, function: Any, types: Any, inputs: Any, options: Any) -> Self:
        if function in _FILLED and len(inputs) == 1 and not options:
            return type(self)(self.filled(_FILLED[function]))
        module = function.__module__.replace("numpy", "np", 1)
        raise Unenclosable(f"{module}.{function.__name__}")

    __add__, __radd__, __iadd__ = _operators(np.add, operator.add)
    __sub__, __rsub__, __isub__ = _operators(np.subtract, operator.sub)
    __mul__, __rmul__, __imul__ = _operators(np.multiply, operator.mul)
    __truediv__, __rtruediv__, __itruediv__ = _operators(np.divide, operator.truediv)
    __pow__, __rpow__, __ipow__ = _operators(np.power, operator.pow)

    def _evaluate(self, ufunc: Any, evaluate: Callable[..., Any], inputs: Any, out: Any) -> Self:
        operation = TABLE.get(ufunc)
        if operation is None:
            raise Unenclosable(name_of(ufunc))
        content = self.calculate(operation, evaluate, [self._term(ufunc, term) for term in inputs])
        if out is None:
            return type(self)(content)
        (target,) = out
        if not isinstance(target, type(self)):
            raise Unenclosable(f"{name_of(ufunc)} with out=")
        target.content = content
        return target

    def _term(self, ufunc: Any, term: Any) -> Any:
        if isinstance(term, type(self)):
            return term.content
        if not _is_number(term):
            raise Unenclosable(f"{name_of(ufunc)} with {_description(term)}")
        return term

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise Unenclosable("a conversion to an array of floats")

    def __float__(self) -> float:
        raise Unenclosable("float(), as in the functions of math")

    def __bool__(self) -> bool:
        raise Unenclosable("bool(), as in if and while")


def _is_number(term: Any) -> bool:
    if isinstance(term, int | float):
        return True
    return isinstance(term, np.generic | np.ndarray) and term.ndim == 0 and term.dtype.kind in "biuf"


def _description(term: Any) -> str:
    return f"an array of shape {term.shape}" if isinstance(term, np.ndarray) else f"a {type(term).__name__}"
