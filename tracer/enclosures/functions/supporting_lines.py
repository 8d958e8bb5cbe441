"""Lines that enclose functions of one variable on intervals, and these intervals."""

from typing import Any, NamedTuple

import numpy as np

from tracer.arrays import Array
from tracer.enclosures.rounding import UNIT_ROUNDOFF


class Line(NamedTuple):
    """Lines enclosing a function a on intervals around points z: ``a(z + t) ∈ value + slope t ± radius``.

    The slopes of a lie in ``slope + [below, above]``. All five arrays have one shape.
    """

    value: Array
    slope: Array
    radius: Array
    below: Array
    above: Array


def interval_around(center: Array, rho: Array) -> tuple[Array, Array, Array]:
    """Lower and upper ends of intervals that contain ``center ± rho``, and a shift.

    The ends exceed ``center ± rho`` by at most twice the shift.
    """
    shift = (4 * UNIT_ROUNDOFF) * (np.abs(center) + rho)
    reach = rho + shift
    return center - reach, center + reach, shift


def largest(low: Any, high: Any) -> Any:
    """The largest absolute value in [low, high]."""
    return np.maximum(np.abs(low), np.abs(high))
