"""SciPy's special functions, imported when the first of them is evaluated.

Most networks need none of them, and `scipy.special` takes half as long to import as NumPy.
"""

from typing import Any

from tracer.arrays import Array


def expit(z: Any) -> Array:
    """1 / (1 + exp(−z))."""
    from scipy import special

    return special.expit(z)


def erf(z: Any) -> Array:
    """The error function, 2/√π ∫₀ᶻ exp(−t²) dt."""
    from scipy import special

    return special.erf(z)


def erfc(z: Any, out: Array | None = None) -> Array:
    """1 − erf(z), without cancellation."""
    from scipy import special

    return special.erfc(z, out=out)
