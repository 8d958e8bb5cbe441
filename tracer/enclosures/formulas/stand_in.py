"""What all stand-ins for arrays share: how NumPy reaches them, and what they refuse.

NumPy passes a ufunc call on such an object to its ``__array_ufunc__``, other functions to its
``__array_function__`` [1]_. Any operation without a row in a table raises `Unenclosable` with its name.

A callable may catch that exception and continue with something else, which it would not do on floats. So
a refusal is also recorded in the `Reading` that all stand-ins of one call share, and after a refusal no
result is accepted.

References
----------
.. [1] NumPy Enhancement Proposals 13 and 18: overrides of ufuncs and of array functions.
"""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, Never

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

CONVERSION = "a conversion to an array of floats, as in np.array([x1, x2]): np.stack has bounds"
OVER_POINTS = "a loop over the points, as `for` and sum(x) are: NumPy's functions take whole arrays"
# SciPy's functions that make an array of floats of any argument by np.asarray, which has no protocol: SciPy
# asks for __array_namespace__ only if SCIPY_ARRAY_API was set before its import. Beside each stands an equal
# formula of a stack `a`, which has bounds.
SCIPY_FUNCTIONS = {
    "logsumexp": "np.logaddexp.reduce(a)",
    "softmax": "np.exp(a - np.logaddexp.reduce(a))",
    "log_softmax": "a - np.logaddexp.reduce(a)",
}
BY_SCIPY = "scipy.special.{}, which converts its argument to an array of floats: {} of a stack a has bounds"
# The longest message that is quoted from a user's exception.
MOST_CHARACTERS = 200

# NumPy's functions that are no ufuncs, on stand-ins, and the reductions by ufuncs, as `numpy.add.reduce`;
# filled by `array_functions` and `reductions`.
FUNCTIONS: dict[Any, Callable[..., Any]] = {}
REDUCTIONS: dict[Any, Callable[..., Any]] = {}


class Unenclosable(TypeError):
    """A formula has no enclosures; the message names the operation, such as ``np.floor``."""


class Reading:
    """One call of a formula with stand-ins for arrays.

    Attributes
    ----------
    refused : str or None
        The first unsupported operation.
    scalar : bool
        Whether that operation is one of single numbers, which no array has.
    conditional : bool
        Whether anything has been compared.
    """

    __slots__ = ("conditional", "refused", "scalar")

    def __init__(self) -> None:
        self.refused: str | None = None
        self.scalar = self.conditional = False

    def refusal(self, reason: str, scalar: bool = False) -> Unenclosable:
        """The exception to raise; the reason is recorded, even if the formula catches the exception."""
        if self.refused is None:
            self.refused, self.scalar = reason, scalar
        return Unenclosable(reason)


class StandIn(NDArrayOperatorsMixin):
    """A stand-in for an array, or for several of them.

    Attributes
    ----------
    reading : Reading
        The call that the stand-in belongs to.
    """

    __slots__ = ("reading",)

    reading: Reading

    def on_ufunc(self, ufunc: Any, inputs: Any, out: Any) -> Any:
        """The result of a ufunc; `out` is None or a tuple of one."""
        raise NotImplementedError

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        if method == "reduce" and ufunc in REDUCTIONS and out is None:
            return self._by(REDUCTIONS[ufunc], f"{name_of(ufunc)}.reduce", inputs, options)
        if method != "__call__":
            raise self.reading.refusal(f"{name_of(ufunc)}.{method}")
        if options:
            raise self.reading.refusal(f"{name_of(ufunc)} with {', '.join(options)}")
        return self.on_ufunc(ufunc, inputs, out)

    def __array_function__(self, function: Any, types: Any, inputs: Any, options: Any) -> Any:
        module = function.__module__.replace("numpy", "np", 1)
        name = f"{module}.{function.__name__}"
        if function not in FUNCTIONS:
            raise self.reading.refusal(name)
        return self._by(FUNCTIONS[function], name, inputs, options)

    def _by(self, own: Callable[..., Any], name: str, inputs: Any, options: Any) -> Any:
        """The result of a function of a table."""
        try:
            return own(*inputs, **options)
        except Unenclosable:
            raise
        # Such as an argument that the function of the table has not.
        except Exception as error:
            raise self.reading.refusal(f"{name}: {reason_of(error)}") from error

    # Operations of arrays that stand-ins refuse -------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        # NumPy and Python look up names with two underscores themselves.
        if not name.startswith("__"):
            self.reading.refusal(f"the attribute {name}")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __reduce_ex__(self, _: Any) -> Never:
        raise self.reading.refusal("a pickle")

    def __array__(self, *_: Any, **__: Any) -> Never:
        raise self.reading.refusal(_converted_by())

    def __float__(self) -> Never:
        raise self.reading.refusal("float(), as in the functions of math", scalar=True)

    def __bool__(self) -> Never:
        raise self.reading.refusal("bool(), as in if and while", scalar=True)

    def __int__(self) -> Never:
        raise self.reading.refusal("int()", scalar=True)

    def __index__(self) -> Never:
        raise self.reading.refusal("int(), as in an index", scalar=True)

    def __round__(self, *_: Any) -> Never:
        raise self.reading.refusal("round()", scalar=True)

    def __len__(self) -> int:
        raise self.reading.refusal("len(x), the number of points, which is no function of one point")

    def __iter__(self) -> Any:
        raise self.reading.refusal(OVER_POINTS)

    def __getitem__(self, _: Any) -> Any:
        raise self.reading.refusal("indexing with []")

    def __setitem__(self, *_: Any) -> Never:
        raise self.reading.refusal("indexing with []")


def name_of(ufunc: Any) -> str:
    """The name of a ufunc as users write it."""
    name = ufunc.__name__
    return f"np.{name}" if hasattr(np, name) else f"scipy.special.{name}"


def reason_of(error: BaseException) -> str:
    """An exception's message, as one line."""
    text = str(error) if isinstance(error, Unenclosable) else f"{type(error).__name__}: {error}"
    return text.partition("\n")[0][:MOST_CHARACTERS]


def is_number(term: Any) -> bool:
    """Whether a term is a real number, not a subclass of an array such as a masked one."""
    if isinstance(term, int | float):
        return True
    if type(term) is not np.ndarray and not isinstance(term, np.generic):
        return False
    return term.ndim == 0 and term.dtype.kind in "biuf"


def description(term: Any) -> str:
    """What a term is that has no place in a formula."""
    return f"an array of shape {term.shape}" if isinstance(term, np.ndarray) else f"a {type(term).__name__}"


def _converted_by() -> str:
    """The reason of a conversion, with the function of SciPy that requires it, if one does."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_name
        if name in SCIPY_FUNCTIONS and frame.f_globals.get("__name__", "").startswith("scipy.special"):
            return BY_SCIPY.format(name, SCIPY_FUNCTIONS[name])
        frame = frame.f_back
    return CONVERSION
