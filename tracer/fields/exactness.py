"""Numbers that are not float64: large integers, long doubles, fractions.

Proofs hold for the user's own numbers. Where these have a radius, the conversion error is added to it;
elsewhere such numbers are rejected.
"""

from typing import Any

import numpy as np

from tracer.arrays import Array, Mask
from tracer.enclosures.rounding import UNDERFLOW, UNIT_ROUNDOFF

# Every integer up to this is a float64.
INTEGERS = 2.0**53
# The bytes of a float64.
DOUBLE = 8


def conversion_errors(values: Any, array: Array) -> Array | None:
    """Upper bounds of the errors of finite `values` converted to the float64 `array`; None if all are 0."""
    given = np.asarray(values)
    kind, size = given.dtype.kind, given.dtype.itemsize
    if kind == "f" and size > DOUBLE:
        lost = given != array
    elif kind in "biuf":
        # np.asarray may already have rounded the numbers of a list.
        own = kind == "b" or (kind == "f" and given is values)
        if own or not (np.abs(array) >= INTEGERS).any():
            return None
        lost = _differ(values, array)
    else:
        lost = _differ(values, array)
    if not lost.any():
        return None
    return np.where(lost, 2 * UNIT_ROUNDOFF * np.abs(array) + UNDERFLOW, 0.0)


def need_exact(name: str, values: Any, array: Array) -> None:
    """Raise a ValueError that names the first of `values` that differs from the float64 `array`, if any."""
    errors = conversion_errors(values, array)
    if errors is not None:
        bad = tuple(int(k) for k in np.argwhere(errors)[0])
        value = np.asarray(values, dtype=object)[bad]
        where = f" at index {bad}" if bad else ""
        raise ValueError(
            f"{name} must be what a float64 holds exactly; got {str(value)[:80]}{where}: pass it rounded, "
            "as np.asarray(…, dtype=np.float64) does"
        )


def _differ(values: Any, array: Array) -> Mask:
    """Where `values` and `array` differ; Python compares numbers exactly."""
    objects = np.asarray(values, dtype=object)
    same = [_as_python(v) == a for v, a in zip(objects.ravel(), array.ravel().tolist(), strict=True)]
    return ~np.array(same, dtype=bool).reshape(array.shape)


def _as_python(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic | np.ndarray) else value
