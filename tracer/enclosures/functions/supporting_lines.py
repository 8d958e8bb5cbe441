"""Lines beside functions of one variable, and the intervals they are good on."""

from typing import Any, NamedTuple

import numpy as np

from tracer.arrays import Array
from tracer.enclosures.rounding import UNIT_ROUNDOFF


class Line(NamedTuple):
    """A line beside a function a on intervals around points: ``a(z + t) ∈ value + slope t ± radius``.

    The slopes of a lie in ``slope + [below, above]``.
    """

    value: Array
    slope: Array
    radius: Array
    below: Array
    above: Array


def interval_around(center: Array, rho: Array) -> tuple[Array, Array, Array]:
    """Ends of intervals that hold ``center ± rho``, and half of what they may be off."""
    shift = (4 * UNIT_ROUNDOFF) * (np.abs(center) + rho)
    reach = rho + shift
    return center - reach, center + reach, shift


def largest(low: Any, high: Any) -> Any:
    """The largest absolute value in [low, high]."""
    return np.maximum(np.abs(low), np.abs(high))
