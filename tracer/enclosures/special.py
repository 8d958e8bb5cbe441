"""SciPy's special functions, imported when the first of them is evaluated.

Most networks need none of them, and `scipy.special` takes half as long to import as NumPy.
"""

from typing import Any


def __getattr__(name: str) -> Any:
    """The function of `scipy.special` with this name, from then on found without a call."""
    from scipy import special

    return globals().setdefault(name, getattr(special, name))
