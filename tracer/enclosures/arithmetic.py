"""The arithmetic of every bound: IEEE double precision, rounded to nearest, with subnormal numbers.

A control word of each thread decides that, and whatever runs in a thread may change it: libraries compiled
for speed flush subnormal numbers to zero from the moment they are loaded, others leave a rounding mode
behind. A few operations tell. So what proves something is decorated with `in_ieee_arithmetic`: where the
arithmetic is another one, the default environment of C [1]_ is set for the call, and what was set before is
put back. Where that cannot be set, or was changed during the call, the result comes without its proof.

The threads of BLAS keep the control word that they were started with; see `rounding.matmul`. On x86-64 and
aarch64 Python's floats and NumPy's loops obey the same control word.

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
    """2 to a power, from its bits: literals are read in the arithmetic that is in doubt."""
    bits = (exponent + 1023) << 52 if exponent >= -1022 else 1 << (exponent + 1074)
    return struct.unpack("<d", struct.pack("<Q", bits))[0]


_ONE, _UNIT, _TWO_UNITS, _FOUR_UNITS = _power(0), _power(-53), _power(-52), _power(-51)
_SMALL, _SUBNORMAL, _LARGE, _PRODUCT = _power(-530), _power(-1060), _power(1000), _power(-60)
# More bytes than any fenv_t has.
_ENVIRONMENT_BYTES = 512


class Call(threading.local):
    """What is known during a call in this thread: whether BLAS's threads have the right arithmetic too.

    `depth` counts the decorated functions that are being called.
    """

    blas_threads: bool | None = None
    depth = 0


CALL = Call()


def flaw() -> str | None:
    """What this thread's arithmetic does that IEEE double precision, to nearest, does not; or None."""
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
    """IEEE double precision, rounded to nearest, where it can be set; what was set before is put back."""
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
    """A decorator: the function is computed in IEEE arithmetic, or its result is not proven.

    Parameters
    ----------
    without_proof : callable
        ``without_proof(result, reason)`` gives the result of a call in another arithmetic.
    """

    def decorator(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def decorated(*args: P.args, **kwargs: P.kwargs) -> R:
            with ieee_arithmetic(), _counted():
                wrong = flaw()
                result = function(*args, **kwargs)
                wrong = wrong or flaw()
            return result if wrong is None else without_proof(result, f"{wrong}, in this thread")

        return decorated

    return decorator


@contextmanager
def _counted() -> Iterator[None]:
    """One more call; in the outermost one nothing is known yet of the threads of BLAS."""
    if CALL.depth == 0:
        CALL.blas_threads = None
    CALL.depth += 1
    try:
        yield
    finally:
        CALL.depth -= 1


def refused(result: R, reason: str) -> R:
    """The result of a function that has no other way to say that it is not proven.

    Raises
    ------
    FloatingPointError
        Unless it is for a function that has.
    """
    if CALL.depth:
        return result
    raise FloatingPointError(
        f"the arithmetic must be IEEE double precision, rounded to nearest; {reason}: "
        "reset the floating-point environment (in C, fesetenv(FE_DFL_ENV)), and try again"
    )


def _set_default() -> Any:
    """Set the default environment; gives the one before, or None where there is no way to set it."""
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
    # Windows has no such handle, and other libraries not these functions.
    except (OSError, TypeError, AttributeError):
        return None
    return library


def _default_environment(library: Any) -> Any:
    """``FE_DFL_ENV``: a macro, which each C library defines its own way for each machine."""
    import ctypes
    import platform

    if sys.platform == "linux" and platform.machine() in ("x86_64", "aarch64"):
        return ctypes.c_void_p(-1)
    if sys.platform == "darwin":
        return ctypes.byref(ctypes.c_char.in_dll(library, "_FE_DFL_ENV"))
    return None
