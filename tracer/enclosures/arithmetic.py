"""The arithmetic of every bound: IEEE double precision, rounded to nearest, with subnormal numbers.

A control word of each thread determines the arithmetic, and any code may change it: libraries compiled for
speed flush subnormal numbers to zero once they are loaded, others leave a rounding mode behind. A few
operations detect this. So every function that proves something is decorated with `in_ieee_arithmetic`: in
another arithmetic the default environment of C [1]_ is set for the call, and the previous environment is
restored afterwards. If it cannot be set, or changes during the call, the result is returned without proof.

The threads of BLAS keep the control word that they were started with: `rounding.matmul` starts none. On
x86-64 and aarch64 Python's floats and NumPy's loops use the same control word.

References
----------
.. [1] ISO/IEC 9899:2018, 7.6, "Floating-point environment <fenv.h>".
"""

import functools
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def _power(exponent: int) -> float:
    """2 to a power, from its bits: literals would be parsed in the arithmetic under test."""
    bits = (exponent + 1023) << 52 if exponent >= -1022 else 1 << (exponent + 1074)
    return struct.unpack("<d", struct.pack("<Q", bits))[0]


_ONE, _UNIT, _TWO_UNITS, _FOUR_UNITS = _power(0), _power(-53), _power(-52), _power(-51)
_SMALL, _SUBNORMAL, _LARGE, _PRODUCT = _power(-530), _power(-1060), _power(1000), _power(-60)
# More bytes than any fenv_t has.
_ENVIRONMENT_BYTES = 512


class Call(threading.local):
    """The number of active decorated functions in this thread."""

    depth = 0


CALL = Call()


def flaw() -> str | None:
    """How this thread's arithmetic differs from IEEE double precision, rounded to nearest; or None."""
    odd = _ONE + _TWO_UNITS
    nearest = _ONE + _UNIT == _ONE and -_ONE - _UNIT == -_ONE
    even = odd + _UNIT == _ONE + _FOUR_UNITS and -odd - _UNIT == -_ONE - _FOUR_UNITS
    if not (nearest and even):
        return "it does not round to nearest"
    if _SMALL * _SMALL == 0 or _SUBNORMAL * _LARGE != _PRODUCT:
        return "it takes subnormal numbers for zero"
    return None


@contextmanager
def ieee_arithmetic() -> Iterator[None]:
    """IEEE double precision, rounded to nearest, if it can be set; the previous environment is restored."""
    if flaw() is None:
        yield
        return
    before = _set_default()
    try:
        yield
    finally:
        if before is not None:
            _c_library().fesetenv(before)


def in_ieee_arithmetic(without_proof: Callable[[R, str], R]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A decorator: the function runs in IEEE arithmetic, or its result is returned without proof.

    Parameters
    ----------
    without_proof : callable
        ``without_proof(result, reason)`` returns the result of a call in another arithmetic.
    """

    def decorator(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def decorated(*args: P.args, **kwargs: P.kwargs) -> R:
            with proving():
                wrong = flaw()
                result = function(*args, **kwargs)
                wrong = wrong or flaw()
            return result if wrong is None else without_proof(result, f"{wrong}, in this thread")

        return decorated

    return decorator


@contextmanager
def proving() -> Iterator[None]:
    """IEEE arithmetic, if it can be set, for whoever checks with `flaw` that it was; see `refused`."""
    with ieee_arithmetic():
        CALL.depth += 1
        try:
            yield
        finally:
            CALL.depth -= 1


def refused(result: R, reason: str) -> R:
    """The result of a function that has no other way to report that it is not proven.

    Raises
    ------
    FloatingPointError
        Unless a decorated function is the caller: it reports the missing proof itself.
    """
    if CALL.depth:
        return result
    raise FloatingPointError(
        f"the arithmetic must be IEEE double precision, rounded to nearest; {reason}: "
        "reset the floating-point environment (in C, fesetenv(FE_DFL_ENV)), and try again"
    )


def _set_default() -> Any:
    """Set the default environment; returns the previous one, or None if it cannot be set."""
    import ctypes

    library = _c_library()
    if library is None:
        return None
    default = _default_environment(library)
    if default is None:
        return None
    before = ctypes.create_string_buffer(_ENVIRONMENT_BYTES)
    library.fegetenv(before)
    library.fesetenv(default)
    return before


@functools.cache
def _c_library() -> Any:
    """The C library, if it has the functions of <fenv.h>."""
    import ctypes

    try:
        library = ctypes.CDLL(None)
        library.fegetenv.argtypes = library.fesetenv.argtypes = [ctypes.c_void_p]
    # Windows has no such handle, and some C libraries lack these functions.
    except (OSError, TypeError, AttributeError):
        return None
    return library


def _default_environment(library: Any) -> Any:
    """``FE_DFL_ENV``: a macro that each C library defines differently for each machine; None if unknown."""
    import ctypes
    import platform

    if sys.platform == "linux" and platform.machine() in ("x86_64", "aarch64"):
        return ctypes.c_void_p(-1)
    if sys.platform == "darwin":
        return ctypes.byref(ctypes.c_char.in_dll(library, "_FE_DFL_ENV"))
    return None
